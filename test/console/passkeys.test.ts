import { afterEach, expect, it, vi } from "vitest";
import { newAuthenticator } from "../passkeys/authenticator.ts";
import { type Answered, PASSWORD } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { challengeIn, idOf } from "./forms.ts";
import { hiddenValues } from "./html.ts";
import { COOKIE, encoded, FORM, newPageClient, SAME_ORIGIN } from "./page-client.ts";

const on = isolate();
const PAGE = "/console/account/security/passkeys";
const LOG_IN = "/console/login/passkey";

afterEach(() => vi.useRealTimers());

const leadsTo = ({ status, headers }: Answered) => [status, headers.get("location")];

/** A user with a passkey that their page added. */
async function newOwner() {
  const client = await newPageClient(on.call);
  const userId = await idOf(client);
  const authenticator = await newAuthenticator();
  const challenge = challengeIn(await client.open(PAGE));
  const response = JSON.stringify(await authenticator.create({ challenge, userId }));
  const added = await client.send(PAGE, { response, name: "Phone" });
  expect(leadsTo(added)).toEqual([303, PAGE]);
  const [id = ""] = hiddenValues((await client.open(PAGE)).text, "id");
  return { client, userId, authenticator, response, id };
}
type Owner = Awaited<ReturnType<typeof newOwner>>;

/** As a browser without a session does it. */
async function logIn({ authenticator, userId }: Owner) {
  const page = await on.send("GET", "/console/login?next=%2Fconsole%2Ftokens");
  expect(page.text).toContain('autocomplete="username webauthn"');
  const response = await authenticator.get({ challenge: challengeIn(page), userId });
  return on.send("POST", LOG_IN, {
    headers: { ...SAME_ORIGIN, ...FORM },
    body: encoded({ response: JSON.stringify(response), next: "/console/tokens" }),
  });
}

it("is added, renamed, logs in to where the page was for, and is removed, all by forms", async () => {
  const owner = await newOwner();
  const { client, response, id } = owner;
  const twice = await client.send(PAGE, { response });
  expect([twice.status, twice.text.includes("be verified")]).toEqual([400, true]);
  expect(leadsTo(await client.send(`${PAGE}/rename`, { id, name: "My key" }))[0]).toBe(303);
  const list = (await client.open(PAGE)).text;
  expect([list.includes("My key"), list.includes("Phone")]).toEqual([true, false]);

  const opened = await logIn(owner);
  expect(leadsTo(opened)).toEqual([303, "/console/tokens"]);
  expect(opened.headers.getSetCookie().join()).toContain(`${COOKIE}=`);

  expect(leadsTo(await client.send(`${PAGE}/remove`, { id }))).toEqual([303, PAGE]);
  const refused = await logIn(owner);
  expect([refused.status, hiddenValues(refused.text, "next")[0]]).toEqual([401, "/console/tokens"]);
  expect(refused.text).toContain("log you in. Try again");
  expect(refused.text).not.toContain("password is wrong");
  expect(refused.headers.getSetCookie().join()).not.toContain(`${COOKIE}=`);
});

it("an old log-in is asked to confirm before one is added or removed", async () => {
  const { client, id } = await newOwner();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 601_000 });
  const stale = await client.open(PAGE);
  expect(challengeIn(stale)).toBe("");
  expect(stale.text).toContain(
    'href="/console/confirm?next=%2Fconsole%2Faccount%2Fsecurity%2Fpasskeys"',
  );
  const asked = await client.send(`${PAGE}/remove`, { id });
  expect([asked.status, hiddenValues(asked.text, "id")]).toEqual([401, [id]]);
  expect((await client.open(PAGE)).text).toContain(id);
  const gone = await client.send(`${PAGE}/remove`, { id, proof_password: PASSWORD });
  expect(leadsTo(gone)).toEqual([303, PAGE]);
  expect((await client.open(PAGE)).text).not.toContain(id);
  expect(challengeIn(await client.open(PAGE))).not.toBe("");
});

it("are offered with the email where there are no passwords, and nowhere where the issuer is an IP address", async () => {
  const mail = {
    MAIL_WEBHOOK_URL: "https://mail.invalid/send",
    MAIL_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  };
  const { text } = await isolate({ ...mail, PASSWORDS: "off" }).call("GET", "/console/login");
  expect(text).toContain('autocomplete="username webauthn"');
  expect(text).toContain(`action="${LOG_IN}"`);
  const off = isolate({ ISSUER: "http://127.0.0.1:8787" });
  const login = await off.call("GET", "/console/login");
  expect([login.status, /webauthn|passkey/.test(login.text)]).toEqual([200, false]);
});
