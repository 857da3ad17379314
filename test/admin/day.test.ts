import { expect, it, vi } from "vitest";
import { at, itemsAt, textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";

const MAILS = {
  MAIL_WEBHOOK_URL: "https://mail.test/",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};

it("an operator's day: an account under attack is found, frozen, examined and given back, and all of it is in the events", async () => {
  const { send, text, newUser, newOperator } = isolate(MAILS);
  const ann = await newUser();
  const operator = await newOperator();
  const as = { bearer: operator.access };
  const mine = `/rest/admin/users/${ann.id}`;
  const ask = async (method: string, path: string, json?: unknown) => {
    const answer = await send(method, path, { ...as, ...(json !== undefined && { json }) });
    expect([path, answer.status, answer.text]).toEqual([path, 200, answer.text]);
    return answer;
  };

  // Their password is guessed, and the thief makes a token.
  const wrong = { basic: { email: ann.email, password: "not theirs" } };
  for (let n = 0; n < 20; n++) await send("GET", "/rest/user", wrong);
  expect((await send("GET", "/rest/user", { basic: ann })).status).toBe(429);
  const elsewhere = { headers: { "cf-connecting-ip": "203.0.113.9" } };
  const json = { email: ann.email, password: ann.password };
  const stolen = await text("access", "POST", "/api/token/", { json, ...elsewhere });
  const thief = await text("payload.token", "POST", "/rest/token", {
    bearer: stolen,
    json: { name: "backdoor" },
    ...elsewhere,
  });

  // Found by what was refused, and by the token that someone reported.
  const refused = await ask("GET", "/rest/admin/events?outcome=refused&limit=5");
  expect(at(refused, "payload", 0)).toMatchObject({ user_uuid: ann.id, what: "login.failed" });
  const throttles = itemsAt(await ask("GET", "/rest/admin/throttles"), "payload");
  expect(throttles).toMatchObject([{ id: ann.id, counts: "network" }]);
  const found = await ask("POST", "/rest/admin/find", { query: `Bearer ${thief}` });
  expect(at(found, "payload")).toMatchObject({
    user: { uuid: ann.id, email: ann.email, disabled_on: null },
    token: { kind: "api", status: "active", claims: { name: "backdoor" } },
  });
  expect(found.text).not.toContain(thief);

  // Frozen.
  expect(at(await ask("PATCH", mine, { disabled: true }), "payload", "disabled_on")).not.toBeNull();
  for (const bearer of [thief, stolen]) {
    expect((await send("GET", "/rest/user", { bearer })).status).toBe(401);
  }

  // Examined.
  const sections = at(await ask("GET", `${mine}/export`), "payload");
  expect(sections).toMatchObject({ api_tokens: [{ name: "backdoor" }], logins: [{}] });
  const made = await ask("GET", `/rest/admin/events?user=${ann.id}&what=token.created`);
  expect(itemsAt(made, "payload")).toMatchObject([
    { address: expect.stringMatching(/^203\.0\.113\./) },
  ]);
  expect(itemsAt(await ask("GET", `${mine}/logins`), "payload")).toEqual([]);
  expect(itemsAt(await ask("GET", `${mine}/tokens`), "payload")).toEqual([]);

  // Given back.
  const post = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response());
  expect((await send("POST", `${mine}/password_reset`, as)).status).toBe(404);
  await ask("PATCH", mine, { disabled: false });
  for (const bearer of [thief, stolen]) {
    expect((await send("GET", "/rest/user", { bearer })).status).toBe(401);
  }
  await ask("DELETE", `/rest/admin/throttles/${ann.id}`);
  expect(at(await ask("POST", `${mine}/password_reset`), "payload")).toEqual({ is_sent: true });
  const { to, token } = JSON.parse(String(post.mock.calls[0]?.[1]?.body)).data;
  expect(to).toBe(ann.email);
  const run = { token, input: { password: "one that only Ann knows" } };
  expect((await send("POST", "/api/run-action-token", { json: run })).status).toBe(200);
  const back = { basic: { email: ann.email, password: "one that only Ann knows" } };
  expect((await send("GET", "/rest/user", back)).status).toBe(200);

  // Every step is in the events, and names the operator to operators, but not to Ann.
  const acts = [
    "mail.issued",
    "throttle.lifted",
    "user.enabled",
    "user.disabled",
    "account.viewed",
  ].map((what) => ({ what, outcome: "done", by_operator: true }));
  const byOperator = await ask("GET", `/rest/admin/events?actor=${operator.id}&outcome=done`);
  expect(itemsAt(byOperator, "payload")).toMatchObject(
    acts.map((act) => ({ ...act, user_uuid: ann.id, actor_uuid: operator.id })),
  );
  const own = await send("GET", "/rest/audit?limit=100", back);
  const theirs = itemsAt(own, "payload").filter((event) =>
    at({ ...own, json: event }, "by_operator"),
  );
  expect(theirs).toMatchObject(
    acts.map((act) => ({
      ...act,
      actor_uuid: null,
      token_uuid: null,
      address: null,
      request_id: null,
    })),
  );
  const exported = await send("GET", "/rest/user/export", back);
  for (const text of [own.text, exported.text]) expect(text).not.toContain(operator.id);
  expect(textAt(await ask("GET", mine), "payload", "uuid")).toBe(ann.id);
});
