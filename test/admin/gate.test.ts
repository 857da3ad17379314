import { beforeAll, describe, expect, it, vi } from "vitest";
import { OPERATOR_SCOPES } from "../../src/core/scopes.ts";
import { at, itemsAt, type Send, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { ROUTE_KEYS, pathOf } from "../hostile/routes.ts";
import { fingerprint } from "../hostile/database.ts";
import { DB } from "../support/database.ts";

const ROUTES = ROUTE_KEYS.filter(({ route }) => route.path.startsWith("/rest/admin/"));
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /rest/admin/find": { query: "nobody@example.com" },
  "PATCH /rest/admin/users/:id": { role: "Admin" },
  "POST /rest/admin/dead_letters/replay": { event_uuids: [] },
};

const here = isolate();
const strict = isolate({ ADMIN_SECOND_FACTOR: "required" });
let user: Awaited<ReturnType<typeof here.newCaller>>;
let operator: typeof user;

beforeAll(async () => {
  user = await here.newCaller();
  operator = await here.newOperator();
});

/** Each route, about an account that there is or is not. */
function askAll(send: Send, { call } = here, id = user.id) {
  return Promise.all(
    ROUTES.map(async ({ name, route }) => {
      const json = BODIES[name];
      const path = pathOf(route, id);
      const answer = await call(route.method, path, {
        ...send,
        ...(json !== undefined && { json }),
      });
      return { name, scope: route.scope, ...answer };
    }),
  );
}

const REFUSED = { success: false, message: "Only for operators", status: 403 };

it("there are routes to look at", () => {
  expect(ROUTES.length).toBeGreaterThan(14);
  expect(new Set(ROUTES.map(({ route }) => route.scope))).toEqual(new Set(OPERATOR_SCOPES));
});

describe("no user's credential opens any of them, whether the account exists or not", () => {
  it.each(["password", "access JWT", "JWT", "session"])("%s", async (kind) => {
    const send: Send =
      kind === "password"
        ? { basic: user }
        : kind === "access JWT"
          ? { bearer: user.access }
          : kind === "JWT"
            ? {
                bearer: textAt(
                  await here.call("GET", "/rest/auth", { basic: user }),
                  "payload",
                  "token",
                ),
              }
            : { xToken: await here.newSession(user) };
    const before = await fingerprint();
    for (const id of [user.id, operator.id, "00000000-0000-8000-8000-000000000000"]) {
      for (const { name, json } of await askAll(send, here, id)) {
        expect([name, json]).toEqual([name, REFUSED]);
      }
    }
    if (kind !== "password") expect(await fingerprint()).toEqual(before);
  });

  it("an API token with all scopes, even an operator's, nor the JWT of one", async () => {
    const all = await here.newApiToken(operator.access, "all");
    const jwt = textAt(
      await here.call("GET", "/rest/auth", { bearer: all.secret }),
      "payload",
      "token",
    );
    for (const bearer of [all.secret, jwt]) {
      for (const { name, scope, status, headers } of await askAll({ bearer })) {
        expect([name, status]).toEqual([name, 403]);
        expect(headers.get("www-authenticate")).toContain(`scope="${scope}"`);
      }
    }
  });
});

describe("operators' scopes", () => {
  const make = (bearer: string, scopes: readonly string[] | null) =>
    here.call("POST", "/rest/token", { bearer, json: { name: "ops", scopes } });
  const exchange = (subject_token: string, scope?: string) =>
    here.call("POST", "/oauth/token", {
      form: {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        subject_token,
        ...(scope !== undefined && { scope }),
      },
    });

  it("are given by name, to an operator alone, and each opens its own routes", async () => {
    for (const scope of OPERATOR_SCOPES) {
      expect(await make(user.access, [scope])).toMatchObject({ status: 403 });
      expect(await exchange(user.access, scope)).toMatchObject({ status: 400 });
      const token = await make(operator.access, [scope]);
      expect(at(token, "payload", "scopes")).toEqual([scope]);
      const jwt = textAt(await exchange(operator.access, scope), "access_token");
      for (const bearer of [textAt(token, "payload", "token"), jwt]) {
        for (const asked of await askAll(
          { bearer },
          here,
          "00000000-0000-8000-8000-000000000000",
        )) {
          const isOpen = !/lack|does not have|Only for/.test(asked.text);
          expect([asked.name, isOpen]).toEqual([asked.name, asked.scope === scope]);
        }
      }
    }
  });

  it("are not passed on where no scope is named", async () => {
    const both = [...OPERATOR_SCOPES, "tokens:write"];
    const parent = textAt(await make(operator.access, both), "payload", "token");
    expect(at(await make(parent, null), "payload", "scopes")).toEqual(["tokens:write"]);
    expect(at(await exchange(parent), "scope")).toBe("tokens:write");
    expect(at(await exchange(operator.access), "scope")).not.toContain("admin");
  });
});

it("a role that was taken away opens nothing from that instant, whatever claims and caches say", async () => {
  const lagging = isolate({ REVOCATION_LAG_SECONDS: "300" });
  const former = await here.newOperator();
  const scopes = [...OPERATOR_SCOPES];
  const { secret } = await here.newApiToken(former.access, "ops", 600, scopes);
  const auth = textAt(await here.call("GET", "/rest/auth", { basic: former }), "payload", "token");
  const open = async () => {
    const statuses = [];
    for (const bearer of [former.access, auth, secret]) {
      statuses.push((await lagging.call("GET", "/rest/admin/status", { bearer })).status);
    }
    return statuses;
  };
  expect(await open()).toEqual([200, 200, 200]);
  await DB.prepare("UPDATE users SET role = 'User' WHERE id = ?").bind(former.id).run();
  expect(await open()).toEqual([403, 403, 403]);
});

it("a role that is taken away between the gate and the write writes nothing", async () => {
  const former = await here.newOperator();
  const victim = await here.newCaller();
  const demote = "UPDATE users SET role = ? WHERE id = ?";
  let gates = 0;
  const late = isolate(
    {},
    intercept(async (call, run) => {
      const done = await run();
      if (call.store === "D1" && ++gates === 2) {
        await DB.prepare(demote).bind("User", former.id).run();
      }
      return done;
    }),
  );
  await DB.prepare(demote).bind("User", former.id).run();
  const before = await fingerprint();
  for (const { name, route } of ROUTES.filter(({ route }) => route.scope === "admin:write")) {
    await DB.prepare(demote).bind("Admin", former.id).run();
    gates = 0;
    const json = BODIES[name];
    const send = { bearer: former.access, ...(json !== undefined && { json }) };
    const answer = await late.call(route.method, pathOf(route, victim.id), send);
    expect([name, answer.json]).toEqual([name, REFUSED]);
  }
  await DB.prepare(demote).bind("User", former.id).run();
  expect(await fingerprint()).toEqual(before);
});

it("needs a second factor of the operator, unless the setting says otherwise", async () => {
  const send = { bearer: operator.access };
  const lacking = "Operators need a second factor: set one up first";
  for (const { name, json } of await askAll(send, strict)) {
    expect([name, json]).toEqual([name, { success: false, message: lacking, status: 403 }]);
  }
  const made = { bearer: operator.access, json: { name: "ops", scopes: ["admin:read"] } };
  expect((await strict.call("POST", "/rest/token", made)).status).toBe(403);
  await DB.prepare(
    "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, 'x', 1, 1)",
  )
    .bind(operator.id)
    .run();
  expect((await strict.call("GET", "/rest/admin/status", send)).status).toBe(200);
  await DB.prepare("DELETE FROM second_factors").run();
});

it("what cannot be undone needs a log-in of the last ten minutes", async () => {
  const victim = await here.newCaller();
  const bearer = textAt(
    await here.call("GET", "/rest/auth", { basic: operator }),
    "payload",
    "token",
  );
  const path = `/rest/admin/users/${victim.id}`;
  const token = await here.newApiToken(victim.access, "theirs");
  const acts = [
    ["PATCH", path, { role: "Admin" }],
    ["DELETE", `${path}/credentials`, undefined],
    ["DELETE", `${path}/second_factor`, undefined],
    ["DELETE", `${path}/tokens/${token.uuid}`, undefined],
    ["DELETE", path, undefined],
  ] as const;
  vi.setSystemTime(Date.now() + 601_000);
  const { secret } = await here.newApiToken(bearer, "ops", 600, ["admin:write"]);
  for (const old of [bearer, secret]) {
    for (const [method, to, json] of acts) {
      const answer = await here.call(method, to, { bearer: old, ...(json && { json }) });
      expect([method, to, answer.text]).toEqual([method, to, expect.stringMatching(/[Ll]og.?in/)]);
      expect([401, 403]).toContain(answer.status);
    }
    const frozen = { bearer: old, json: { disabled: true } };
    expect((await here.call("PATCH", path, frozen)).status).toBe(200);
  }
  const basic = { basic: operator };
  for (const [method, to, json] of acts) {
    expect((await here.call(method, to, { ...basic, ...(json && { json }) })).status).toBe(200);
  }
  expect((await here.call("GET", path, basic)).json).toMatchObject({
    payload: { email: "", deleted_on: expect.any(String) },
  });
});

describe.each(["0", "300"])("one log-in and one token, at a revocation lag of %s", (lag) => {
  const { call, send } = isolate({ REVOCATION_LAG_SECONDS: lag });

  async function victimOf() {
    const victim = await here.newCaller();
    const api = await here.newApiToken(victim.access, "theirs");
    const json = { action: "addContact", payload: { contact_id: victim.id } };
    const action = await call("POST", "/api/generate-action-token", {
      bearer: victim.access,
      json,
    });
    const session = await here.newSession(victim);
    const logins = await call("GET", "/rest/user/logins", { bearer: victim.access });
    const ofKind = (kind: string) =>
      itemsAt(logins, "payload").find((login) => Object(login).kind === kind);
    return {
      victim,
      path: `/rest/admin/users/${victim.id}`,
      api,
      session,
      action: { id: textAt(action, "token", "id"), secret: textAt(action, "token", "token") },
      ids: { session: Object(ofKind("session")).id, pair: Object(ofKind("jwt_pair")).id },
    };
  }

  it("are revoked alone and once, and the user sees that an operator did it", async () => {
    const { victim, path, api, session, action, ids } = await victimOf();
    const revoked = [
      [`${path}/logins/${ids.session}`, "session.revoked", ids.session],
      [`${path}/tokens/${api.uuid}`, "token.revoked", api.uuid],
      [`${path}/tokens/${action.id.toUpperCase()}`, "action.revoked", action.id],
      [`${path}/logins/${ids.pair}`, "jwt.revoked", ids.pair],
    ] as const;
    // Each was checked a moment ago, and is remembered where that is allowed.
    expect((await send("GET", "/tokens", { xToken: session })).status).toBe(200);
    expect((await send("GET", "/rest/user", { bearer: api.secret })).status).toBe(200);
    for (const [each] of revoked) {
      for (let time = 0; time < 2; time++) {
        const answer = await send("DELETE", each, { bearer: operator.access });
        expect([each, answer.status]).toEqual([each, 200]);
      }
    }
    expect((await send("GET", "/tokens", { xToken: session })).status).toBe(400);
    // For so long an access JWT is good by its signature.
    for (const bearer of [api.secret, ...(lag === "0" ? [victim.access] : [])]) {
      expect((await send("GET", "/rest/user", { bearer })).status).toBe(401);
    }
    const run = { json: { token: action.secret } };
    expect((await send("POST", "/api/run-action-token", run)).json).toMatchObject({
      reason: "revoked",
    });
    const told = await send("GET", "/rest/audit", { basic: victim });
    const events = itemsAt(told, "payload")
      .map((event) => Object(event))
      .filter(({ by_operator }) => by_operator);
    expect(events.map(({ what, subject_uuid }) => [what, subject_uuid])).toEqual(
      revoked.map(([, what, id]) => [what, id]).toReversed(),
    );
    expect(told.text).not.toContain(operator.id);
    const log = await send("GET", `/rest/admin/events?user=${victim.id}&actor=${operator.id}`, {
      bearer: operator.access,
    });
    // The last one is that the operator looked.
    expect(itemsAt(log, "payload")).toHaveLength(revoked.length + 1);
    const keys = await DB.prepare("SELECT COUNT(*) AS n FROM pending_revocations").first("n");
    expect(keys).toBe(lag === "0" ? keys : 0);
  });

  it("of this account alone, and each by its own route", async () => {
    const { path, api, ids } = await victimOf();
    const other = await here.newCaller();
    const internal = crypto.randomUUID();
    await DB.prepare(
      `INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses, detail)
        VALUES (?, 'action', ?, 0, 1, 1, 1e15, 1, '{"action":"undoEmailChange","internal":true}')`,
    )
      .bind(internal, path.split("/").at(-1))
      .run();
    const before = await fingerprint();
    for (const each of [
      `/rest/admin/users/${other.id}/tokens/${api.uuid}`,
      `/rest/admin/users/${other.id}/logins/${ids.session}`,
      `${path}/logins/${api.uuid}`,
      `${path}/tokens/${ids.session}`,
      `${path}/tokens/${internal}`,
      `${path}/tokens/nonsense`,
      `/rest/admin/users/nobody/tokens/${api.uuid}`,
    ]) {
      expect([each, (await call("DELETE", each, { bearer: operator.access })).status]).toEqual([
        each,
        404,
      ]);
    }
    expect(await fingerprint()).toEqual(before);
  });

  it("not by one whose role was taken away between the gate and the write", async () => {
    const { path, api, ids } = await victimOf();
    const former = await here.newOperator();
    const demote = (role: string) =>
      DB.prepare("UPDATE users SET role = ? WHERE id = ?").bind(role, former.id).run();
    let gates = 0;
    const late = isolate(
      {},
      intercept(async (called, run) => {
        const done = await run();
        if (called.store === "D1" && ++gates === 2) await demote("User");
        return done;
      }),
    );
    for (const each of [`${path}/tokens/${api.uuid}`, `${path}/logins/${ids.session}`]) {
      await demote("Admin");
      gates = 0;
      const answer = await late.call("DELETE", each, { bearer: former.access });
      expect([each, answer.json]).toEqual([each, REFUSED]);
    }
    const active = await DB.prepare(
      "SELECT COUNT(*) AS n FROM tokens WHERE id IN (?, ?) AND revoked_at IS NULL",
    )
      .bind(api.uuid, ids.session)
      .first("n");
    expect(active).toBe(2);
  });
});
