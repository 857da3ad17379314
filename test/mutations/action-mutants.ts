// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code.
import type { Mutant, Suite } from "./mutant.ts";

const ONCE: Suite = { file: "test/promises/once.test.ts" };
const STANDING: Suite = { file: "test/promises/standing.test.ts" };
const ACTION_RACES: Suite = { file: "test/races/endings.test.ts", test: "an action token" };
const RESETS: Suite = { file: "test/recovery/owner.test.ts" };
const ACTIONS: Suite = { file: "test/contracts/action" };

/** Once only: claim, effect, receipt, and what an action refuses. */
export const ACTION_MUTANTS: readonly Mutant[] = [
  {
    name: "claim after effect",
    file: "src/storage/d1-action-tokens.ts",
    find: "  return [\n    sql`UPDATE tokens SET uses = uses + 1",
    replace: "  return [\n    ...effect.splice(0),\n    sql`UPDATE tokens SET uses = uses + 1",
    suites: [ONCE],
  },
  {
    name: "effect without a claim",
    file: "src/storage/d1-action-tokens.ts",
    find: "const claimed = sql`EXISTS (SELECT 1 FROM receipts WHERE id = ${receiptId})`",
    replace: "const claimed = sql`${receiptId} <> ''`",
    suites: [ONCE],
  },
  {
    name: "a receipt without a claim",
    file: "src/storage/d1-action-tokens.ts",
    find: "FROM tokens WHERE tokens.id = ${token.id} AND tokens.claim = ${receiptId}`",
    replace: "FROM tokens WHERE tokens.id = ${token.id}`",
    suites: [ONCE],
  },
  {
    name: "claim and effect apart",
    file: "src/storage/d1-action-tokens.ts",
    find: ": await db.batch(batch);",
    replace: ": [...(await db.batch(batch.slice(0, 2))), ...(await db.batch(batch.slice(2)))];",
    suites: [ONCE],
  },
  {
    name: "uses not counted",
    file: "src/storage/d1-action-tokens.ts",
    find: "SET uses = uses + 1, modified_at",
    replace: "SET modified_at",
    suites: [ONCE],
  },
  {
    name: "max_uses not asked",
    file: "src/storage/d1-action-tokens.ts",
    find: " AND tokens.uses < tokens.max_uses\n        AND EXISTS",
    replace: "\n        AND EXISTS",
    suites: [ONCE],
  },
  {
    name: "expiry of an action token not asked",
    file: "src/storage/d1-action-tokens.ts",
    find: "AND tokens.kind = 'action' AND tokens.expires_at > ${nowMs} AND tokens.uses < tokens.max_uses\n        AND EXISTS",
    replace: "AND tokens.kind = 'action' AND tokens.uses < tokens.max_uses\n        AND EXISTS",
    suites: [ONCE],
  },
  {
    name: "standing of an action token not asked",
    file: "src/storage/d1-action-tokens.ts",
    find: "        AND EXISTS (SELECT 1 FROM users WHERE users.id = tokens.user_id AND ${standsWithParents(nowMs)})\n        AND ${userIsThere",
    replace: "        AND ${userIsThere",
    suites: [ONCE],
  },
  {
    name: "standing of the runner not asked",
    file: "src/storage/d1-action-tokens.ts",
    find: " AND ${callerOk}\n",
    replace: "\n",
    suites: [ONCE, STANDING],
  },
  {
    name: "conditions not asked again at the run",
    file: "src/storage/d1-action-tokens.ts",
    find: "AND ${isFree} AND ${allOf(conditions)}`",
    replace: "AND ${isFree}`",
    suites: [ONCE],
  },
  {
    name: "a key runs twice",
    file: "src/storage/d1-action-tokens.ts",
    find: "        AND ${isFree} AND ",
    replace: "        AND ",
    suites: [ONCE],
  },
  {
    name: "a key is not stored with the claim",
    file: "src/storage/d1-action-tokens.ts",
    find: "${JSON.stringify(claim.plan.data)}, ${bound}, ",
    replace: "${JSON.stringify(claim.plan.data)}, NULL, ",
    suites: [ONCE],
  },
  {
    name: "a key is bound to nobody",
    file: "src/core/action-tokens.ts",
    find: "[from, id, runnerId, caller !== null, input]",
    replace: "[from, id, input]",
    suites: [ONCE],
  },
  {
    name: "a key is not bound to its input",
    file: "src/core/action-tokens.ts",
    find: "[from, id, runnerId, caller !== null, input]",
    replace: "[from, id, runnerId, caller !== null]",
    suites: [RESETS],
  },
  {
    name: "what the action thinks comes before the token's own state",
    file: "src/core/action-tokens.ts",
    find: "const foreseen = action.isCostly ? null : await store.foresee(claim);",
    replace: "const foreseen = null;",
    suites: [ACTIONS],
  },
  {
    name: "an action token is revoked after its use",
    file: "src/storage/d1-action-tokens.ts",
    find: "            AND uses < max_uses AND ${parentsStand(nowMs)}",
    replace: "            AND ${parentsStand(nowMs)}",
    suites: [ACTION_RACES],
  },
  {
    name: "another body under a key gets the receipt",
    file: "src/storage/d1-action-tokens.ts",
    find: "const isSame = found?.request_digest === claim.once?.requestDigest;",
    replace: 'const isSame = found?.request_digest !== "";',
    suites: [ONCE],
  },
  {
    name: "audience not asked",
    file: "src/core/action-tokens.ts",
    find: "token.audience !== null && token.audience !== runnerId",
    replace: 'token.audience === ""',
    suites: [ONCE],
  },
  {
    name: "one becomes one's own contact",
    file: "src/actions/add-contact.ts",
    find: "if (contact_id === runnerId) return",
    replace: 'if (contact_id === "") return',
    suites: [ONCE],
  },
  {
    name: "a link is always mutual",
    file: "src/actions/add-contact.ts",
    find: "const mutual = contact_id === issuerId;",
    replace: 'const mutual = contact_id !== "" || issuerId === "";',
    suites: [ACTIONS],
  },
  {
    name: "a link is never mutual",
    file: "src/actions/add-contact.ts",
    find: "    if (mutual) links.push([contact_id, runnerId]);\n",
    replace: "",
    suites: [ACTIONS],
  },
  {
    name: "a deleted user becomes a contact",
    file: "src/actions/add-contact.ts",
    find: " AND deleted_on IS NULL AND disabled_on IS NULL",
    replace: "",
    suites: [ONCE],
  },
  {
    name: "a repeated link is a fault",
    file: "src/actions/add-contact.ts",
    find: " ON CONFLICT DO NOTHING`",
    replace: "`",
    suites: [ACTIONS],
  },
  {
    name: "a payload's problems are swallowed",
    file: "src/actions/define.ts",
    find: "return { ok: false, problems };",
    replace: "return { ok: false, problems: problems.slice(1) };",
    suites: [ACTIONS],
  },
];
