import { uuid } from "../../src/core/uuid.ts";
import {
  type Credential,
  highOf,
  isJwt,
  type Kind,
  KV_ANSWERS_FROM_SECONDS,
  lowOf,
  MAX_SKEW_MS,
  mayBeTakenOver,
  Violation,
} from "./credential.ts";
import { ISOLATES } from "./edge.ts";
import { running } from "./operations/actions.ts";
import { type Attempt, show } from "./operations/operation.ts";
import { LONGEST_MS } from "./operations/sessions.ts";
import type { Sending, Simulation } from "./simulation.ts";

const CHECKED: readonly Kind[] = ["password", "session", "api", "access", "refresh"];
const SETTLED_MS = 60_000;
/** Past a revocation lag of a day all that could be asked about has expired. */
const LONGEST_WAIT_MS = 600_000;
const MOST_KNOWN = 8;
const MOST_DOUBTFUL = 6;
const MOST_RUNS = 4;
const MOST_RETRIED = 5;

/**
 * The faults have stopped, and all that was on its way has come to an end. Now nothing answers 503,
 * what is known must show everywhere, and what nobody knows must be the same everywhere.
 */
export async function checkEnding(sim: Simulation, salt: number): Promise<void> {
  const { model } = sim;
  let sent = 0;
  const calmly = (isolate: number): Sending => ({
    isolate,
    faults: [],
    lost: false,
    salt: salt + ++sent,
  });
  const lags = sim.edge.versions().map(({ lagSeconds }) => lagSeconds);
  const lagMs =
    Math.max(60, model.setup.kvLagSeconds, ...lags) * 1000 + model.setup.kvLagSeconds * 1000;
  const readsFromKv = lags.some((lag) => lag >= KV_ANSWERS_FROM_SECONDS);
  const waitMs = Math.min(lagMs, LONGEST_WAIT_MS) + 1_000;

  await sim.pass(SETTLED_MS);
  await sim.settle();
  checkDatabase(sim);
  // A client that never saw the answer sends its request again, and now gets one.
  for (const run of sim.actions.runs.slice(-MOST_RUNS)) {
    await sim.perform(running(sim, run), calmly(0));
  }
  for (const { attempt, emails } of sim.unanswered.slice(-MOST_RETRIED)) {
    // People who are new come last.
    if (sim.emails().startsWith(emails)) await sim.perform(attempt, calmly(salt % ISOLATES));
  }
  await sim.pass(waitMs);

  const shown = model.credentials.filter(({ kind }) => CHECKED.includes(kind)).toReversed();
  const isDoubtful = ({ possible, certain }: Credential) => possible.size > 0 || !certain;
  const nowMs = sim.nowMs();
  const hasEnded = (credential: Credential) =>
    credential.revokedMs < Number.POSITIVE_INFINITY && nowMs < highOf(credential);
  const certain = shown.filter((each) => !isDoubtful(each));
  const ended = certain.filter(hasEnded);
  const known = [...new Set([...ended.slice(0, MOST_KNOWN - 2), ...certain])].slice(0, MOST_KNOWN);
  const doubtful = shown.filter(isDoubtful).slice(0, MOST_DOUBTFUL);
  // Before housekeeping: what was answered 2xx needs none.
  for (const [index, each] of known.entries()) {
    await sim.perform(asking(sim, each, new Map()), calmly((salt + index) % ISOLATES));
  }
  await sim.housekeeping(calmly(0));
  await sim.pass(waitMs);
  const verdicts = new Map<Credential, boolean>();
  for (let isolate = 0; isolate < ISOLATES; isolate++) {
    for (const each of doubtful) {
      // Once is enough where D1 alone decides.
      if (isolate > 0 && (each.kind === "password" || !readsFromKv)) continue;
      const known = lagMs > LONGEST_WAIT_MS ? new Map() : verdicts;
      await sim.perform(asking(sim, each, known), calmly(isolate));
    }
  }
  checkDatabase(sim);
  await checkDeliveries(sim, () => sim.housekeeping(calmly(0)));
}

/** Runs that deliver what waits, of whatever many there are; an operator replays what was given up. */
const MOST_RUNS_TO_DELIVER = 12;
const AN_HOUR_MS = 3_600_000;

async function checkDeliveries(sim: Simulation, housekeeping: () => Promise<void>): Promise<void> {
  const { receiver } = sim.edge;
  if (receiver === null) return;
  receiver.recover();
  for (let run = 0; run < MOST_RUNS_TO_DELIVER; run++) {
    // Each time: a delivery that was on its way may have been given up since.
    receiver.replay(sim.nowMs());
    if (receiver.waiting() === 0) break;
    await sim.pass(AN_HOUR_MS);
    await housekeeping();
  }
  await sim.settle();
  receiver.checkAll();
}

function asking(
  { model }: Simulation,
  credential: Credential,
  verdicts: Map<Credential, boolean>,
): Attempt {
  const sent = isJwt(credential)
    ? { method: "POST", path: "/api/token/verify/", json: { token: credential.secret } }
    : { method: "GET", path: "/rest/user", headers: show(credential) };
  const isPassword = credential.kind === "password";
  return {
    label: `ask for ${credential.name} at last`,
    sent,
    statuses: [200, 401],
    end(answer, span) {
      if (answer === null) throw new Violation("503 in calm");
      const yes = answer.status === 200;
      model.check(credential, yes ? "yes" : "no", span, isPassword);
      // What may have been ended: the same everywhere, once the revocation lag has passed.
      if (span.sentMs >= lowOf(credential) - MAX_SKEW_MS) return;
      const before = verdicts.get(credential);
      if (before !== undefined && before !== yes) {
        throw new Violation(`${credential.name} is ${yes ? "taken" : "refused"} here only`);
      }
      verdicts.set(credential, yes);
    },
  };
}

/** What must hold of the rows whatever was asked and answered. @throws Violation */
export function checkDatabase({ edge, actions, model, nowMs }: Simulation): void {
  const { sqlite } = edge.database;
  // A parent that was made to end sooner ends it too: its own row may say more than was promised.
  const row =
    sqlite.prepare(`SELECT created_at, expires_at, MIN(expires_at, COALESCE((SELECT MIN(parent.expires_at)
    FROM json_each(tokens.parents) AS link JOIN tokens AS parent ON parent.id = unhex(link.value, '-')), expires_at)) AS ends_at
    FROM tokens WHERE id = ?`);
  for (const { kind, id, name, expires } of model.credentials) {
    const found = kind === "session" || kind === "api" ? row.get(uuid(id)) : undefined;
    if (found === undefined) continue;
    const expiresMs = Number(found.expires_at);
    if (expiresMs < expires.earliestMs) throw new Violation(`${name}: a later end was promised`);
    if (Number(found.ends_at) > expires.latestMs)
      throw new Violation(`${name}: an earlier end was promised`);
    if (kind === "session" && expiresMs > Number(found.created_at) + LONGEST_MS) {
      throw new Violation(`${name} outlives 30 days`);
    }
  }
  const takenOver = model.people.filter(mayBeTakenOver).map(({ id }) => id);
  const wrong = sqlite.prepare(INVARIANTS).all(JSON.stringify(takenOver), nowMs());
  if (wrong.length > 0) throw new Violation(`in D1: ${JSON.stringify(wrong)}`);
  for (const [receipt, token] of actions.receiptOwner) {
    const row = sqlite.prepare("SELECT token_id FROM receipts WHERE id = ?").get(uuid(receipt));
    if (
      row === undefined &&
      sqlite.prepare("SELECT 1 FROM tokens WHERE id = ?").get(uuid(token.credential.id))
    ) {
      throw new Violation(`a receipt of ${token.credential.name} was shown, and is not there`);
    }
  }
}

/**
 * A use for each receipt and a receipt for each use; a contact for each receipt's effect, and none
 * without, as far as both people are still there, and the same; at most one living account for an email; nothing
 * of the person in an account that was deleted.
 */
const INVARIANTS = `
  WITH living AS (SELECT id FROM users WHERE deleted_on IS NULL),
    same AS (SELECT id FROM living WHERE id NOT IN (SELECT unhex(value, '-') FROM json_each(?)))
  SELECT 'uses' AS what, t.id FROM tokens AS t WHERE t.kind = 'action'
    AND (t.uses <> (SELECT COUNT(*) FROM receipts WHERE token_id = t.id) OR t.uses > t.max_uses)
  UNION ALL
  SELECT 'receipt without effect', r.id FROM receipts AS r WHERE r.run_by IN same
    AND unhex(json_extract(r.data, '$.contact_id'), '-') IN same AND NOT EXISTS (SELECT 1 FROM contacts AS c
    WHERE c.user_id = r.run_by AND c.contact_id = unhex(json_extract(r.data, '$.contact_id'), '-'))
  UNION ALL
  SELECT 'mutual without effect', r.id FROM receipts AS r WHERE json_extract(r.data, '$.mutual') = 1
    AND r.run_by IN same AND unhex(json_extract(r.data, '$.contact_id'), '-') IN same AND NOT EXISTS (SELECT 1 FROM contacts AS c
      WHERE c.contact_id = r.run_by AND c.user_id = unhex(json_extract(r.data, '$.contact_id'), '-'))
  UNION ALL
  SELECT 'effect without receipt', hex(c.user_id) || ' ' || hex(c.contact_id) FROM contacts AS c
    WHERE c.user_id IN living AND c.contact_id IN living AND NOT EXISTS (SELECT 1 FROM receipts AS r
      WHERE r.run_by = c.user_id AND unhex(json_extract(r.data, '$.contact_id'), '-') = c.contact_id
      OR json_extract(r.data, '$.mutual') = 1 AND r.run_by = c.contact_id
        AND unhex(json_extract(r.data, '$.contact_id'), '-') = c.user_id)
    AND c.created_at > ? - 30 * 86400000
  UNION ALL
  SELECT 'email twice', email FROM users WHERE deleted_on IS NULL GROUP BY email HAVING COUNT(*) > 1
  UNION ALL
  SELECT 'no way in', id FROM users WHERE deleted_on IS NULL AND password IN ('', '!') AND email_login_at IS NULL
    AND id NOT IN (SELECT user_id FROM passkeys)
  UNION ALL
  SELECT 'recovery code without a second factor', user_id FROM recovery_codes
    WHERE user_id NOT IN (SELECT user_id FROM second_factors)
  UNION ALL
  SELECT 'deleted, and still known', id FROM users WHERE deleted_on IS NOT NULL
    AND (email <> '' OR password <> '' OR first_name IS NOT NULL)
  UNION ALL
  SELECT 'contacts of a deleted user', user_id FROM contacts WHERE user_id NOT IN living
  UNION ALL
  SELECT 'passkey of a deleted user', id FROM passkeys WHERE user_id NOT IN living
  UNION ALL
  SELECT 'second factor of a deleted user', user_id FROM second_factors WHERE user_id NOT IN living
`;
