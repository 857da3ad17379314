import { beforeAll, expect, it } from "vitest";
import {
  ALL_EVENTS,
  AUDIT_COUNTED,
  AUDIT_EVENTS,
  EVENT_GROUPS,
  type EventFilter,
  kindsOf,
  type NamedEntry,
} from "../../src/core/events.ts";
import type { PageRequest } from "../../src/core/page.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { storedKind } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const NOW = Date.now();
const [me, friend, stranger] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
const ids = {
  token: crypto.randomUUID(),
  theirs: crypto.randomUUID(),
  session: crypto.randomUUID(),
  action: crypto.randomUUID(),
  receipt: crypto.randomUUID(),
  passkey: crypto.randomUUID(),
};

const statements: string[] = [];
let calls = 0;
const { services } = isolate(
  {},
  intercept((call, run) => {
    calls++;
    statements.push(...call.statements);
    return run();
  }),
);
const find = (filter: Partial<EventFilter> = {}, page: Partial<PageRequest> = {}) =>
  services.audit.find(me, { ...ALL_EVENTS, ...filter }, { limit: 100, after: null, ...page });

type Row = Readonly<Record<string, string | number | null>>;

function insertion(table: string, row: Row) {
  const names = Object.keys(row);
  return DB.prepare(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => "?")})`).bind(
    ...Object.values(row),
  );
}

let count = 0;
function event(what: string, more: Row = {}) {
  const at = Number(more.at ?? NOW - 1_000_000 + count++ * 1_000);
  const time = at.toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
  const { at: _, ...rest } = more;
  const kind = storedKind(what);
  const own_kind = kind === 0 ? what : null;
  return insertion("events", { user_id: me, id, kind, own_kind, done_by: 1, ...rest });
}

function token(id: string, kind: string, userId: string, detail: object, login: Row = {}) {
  const version = kind === "api" ? { api_token_version: 0 } : {};
  const times = { created_at: 1, modified_at: 1, expires_at: NOW * 2 };
  const rest = { credential_version: 0, detail: JSON.stringify(detail), ...version, ...times };
  const uses = kind === "action" ? { max_uses: 9 } : {};
  return insertion("tokens", { id, kind, user_id: userId, ...rest, ...uses, ...login });
}

const user = (id: string, first_name: string) =>
  insertion("users", {
    id,
    email: `${first_name}@example.com`,
    password: "",
    first_name,
    created_on: 1,
    modified_on: 1,
  });

const DEVICE = { browser: "Firefox", system: "Linux", country: "DE", city: "Berlin" };

beforeAll(async () => {
  await DB.batch([
    user(me, "Me"),
    user(friend, "Fay"),
    user(stranger, "Stan"),
    insertion("contacts", { user_id: me, contact_id: friend, created_at: 1 }),
    token(ids.token, "api", me, { name: "CI deploys" }),
    token(ids.theirs, "api", stranger, { name: "not mine" }),
    token(ids.session, "session", me, {}, { device: 1, city: DEVICE.city }),
    insertion("devices", {
      ...DEVICE,
      user_id: me,
      first_seen_at: 1,
      last_seen_at: 1,
      way: "password",
      networks: "{}",
    }),
    token(ids.action, "action", me, { action: "addContact" }),
    insertion("receipts", {
      id: ids.receipt,
      token_id: ids.action,
      action: "addContact",
      run_by: stranger,
      issued_by: me,
      run_at: 1,
      data: "{}",
    }),
    insertion("passkeys", {
      id: ids.passkey,
      user_id: me,
      credential_id: "x",
      public_key: "x",
      name: "Phone",
      transports: "[]",
      counter: 0,
      is_backup_eligible: 0,
      is_backed_up: 0,
      created_at: 1,
    }),
  ]);
  await DB.batch([
    event("user.created"),
    event("session.created", { subject: ids.session, ipv6: "203.0.113.0/24" }),
    event("token.created", { subject: ids.token, credential: ids.session }),
    event("token.revoked", { subject: ids.theirs, credential: ids.theirs }),
    event("user.changed", { credential: ids.token }),
    event("passkey.added", { subject: ids.passkey }),
    event("action.run", { subject: ids.receipt, done_by: 0, actor: stranger }),
    event("contact.removed", { subject: me, done_by: 0, actor: friend }),
    event("contact.removed", { subject: me, done_by: 0, actor: stranger }),
    event("contact.removed", { subject: friend }),
    event("coupon.redeemed"),
    event("login.failed", { refused: 1, done_by: 0, ipv6: "198.51.100.7" }),
    event("user.disabled", {
      actor: friend,
      done_by: 2,
      ipv6: "192.0.2.9",
      request_id: "ray",
    }),
    event("user.changed", { user_id: stranger, ipv6: "203.0.113.0/24" }),
  ]);
});

const oldestFirst = (items: readonly NamedEntry[]) => [...items].reverse();
const whats = ({ items }: { readonly items: readonly NamedEntry[] }) =>
  oldestFirst(items).map(({ what }) => what);

it("finds the history of a token: what it was about and what was done with it, and nothing that is hidden", async () => {
  expect(whats(await find({ aboutId: ids.token }))).toEqual(["token.created", "user.changed"]);
  expect(whats(await find({ aboutId: ids.session }))).toEqual(["session.created", "token.created"]);
  const operators = crypto.randomUUID();
  await event("user.enabled", {
    done_by: 2,
    actor: friend,
    credential: operators,
    at: 1,
  }).run();
  expect(whats(await find({ aboutId: operators }))).toEqual([]);
  await DB.prepare(`DELETE FROM events WHERE hex(id) < '00000001'`).run();
});

it("names what an event was about, who did it, with what and from where, in one call", async () => {
  calls = 0;
  const { items, isWhole } = await find();
  expect([calls, isWhole, items.length]).toEqual([1, true, 13]);
  const named = oldestFirst(items).map(({ what, object, actor, credentialName, device }) => [
    what,
    object,
    actor,
    credentialName,
    device,
  ]);
  expect(named).toEqual([
    ["user.created", null, null, null, null],
    ["session.created", null, null, null, DEVICE],
    ["token.created", { kind: "api", id: ids.token, name: "CI deploys" }, null, null, DEVICE],
    // Of somebody else, whatever led here.
    ["token.revoked", null, null, null, null],
    ["user.changed", null, null, "CI deploys", null],
    ["passkey.added", { kind: "passkey", id: ids.passkey, name: "Phone" }, null, null, null],
    [
      "action.run",
      { kind: "action", id: ids.action, name: "addContact" },
      { id: null, name: "Stan" },
      null,
      null,
    ],
    ["contact.removed", null, { id: friend, name: "Fay" }, null, null],
    ["contact.removed", null, null, null, null],
    ["contact.removed", { kind: "contact", id: friend, name: "Fay" }, null, null, null],
    ["coupon.redeemed", null, null, null, null],
    ["login.failed", null, null, null, null],
    ["user.disabled", null, null, null, null],
  ]);
});

const search = (text: string, kinds: readonly string[] = []) => find({ search: { text, kinds } });

it("finds by kind, outcome, time, name, device, place and address, and nothing that is hidden", async () => {
  expect(whats(await find({ kinds: kindsOf("tokens") }))).toEqual([
    "token.created",
    "token.revoked",
  ]);
  expect(whats(await find({ kinds: kindsOf("logins") }))).toEqual([
    "session.created",
    "login.failed",
  ]);
  expect(whats(await find({ kinds: kindsOf("actions") }))).toEqual([
    "action.run",
    ...Array(3).fill("contact.removed"),
    "coupon.redeemed",
  ]);
  expect(whats(await find({ outcome: "refused" }))).toEqual(["login.failed"]);
  const [, second, third] = oldestFirst((await find()).items);
  const range = { fromMs: second?.createdAtMs ?? 0, untilMs: third?.createdAtMs ?? 0 };
  expect(whats(await find(range))).toEqual(["session.created"]);
  expect(whats(await search("ci DEPLOYS"))).toEqual(["token.created", "user.changed"]);
  expect(whats(await search("berlin"))).toEqual(["session.created", "token.created"]);
  expect(whats(await search("203.0.113."))).toEqual(["session.created"]);
  expect(whats(await search("fay"))).toEqual(["contact.removed", "contact.removed"]);
  expect(whats(await search("%"))).toEqual([]);
  expect(whats(await search("no such text", ["user.created"]))).toEqual(["user.created"]);
  // Where an operator was, and what is another's.
  for (const hidden of ["192.0.2.9", "ray", "not mine"]) {
    expect(whats(await search(hidden))).toEqual([]);
  }
});

it("puts each kind in a group of its own, or with what is suspicious", () => {
  for (const what of [...AUDIT_EVENTS, "coupon.redeemed"]) {
    const groups = EVENT_GROUPS.filter((group) => {
      const { names, isExcluded } = kindsOf(group);
      return names.includes(what) !== isExcluded;
    });
    const own = groups.filter((group) => group !== "refused");
    expect([what, own.length], what).toEqual([what, what === "credential.refused" ? 0 : 1]);
  }
});

it("leads on and back, each event once", async () => {
  const first = await find({}, { limit: 5 });
  const second = await find({}, { limit: 5, after: first.next });
  const third = await find({}, { limit: 5, after: second.next });
  const all = (await find()).items;
  expect([...first.items, ...second.items, ...third.items]).toEqual(all);
  expect([first.previous, third.next]).toEqual([null, null]);
  if (third.previous === null) throw new Error("no way back");
  const back = await find({}, { limit: 5, before: third.previous });
  expect([back.items, back.next?.id]).toEqual([second.items, second.items.at(-1)?.id]);
});

it("looks at so many events and says so, goes on where it stopped, by the primary key alone", async () => {
  const at = NOW - 90_000_000;
  const time = at.toString(16).padStart(12, "0");
  await DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO events (user_id, id, kind)
     SELECT ?2, unhex(?3 || '-7' || substr(hex(randomblob(10)), 2), '-'), ${storedKind("user.changed")} FROM n`,
  )
    .bind(AUDIT_COUNTED, me, `${time.slice(0, 8)}-${time.slice(8)}`)
    .run();
  await event("token.rotated", { at: at - 1_000, subject: ids.token }).run();
  const filter = { kinds: kindsOf("tokens") };
  const newest = await find(filter);
  expect([whats(newest), newest.isWhole]).toEqual([["token.created", "token.revoked"], false]);
  const rest = await find(filter, { after: newest.next });
  expect([whats(rest), rest.isWhole, rest.next]).toEqual([["token.rotated"], true, null]);
  const back = await find(filter, { before: { key: 1, id: rest.items[0]?.id ?? "" } });
  expect([whats(back), back.isWhole]).toEqual([[], false]);
  const all = await find({}, { limit: AUDIT_COUNTED });
  expect([all.items.length, all.isWhole, all.next === null]).toEqual([AUDIT_COUNTED, true, false]);

  statements.length = 0;
  await find(filter);
  const plans = statements.map(async (sql) => {
    const values = Array(sql.split("?").length - 1).fill(0);
    const plan = await DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    return plan.results.map(({ detail }) => detail).join("\n");
  });
  const text = (await Promise.all(plans)).join("\n");
  expect(text).toMatch(/SEARCH events USING PRIMARY KEY \(user_id=\? AND id>\? AND id<\?\)/);
  expect(text).not.toMatch(/SCAN (?!json_each|\(subquery)|TEMP B-TREE|AUTOMATIC/);
});
