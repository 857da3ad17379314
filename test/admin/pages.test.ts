import { describe, expect, it, vi } from "vitest";
import { GET_PAGES, POST_FORMS } from "../console/forms.ts";
import { inputsOf, textOf } from "../console/html.ts";
import {
  COOKIE,
  type Fields,
  newOperatorClient,
  newPageClient,
  type PageClient,
} from "../console/page-client.ts";
import { fingerprint } from "../hostile/database.ts";
import { at, itemsAt, PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

const MAILS = {
  MAIL_WEBHOOK_URL: "https://mail.test/",
  MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const { call, send, text, newUser, settled } = isolate(MAILS);
const ADMIN = "/console/admin";

const isOperators = ({ path }: { readonly path: string }) => path.startsWith(ADMIN);
const pathsFor = (id: string) => ({
  gets: GET_PAGES.filter(isOperators).map(({ path }) => path.replace(":user", id)),
  posts: POST_FORMS.filter(isOperators).map(({ path }) => path.replace(":user", id)),
});

const idOf = async ({ email }: { readonly email: string }) =>
  String(await DB.prepare("SELECT id FROM users WHERE email = ?").bind(email).first("id"));

/** Presses the button of a form on a page, and follows it. */
async function press(client: PageClient, page: string, action: string, fields: Fields = {}) {
  const shown = await client.open(page);
  expect([page, shown.status]).toEqual([page, 200]);
  const inputs = inputsOf({ ...shown, path: page }, action);
  const answer = await client.send(action, { ...inputs, ...fields });
  await settled();
  expect([action, answer.status, textOf(answer)]).toEqual([action, 303, ""]);
  const location = answer.headers.get("location") ?? "";
  const [told = ""] =
    /__Host-latchkey-message=[^;]*/.exec(answer.headers.get("set-cookie") ?? "") ?? [];
  const cookie = `${COOKIE}=${client.secret}; ${told}`;
  return { location, text: textOf(await client.open(location, { cookie })) };
}

it("an operator's day: an account under attack is found, frozen, examined and given back, on pages, and each step is in the events", async () => {
  const ann = await newUser();
  const operator = await newOperatorClient(call);
  const mine = `${ADMIN}/users/${ann.id}`;

  // Their password is guessed, and the thief makes a token.
  const wrong = { basic: { email: ann.email, password: "not theirs" } };
  for (let n = 0; n < 20; n++) await send("GET", "/rest/user", wrong);
  const elsewhere = { headers: { "cf-connecting-ip": "203.0.113.9" } };
  const json = { email: ann.email, password: ann.password };
  const stolen = await text("access", "POST", "/api/token/", { json, ...elsewhere });
  const backdoor = await text("payload.token", "POST", "/rest/token", {
    bearer: stolen,
    json: { name: "backdoor" },
    ...elsewhere,
  });

  // Found: among what was refused, among what is locked out, and by the token that someone reported.
  expect(textOf(await operator.open(ADMIN))).toMatch(/login\.failed Denied/);
  expect((await operator.open(`${ADMIN}/events?outcome=refused`)).text).toContain(mine);
  expect((await operator.open(`${ADMIN}/throttles`)).text).toContain(mine);
  const found = await press(operator, ADMIN, ADMIN, { query: `Bearer ${backdoor}` });
  expect(found.location).toMatch(new RegExp(`^${mine}\\?token=[0-9a-f-]{36}$`));
  expect(found.text).toContain("Kind api Status active Name backdoor");
  expect(found.text).toContain(ann.email);
  expect((await operator.open(found.location)).text).not.toContain(backdoor);
  for (const query of [ann.email.toUpperCase(), ann.id, stolen]) {
    const { location } = await press(operator, ADMIN, ADMIN, { query });
    expect(location.split("?")[0]).toBe(mine);
    expect(location).not.toContain(stolen);
  }

  // Frozen.
  expect((await press(operator, mine, `${mine}/disable`)).text).toContain("Account disabled.");
  for (const bearer of [backdoor, stolen]) {
    expect((await send("GET", "/rest/user", { bearer })).status).toBe(401);
  }

  // Examined.
  expect(textOf(await operator.open(`${mine}/events`))).toMatch(
    /token\.created Success the user 203\.0\.113/,
  );
  expect(textOf(await operator.open(`${mine}/logins`))).toContain("Not logged in anywhere");
  expect(textOf(await operator.open(`${mine}/tokens`))).toContain("No API tokens");
  const file = await operator.send(`${mine}/export`);
  expect(file.headers.get("content-disposition")).toContain(`account-${ann.id}.json`);
  expect(JSON.parse(file.text)).toMatchObject({
    is_complete: true,
    api_tokens: [{ name: "backdoor" }],
  });

  // Given back.
  const post = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response());
  expect((await operator.open(mine)).text).not.toContain(`${mine}/reset`);
  expect((await press(operator, mine, `${mine}/enable`)).text).toContain("Account enabled.");
  await press(operator, mine, `${mine}/lift`);
  expect((await press(operator, mine, `${mine}/reset`)).text).toContain("is on its way");
  const { to, token } = JSON.parse(String(post.mock.calls[0]?.[1]?.body)).data;
  expect(to).toBe(ann.email);
  const run = { token, input: { password: "one that only Ann knows" } };
  expect((await send("POST", "/api/run-action-token", { json: run })).status).toBe(200);
  const back = { basic: { email: ann.email, password: "one that only Ann knows" } };
  expect((await send("GET", "/rest/user", back)).status).toBe(200);

  // Operators see who did what; Ann sees that an operator did.
  const acts = ["mail.issued", "throttle.lifted", "user.enabled", "user.disabled"];
  const operatorId = await idOf(operator);
  const log = await operator.open(`${ADMIN}/events?outcome=done`);
  for (const what of acts) {
    expect(textOf(log)).toMatch(
      new RegExp(`${what} Success ${ann.id.slice(0, 8)} operator ${operatorId.slice(0, 8)}`),
    );
  }
  const own = await send("GET", "/rest/audit?limit=100", back);
  const told = itemsAt(own, "payload").filter((event) =>
    at({ ...own, json: event }, "by_operator"),
  );
  expect(told).toMatchObject(
    [...acts, "account.viewed"].map((what) => ({ what, actor_uuid: null })),
  );
  const session = await text("data.token", "POST", "/tokens", {
    json: { email_id: ann.email, password: back.basic.password },
  });
  const activity = await call("GET", "/console/activity", {
    headers: { cookie: `${COOKIE}=${session}` },
  });
  expect(textOf(activity)).toMatch(/operator disabled/);
  for (const page of [own.text, activity.text]) expect(page).not.toContain(operatorId);
});

describe("nobody else opens them, or learns that they are there", () => {
  it("a user gets the page of an address that there is not, whatever they send", async () => {
    const user = await newPageClient(call);
    const former = await newOperatorClient(call);
    const own = await idOf(user);
    await DB.prepare("UPDATE users SET role = 'User' WHERE email = ?").bind(former.email).run();
    await settled();
    const before = await fingerprint();
    for (const client of [user, former]) {
      const unknown = await client.open("/console/nothing");
      expect(unknown.status).toBe(404);
      for (const id of [own, "00000000-0000-8000-8000-000000000000", "x"]) {
        const { gets, posts } = pathsFor(id);
        expect(gets.length + posts.length).toBeGreaterThan(20);
        const fields = [{}, { query: client.email, role: "Admin", email: client.email }];
        const asProof = { proof_password: "not the password" };
        const answers = await Promise.all([
          ...gets.map((path) => client.open(path)),
          ...posts.flatMap((path) => [...fields, asProof].map((each) => client.send(path, each))),
        ]);
        for (const answer of answers) {
          expect([answer.status, answer.text]).toEqual([404, unknown.text]);
          expect(answer.headers.has("set-cookie")).toBe(false);
        }
      }
    }
    expect(await fingerprint()).toBe(before);
  });

  it("an operator without a second factor is told what is missing, unless the setting asks for none", async () => {
    const strict = isolate({ ...MAILS, ADMIN_SECOND_FACTOR: "required" });
    const operator = await newOperatorClient(strict.call);
    const id = await idOf(operator);
    const { gets, posts } = pathsFor(id);
    const before = await fingerprint();
    for (const answer of await Promise.all([
      ...gets.map((path) => operator.open(path)),
      ...posts.map((path) => operator.send(path, { role: "User", email: operator.email })),
    ])) {
      expect([answer.status, textOf(answer)]).toEqual([
        403,
        expect.stringContaining("Operators need a second factor"),
      ]);
    }
    expect(await fingerprint()).toBe(before);
    await DB.prepare(
      "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, 'x', 1, 1)",
    )
      .bind(id)
      .run();
    expect((await operator.open(ADMIN)).status).toBe(200);
  });
});

it("what cannot be undone asks who it is after ten minutes, and goes on; freezing an account does not", async () => {
  const operator = await newOperatorClient(call);
  const ann = await newUser();
  const mine = `${ADMIN}/users/${ann.id}`;
  vi.setSystemTime(Date.now() + 601_000);
  const acts: readonly (readonly [string, Fields])[] = [
    ["role", { role: "Admin" }],
    ["end", {}],
    ["remove-factor", {}],
    ["export", {}],
    ["delete", { email: ann.email }],
  ];
  const before = await fingerprint();
  for (const [name, fields] of acts) {
    const asked = await operator.send(`${mine}/${name}`, fields);
    expect([name, asked.status]).toEqual([name, 401]);
    const inputs = inputsOf({ ...asked, path: mine }, `${mine}/${name}`);
    expect(inputs).toMatchObject(fields);
    expect(
      (await operator.send(`${mine}/${name}`, { ...inputs, proof_password: "wrong" })).status,
    ).toBe(401);
  }
  await settled();
  expect(await fingerprint()).toBe(before);
  expect((await operator.send(`${mine}/disable`)).status).toBe(303);
  for (const [name, fields] of acts) {
    const sent = { ...fields, proof_password: PASSWORD };
    const answer = await operator.send(`${mine}/${name}`, sent);
    expect([name, answer.status]).toEqual([name, name === "export" ? 200 : 303]);
  }
  const left = await operator.open(mine);
  expect(textOf(left)).toContain("Deleted account");
  expect(left.text).not.toContain('<form method="post" action="/console/admin');
});

it("an account is deleted only by its own email, and an operator's own is not among what they can change", async () => {
  const operator = await newOperatorClient(call);
  const ann = await newUser();
  const remove = `${ADMIN}/users/${ann.id}/delete`;
  for (const email of ["", operator.email, `x${ann.email}`]) {
    expect((await operator.send(remove, { email })).status).toBe(400);
  }
  const isThere = () =>
    DB.prepare("SELECT deleted_on FROM users WHERE id = ?").bind(ann.id).first("deleted_on");
  expect(await isThere()).toBeNull();
  expect((await operator.send(remove, { email: ` ${ann.email.toUpperCase()} ` })).status).toBe(303);
  expect(await isThere()).not.toBeNull();
  const own = await operator.open(`${ADMIN}/users/${await idOf(operator)}`);
  expect(textOf(own)).toContain("This is your own account");
  expect(own.text).not.toContain(`action="${ADMIN}/users`);
});

it("every page says what needs someone, and dead letters can be sent again", async () => {
  const operator = await newOperatorClient(call);
  const ann = await newUser();
  const longAgo = Date.now() - 4_000_000;
  const event = "01a17724-c1a0-7000-8004-fab7c971ae4c";
  await DB.batch([
    DB.prepare("DELETE FROM deliveries"),
    DB.prepare(
      `INSERT INTO notices (user_id, id, email, kind, at, due_at) VALUES (?, x'00', 'x', 'new_login', ?, ?)`,
    ).bind(ann.id, longAgo, Date.now() * 2),
    DB.prepare("INSERT INTO dead_letters VALUES ('webhook', ?, ?, 9, 'Error: 500', ?)").bind(
      ann.id,
      event,
      longAgo,
    ),
  ]);
  for (let n = 0; n < 3; n++) isolate().services.audit.failed("request");
  const warned = ["Housekeeping is late", "refused events for three days", "Emails to users"];
  for (const path of pathsFor(ann.id).gets.filter((each) => !each.endsWith("/delete"))) {
    const shown = textOf(await operator.open(path));
    for (const text of warned) expect([path, shown]).toEqual([path, expect.stringContaining(text)]);
  }
  const service = textOf(await operator.open(`${ADMIN}/service`));
  expect(service).toMatch(/in the last hour at least 3 .* Key ID .* Signs .* dead_letters 1 /);
  const again = await press(operator, `${ADMIN}/deliveries`, `${ADMIN}/deliveries/replay`);
  expect(again.text).toMatch(/^Queued again: 1 ?\./);
  expect(again.text).toContain("No dead letters");
  expect(again.text).not.toContain("refused events for three days");
});
