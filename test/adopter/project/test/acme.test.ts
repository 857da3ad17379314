import { env, exports } from "cloudflare:workers";
import { createVerifier, guarded } from "latchkey/verify";
import { expect, it } from "vitest";

declare global {
  namespace Cloudflare {
    interface Env {
      ORDERS: Fetcher;
    }
  }
}

const PASSWORD = "correct horse battery";

function send(method: string, path: string, user?: string, body?: object) {
  const headers = new Headers({ "content-type": "application/json" });
  if (user !== undefined) headers.set("authorization", `Basic ${btoa(`${user}:${PASSWORD}`)}`);
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  return exports.default.fetch(new Request(`https://auth.test${path}`, init));
}

async function signUp(email: string): Promise<string> {
  const response = await send("POST", "/rest/user", undefined, { email, password: PASSWORD });
  expect(response.status).toBe(201);
  return (await response.json<{ payload: { uuid: string } }>()).payload.uuid;
}

async function issue(user: string, code: string, max_uses: number): Promise<string> {
  const body = { action: "redeemCoupon", payload: { code }, max_uses };
  const response = await send("POST", "/api/generate-action-token", user, body);
  return (await response.json<{ token: { token: string } }>()).token.token;
}

it("redeems a coupon once per user, and no more than its limit under races", async () => {
  const users = ["ann", "ben", "cleo", "dan"].map((name) => `${name}@example.com`);
  for (const user of users) await signUp(user);
  const [ann = ""] = users;
  const run = async (user: string, token: string) => {
    const response = await send("POST", "/api/run-action-token", user, { token });
    return [response.status, await response.text()] as const;
  };
  const welcome = await issue(ann, "WELCOME", 10);
  expect((await run(ann, welcome))[0]).toBe(200);
  expect(await run(ann, welcome)).toEqual([
    422,
    expect.stringContaining("You have used this coupon already."),
  ]);
  const last = await issue(ann, "LAST", 10);
  const races = await Promise.all(users.map((user) => run(user, last)));
  expect(races.map(([status]) => status).sort()).toEqual([200, 422, 422, 422]);

  const heard = async () => {
    const events: { type: string; data?: unknown }[] = await (
      await fetch("https://receiver.test")
    ).json();
    return events.filter(({ type }) => type === "coupon.redeemed").map(({ data }) => data);
  };
  await expect
    .poll(heard, { timeout: 20_000 })
    .toEqual(expect.arrayContaining([{ code: "WELCOME" }, { code: "LAST" }]));
  expect(await heard()).toHaveLength(2);
});

it.each(["a service binding", "latchkey/verify"])(
  "guards an API with a scope of its own by %s",
  async (by) => {
    const eve = `${by.length}@example.com`;
    const id = await signUp(eve);
    const token = async (scopes: string[]) => {
      const body = { name: scopes.join(" "), scopes };
      const response = await send("POST", "/rest/token", eve, body);
      return (await response.json<{ payload: { token: string } }>()).payload.token;
    };
    const verifier = createVerifier({
      issuer: "https://auth.test",
      introspection: { token: await token(["introspect"]) },
      fetch: (url, init) => exports.default.fetch(new Request(url, init)),
    });
    const elsewhere = guarded(verifier, { scopes: ["orders:read"] }, (_, { userId }) =>
      Response.json({ ordersOf: userId }),
    );
    const orders = async (authorization: string) => {
      const request = new Request("https://orders.test/", { headers: { authorization } });
      const response = await (by === "latchkey/verify"
        ? elsewhere(request)
        : env.ORDERS.fetch(request));
      return [response.status, response.ok ? await response.json() : null];
    };
    const reader = await token(["orders:read"]);
    expect(await orders(`Bearer ${reader}`)).toEqual([200, { ordersOf: id }]);
    expect(await orders(`Bearer ${await token(["tokens:read"])}`)).toEqual([403, null]);
    expect(await orders("Bearer nonsense")).toEqual([401, null]);
    expect((await send("DELETE", `/rest/token/${reader}`, eve)).status).toBe(200);
    expect(await orders(`Bearer ${reader}`)).toEqual([401, null]);
  },
);

it("puts a claim of the user's metadata into JWTs", async () => {
  const email = "fay@example.com";
  await signUp(email);
  const plan = async () => {
    const response = await send("POST", "/api/token/", undefined, { email, password: PASSWORD });
    const { access } = await response.json<{ access: string }>();
    return JSON.parse(atob(access.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""))
      .plan;
  };
  expect(await plan()).toBe("free");
  await env.DB.exec(`UPDATE users SET metadata = '{"plan":"pro"}' WHERE email = '${email}'`);
  expect(await plan()).toBe("pro");
});

it("has its name on the pages, and its site everywhere else", async () => {
  expect(await (await send("GET", "/console/login")).text()).toContain(
    "<title>Log in · Acme</title>",
  );
  expect(await (await send("GET", "/prices")).text()).toBe("Acme's own /prices");
  expect(await (await send("GET", "/openapi.json")).text()).toContain("redeemCoupon");
});
