import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { OPERATOR_SCOPES } from "../../src/core/scopes.ts";
import { at, type Send, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { ROUTE_KEYS, pathOf } from "../hostile/routes.ts";
import { fingerprint } from "../hostile/database.ts";

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
  await env.DB.prepare("UPDATE users SET role = 'User' WHERE id = ?").bind(former.id).run();
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
        await env.DB.prepare(demote).bind("User", former.id).run();
      }
      return done;
    }),
  );
  await env.DB.prepare(demote).bind("User", former.id).run();
  const before = await fingerprint();
  for (const { name, route } of ROUTES.filter(({ route }) => route.scope === "admin:write")) {
    await env.DB.prepare(demote).bind("Admin", former.id).run();
    gates = 0;
    const json = BODIES[name];
    const send = { bearer: former.access, ...(json !== undefined && { json }) };
    const answer = await late.call(route.method, pathOf(route, victim.id), send);
    expect([name, answer.json]).toEqual([name, REFUSED]);
  }
  await env.DB.prepare(demote).bind("User", former.id).run();
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
  await env.DB.prepare(
    "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, 'x', 1, 1)",
  )
    .bind(operator.id)
    .run();
  expect((await strict.call("GET", "/rest/admin/status", send)).status).toBe(200);
  await env.DB.prepare("DELETE FROM second_factors").run();
});

it("what cannot be undone needs a log-in of the last ten minutes", async () => {
  const victim = await here.newCaller();
  const bearer = textAt(
    await here.call("GET", "/rest/auth", { basic: operator }),
    "payload",
    "token",
  );
  const path = `/rest/admin/users/${victim.id}`;
  const acts = [
    ["PATCH", path, { role: "Admin" }],
    ["DELETE", `${path}/credentials`, undefined],
    ["DELETE", `${path}/second_factor`, undefined],
    ["DELETE", path, undefined],
  ] as const;
  vi.setSystemTime(Date.now() + 601_000);
  const { secret } = await here.newApiToken(bearer, "ops", 600, ["admin:write"]);
  for (const token of [bearer, secret]) {
    for (const [method, to, json] of acts) {
      const answer = await here.call(method, to, { bearer: token, ...(json && { json }) });
      expect([method, to, answer.text]).toEqual([method, to, expect.stringMatching(/[Ll]og.?in/)]);
      expect([401, 403]).toContain(answer.status);
    }
    const frozen = { bearer: token, json: { disabled: true } };
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
