import { expect, it } from "vitest";
import { TOKENS_SEARCHED } from "../../src/core/api-token-search.ts";
import { meter } from "../budget/measure.ts";
import { isolate } from "../support/service.ts";
import { idOf } from "./forms.ts";
import { textOf } from "./html.ts";
import { encoded, FORM, newPageClient, SAME_ORIGIN } from "./page-client.ts";
import { PASSWORD } from "../support/client.ts";
import { DB } from "../support/database.ts";

const { call } = isolate({
  MAIL_WEBHOOK_URL: "https://mail.invalid/send",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
});

it("says what needs its user, and no longer once it is done", async () => {
  const client = await newPageClient(call);
  const overview = async () => textOf(await client.open("/console"));
  const first = await overview();
  for (const text of [`We'll send a link to ${client.email}`, "Add your name"]) {
    expect(first.replaceAll(/\s+/g, " ").replace(" .", "")).toContain(text);
  }
  const xToken = client.secret;
  for (const [name, ttl] of [
    ["soon", 86_400],
    ["later", 30 * 86_400],
  ] as const) {
    const json = { name, ttl, scopes: ["tokens:read"] };
    expect((await call("POST", "/rest/token", { xToken, json })).status).toBe(200);
  }
  await client.send("/console/account/profile", { first_name: "Ada" });
  await DB.prepare("UPDATE users SET verified_on = 1 WHERE email = ?").bind(client.email).run();
  const then = await overview();
  expect(then).toMatch(
    /“ soon ” is about to expire Expires in \d+ hours|“ soon ” is about to expire Expires in 1 day/,
  );
  expect(then).not.toMatch(/later|Verify your email|Add your name/);
  const soon = /href="(\/console\/tokens\/[0-9a-f-]{36})">See token/.exec(
    (await client.open("/console")).text,
  )?.[1];
  expect(textOf(await client.open(String(soon)))).toMatch(/^API tokens soon /);
  expect(then).toContain('curl https://latchkey.test/rest/user -H "Authorization: Bearer $TOKEN"');
});

it("shows log-ins, refusals and uses of codes", async () => {
  const [client, other] = [await newPageClient(call), await newPageClient(call)];
  const json = {
    action: "addContact",
    payload: { contact_id: await idOf(client) },
    ttl: 3600,
    max_uses: 9,
  };
  const issued = await call("POST", "/api/generate-action-token", { xToken: client.secret, json });
  const token = Object(Object(issued.json).token).token;
  const run = await call("POST", "/api/run-action-token", {
    xToken: other.secret,
    json: { token },
  });
  expect(run.status).toBe(200);
  await call("POST", "/console/login", {
    headers: { ...SAME_ORIGIN, ...FORM },
    body: encoded({ email: client.email, password: `not ${PASSWORD}` }),
  });
  const overview = async () => textOf(await client.open("/console"));
  await expect.poll(overview).toContain("Failed log-in attempt Denied");
  expect(await overview()).toMatch(
    /Logged in .*Uses of your codes Someone \(no name set\) used Share my contact just now/,
  );
  expect((await client.open("/console")).text).toContain(
    `<a href="/console/actions/${Object(Object(issued.json).token).id}">Share my contact</a>`,
  );
});

it("reads no more than so many tokens, however many there are", async () => {
  const { bindings, read } = meter();
  const metered = isolate({}, bindings);
  const rowsFor = async (count: number) => {
    const client = await newPageClient(metered.call);
    await DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO tokens (id, kind, user_id, credential_version, api_token_version, created_at, modified_at, expires_at, detail)
       SELECT unhex(hex(substr(?2, 1, 12)) || printf('%08x', i)), 'api', ?2, 0, 0, i, i, ?3, '{"name":"x","hint":"x","scopes":[],"metadata":{}}' FROM n`,
    )
      .bind(count, await idOf(client), Date.now() + 86_400_000)
      .run();
    await metered.settled();
    read();
    expect(textOf(await client.open("/console"))).toContain("is about to expire");
    return read().read;
  };
  const atTheBound = await rowsFor(TOKENS_SEARCHED + 1);
  // Where an index is met first is up to random ids.
  expect(Math.abs((await rowsFor(2 * TOKENS_SEARCHED)) - atTheBound)).toBeLessThan(10);
  expect(atTheBound).toBeLessThan(9 * TOKENS_SEARCHED);
});
