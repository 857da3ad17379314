import { beforeAll, describe, expect, it } from "vitest";
import { at, call, newApiToken, newCaller, PLAIN_TOKEN, textAt } from "../support/client.ts";

let user: Awaited<ReturnType<typeof newCaller>>;
beforeAll(async () => {
  user = await newCaller();
});

const IP = "192.0.2.7";

const create = (json: object, bearer = user.access) =>
  call("POST", "/rest/token", { bearer, json: { name: "guard", ...json } });
const patch = (uuid: string, json: unknown, bearer = user.access) =>
  call("PATCH", `/rest/token/${uuid}`, { bearer, json });
const from = (ip: string) => ({ headers: { "cf-connecting-ip": ip } });
const use = async (bearer: string, ip = IP) =>
  (await call("GET", "/rest/user", { bearer, ...from(ip) })).status;
const rotate = (uuid: string, grace_seconds: number, bearer = user.access) =>
  call("POST", `/rest/token/${uuid}/rotate`, { bearer, json: { grace_seconds }, ...from(IP) });
const listed = async (uuid: string) => {
  const answer = await call("GET", "/rest/token/list", { bearer: user.access });
  const tokens: unknown = at(answer, "payload");
  return Array.isArray(tokens) ? tokens.find((each) => each.uuid === uuid) : undefined;
};
async function created(json: object) {
  const answer = await create(json);
  expect(answer.status, answer.text).toBe(200);
  return { secret: textAt(answer, "payload", "token"), uuid: textAt(answer, "payload", "uuid") };
}

describe("members of an API token", () => {
  it("are shown, changed and taken away", async () => {
    const { uuid } = await created({});
    expect(await listed(uuid)).toMatchObject(PLAIN_TOKEN);
    const members = {
      metadata: { plan: "pro", seats: [1, 2], ключ: null },
      enabled: false,
      remaining: 7,
      limit: { max: 5, seconds: 60 },
      allowed_ips: ["192.0.2.7", "2001:db8::/32"],
    };
    expect(at(await create(members), "payload")).toMatchObject(members);
    expect(at(await patch(uuid, members), "payload")).toMatchObject(members);
    expect(await listed(uuid)).toMatchObject(members);
    const remaining = { remaining: null };
    expect(at(await patch(uuid, remaining), "payload")).toMatchObject({ ...members, ...remaining });
    const none = { ...PLAIN_TOKEN, metadata: null };
    expect(at(await patch(uuid, none), "payload")).toMatchObject(PLAIN_TOKEN);
    expect(at(await patch(uuid, { name: "x", metadata: { a: 1 } }), "payload")).toMatchObject({
      ...PLAIN_TOKEN,
      name: "x",
      metadata: { a: 1 },
    });
  });

  it.each([
    ["metadata", [1]],
    ["metadata", "text"],
    ["metadata", { big: "x".repeat(4_096) }],
    ["metadata", { lost: 2 ** 60 }],
    ["enabled", "false"],
    ["enabled", null],
    ["remaining", -1],
    ["remaining", 1.5],
    ["remaining", "7"],
    ["remaining", 2e9],
    ["limit", { max: 1 }],
    ["limit", { max: 0, seconds: 60 }],
    ["limit", { max: 1, seconds: 1e9 }],
    ["limit", { max: 1, seconds: 60, burst: 2 }],
    ["limit", 5],
    ["allowed_ips", []],
    ["allowed_ips", ["192.0.2.256"]],
    ["allowed_ips", ["192.0.2.1/33"]],
    ["allowed_ips", ["192.0.2.1/"]],
    ["allowed_ips", ["010.0.0.1"]],
    ["allowed_ips", ["fe80::1%eth0"]],
    ["allowed_ips", ["example.com"]],
    ["allowed_ips", "192.0.2.1"],
    ["allowed_ips", Array.from({ length: 51 }, (_, n) => `192.0.2.${n}`)],
  ])("%s is not %j", async (name, value) => {
    const { uuid } = await newApiToken(user.access);
    for (const answer of [await create({ [name]: value }), await patch(uuid, { [name]: value })]) {
      expect(answer.status, answer.text).toBe(400);
      expect(textAt(answer, "message")).toMatch(new RegExp(`^${name}`));
    }
    expect(await listed(uuid)).toMatchObject(PLAIN_TOKEN);
  });

  it("names that are not understood are refused", async () => {
    const { uuid } = await newApiToken(user.access);
    for (const name of ["disabled", "rate_limit", "ips"]) {
      expect((await create({ [name]: 1 })).status).toBe(400);
      expect((await patch(uuid, { name: "x", [name]: 1 })).status).toBe(400);
    }
  });

  it("addresses have one spelling", async () => {
    const sent = [
      "192.0.2.77/24",
      "192.0.2.0/24",
      "::FFFF:192.0.2.1",
      "2001:DB8:0::5/48",
      "0.0.0.0/0",
    ];
    const { uuid } = await created({ allowed_ips: sent });
    const stored = ["192.0.2.0/24", "192.0.2.1", "2001:db8::/48", "0.0.0.0/0"];
    expect(await listed(uuid)).toMatchObject({ allowed_ips: stored });
  });
});

describe("a disabled token", () => {
  it("is refused with all that was derived from it, and enabled again", async () => {
    const { secret, uuid } = await newApiToken(user.access);
    const child = await newApiToken(secret);
    const jwt = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
    const all = [secret, child.secret, jwt];
    const uses = async () => Promise.all(all.map((each) => use(each)));
    expect(await uses()).toEqual([200, 200, 200]);
    expect((await patch(uuid, { enabled: false })).status).toBe(200);
    expect(await uses()).toEqual([401, 401, 401]);
    expect((await create({}, secret)).status).toBe(401);
    expect((await patch(uuid, { enabled: true }, secret)).status).toBe(401);
    expect(await listed(uuid)).toMatchObject({ enabled: false });
    expect(await listed(child.uuid)).toMatchObject({ enabled: true });
    expect((await patch(uuid, { enabled: true })).status).toBe(200);
    expect(await uses()).toEqual([200, 200, 200]);
  });

  it("can be revoked by whoever holds it, and so can what was derived from it", async () => {
    const { secret, uuid } = await newApiToken(user.access);
    const jwt = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
    const other = await newApiToken(user.access);
    for (const each of [uuid, other.uuid]) await patch(each, { enabled: false });
    for (const token of [jwt, other.secret]) {
      await call("POST", "/oauth/revoke", { form: { token } });
    }
    for (const each of [uuid, other.uuid]) await patch(each, { enabled: true });
    expect([await use(secret), await use(jwt), await use(other.secret)]).toEqual([200, 401, 401]);
    expect(await listed(other.uuid)).toBeUndefined();
  });

  it("disables itself, and stays disabled when it is rotated", async () => {
    const { secret, uuid } = await newApiToken(user.access);
    expect((await patch(uuid, { enabled: false }, secret)).status).toBe(200);
    const next = await rotate(uuid, 3_600);
    expect(at(next, "payload", "enabled")).toBe(false);
    await patch(textAt(next, "payload", "uuid"), { enabled: true });
    expect(await use(textAt(next, "payload", "token"))).toBe(200);
    // The old one can only end sooner.
    expect((await patch(uuid, { enabled: true })).status).toBe(409);
    expect((await patch(uuid, { enabled: false })).status).toBe(200);
    expect(await use(secret)).toBe(401);
  });
});

const RESTRICTIONS = [
  { remaining: 7 },
  { limit: { max: 5, seconds: 60 } },
  { allowed_ips: [IP] },
] as const;

describe.each(RESTRICTIONS)("a token with %j", (restriction) => {
  it("derives nothing", async () => {
    const { secret, uuid } = await created(restriction);
    const other = await newApiToken(user.access);
    const sent = { bearer: secret, ...from(IP) };
    expect(await use(secret)).toBe(200);
    const payload = { contact_id: user.id };
    const answers = [
      await call("POST", "/rest/token", { ...sent, json: { name: "child" } }),
      await call("GET", "/rest/auth", sent),
      await call("POST", "/api/generate-action-token", {
        ...sent,
        json: { action: "addContact", payload },
      }),
      await call("POST", `/rest/token/${other.uuid}/rotate`, { ...sent, json: {} }),
      await call("PATCH", `/rest/token/${uuid}`, { ...sent, json: { remaining: 1_000 } }),
      await call("PATCH", `/rest/token/${uuid}`, { ...sent, json: { limit: null } }),
      await call("PATCH", `/rest/token/${uuid}`, { ...sent, json: { allowed_ips: null } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await listed(uuid)).toMatchObject({ ...PLAIN_TOKEN, ...restriction });
  });

  it("stops what was derived from it before", async () => {
    const { secret, uuid } = await newApiToken(user.access);
    const child = await newApiToken(secret);
    const jwt = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
    await patch(uuid, restriction);
    expect([await use(secret), await use(child.secret), await use(jwt)]).toEqual([200, 401, 401]);
    await patch(uuid, { remaining: null, limit: null, allowed_ips: null });
    expect([await use(secret), await use(child.secret), await use(jwt)]).toEqual([200, 200, 200]);
  });

  it("keeps it when it is rotated, also by itself", async () => {
    const { secret, uuid } = await created(restriction);
    const next = await rotate(uuid, 0, secret);
    expect(at(next, "payload")).toMatchObject({ ...PLAIN_TOKEN, ...restriction });
  });
});

it("a token works from its addresses alone, and its owner learns of others", async () => {
  const { secret } = await created({ allowed_ips: ["192.0.2.0/24", "2001:db8:1::/48"] });
  const places = [IP, "192.0.3.7", "2001:db8:1:5::9", "2001:db8:2::1", "::ffff:192.0.2.9", ""];
  const statuses = [];
  for (const place of places) statuses.push(await use(secret, place));
  expect(statuses).toEqual([200, 401, 200, 401, 200, 401]);
  const client = { bearer: secret, form: { token: secret } };
  expect(
    (await call("POST", "/oauth/introspect", { ...client, ...from("192.0.3.7") })).status,
  ).toBe(401);
  // Introspection is not told where the token is used from.
  expect((await call("POST", "/oauth/introspect", { ...client, ...from(IP) })).json).toEqual({
    active: false,
  });
});
