import { type Answered, type Call, PASSWORD, textAt } from "../support/client.ts";
import { type Authenticator, newAuthenticator } from "../passkeys/authenticator.ts";
import { PAGES } from "../hostile/routes.ts";
import { hiddenValues } from "./html.ts";
import { type Fields, logIn, newPageClient, type PageClient } from "./page-client.ts";
import { asText, DB } from "../support/database.ts";

/** Every page that shows something, and every form that can be sent: a new one is in the suites without being named. */
export const GET_PAGES = PAGES.filter(
  ({ method, path }) =>
    method === "GET" && !/^\/(?:console\/assets\/|\.well-known\/|llms\.txt$)/.test(path),
);
export const POST_FORMS = PAGES.filter(({ method }) => method === "POST");

/** Forms that a page has once a second factor is on or a code was sent; their own suites send them. */
export const NEED_MORE = [
  "/console/login/code",
  "/console/login/email/code",
  "/console/login/link/:token",
  "/console/account/security/second-factor/confirm",
  "/console/account/security/second-factor/codes",
  "/console/account/security/second-factor/remove",
  "/console/account/security/second-factor/download",
  // Of an account that is disabled.
  "/console/admin/users/:user/enable",
];

/** What the forms of a user who is logged in are about. */
export interface Fixtures {
  readonly client: PageClient;
  readonly tokenId: string;
  readonly loginId: string;
  /** The values of a path's parameters. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The account at an OpenID issuer that opens theirs. */
  readonly identityId: string;
  /** One of theirs, what a log-in with it answers, and what another one to be added answers. */
  readonly passkey: {
    readonly id: string;
    readonly assertion: string;
    readonly registration: string;
  };
  /** Of another account, about which an operator does something. */
  readonly otherEmail: string;
  /** What the other has. */
  readonly others: { readonly loginId: string; readonly tokenId: string };
  /** What the form for a new action token holds; also a contact of theirs. */
  readonly contactId: string;
  readonly newSecret: string;
  /** What the forms for an API token and for its rotation hold. */
  readonly newApiSecret: string;
  readonly rotatedSecret: string;
}

/** The path of a page as a browser opens it. */
export const pathIn = (path: string, { parameters }: Fixtures): string =>
  path.replace(/:(\w+)/g, (_, name: string) => parameters[name] ?? "unknown");

/** One row a form: what a browser would send, and what then changes something. */
const SAMPLES: Readonly<Record<string, (fixtures: Fixtures) => Fields>> = {
  "/console/login": ({ client }) => ({ email: client.email, password: PASSWORD }),
  "/console/signup": () => ({
    email: `${crypto.randomUUID()}@example.com`,
    password: PASSWORD,
    next: "/console/tokens",
  }),
  "/console/forgotten": ({ client }) => ({ email: client.email }),
  "/console/login/code": () => ({ otp: "000000" }),
  "/console/account/security/second-factor/begin": () => ({}),
  "/console/account/security/second-factor/confirm": () => ({
    otp: "000000",
    secret: "A".repeat(32),
  }),
  "/console/account/security/second-factor/codes": () => ({ otp: "000000" }),
  "/console/account/security/second-factor/remove": () => ({ otp: "000000" }),
  "/console/account/security/second-factor/download": () => ({
    codes: Array(10).fill("abcd-abcd-abcd-abcd-abcd-abcd").join("\n"),
  }),
  "/console/logout": () => ({}),
  "/console/account/profile": () => ({
    first_name: "Ada",
    last_name: "Lovelace",
    phone_number: "+15551234567",
    dob: "1915-12-10",
    gender: "x",
  }),
  "/console/account/email": () => ({
    email: `${crypto.randomUUID()}@example.com`,
    current_password: PASSWORD,
  }),
  "/console/account/security/password": () => ({
    password: "another horse battery",
    current_password: PASSWORD,
  }),
  "/console/confirm": () => ({ next: "/console/tokens" }),
  "/console/account/verify": () => ({}),
  "/console/login/passkey": ({ passkey }) => ({ response: passkey.assertion }),
  "/console/account/security/passkeys": ({ passkey }) => ({
    response: passkey.registration,
    name: "Phone",
  }),
  "/console/account/security/passkeys/rename": ({ passkey }) => ({
    id: passkey.id,
    name: "renamed",
  }),
  "/console/account/security/passkeys/remove": ({ passkey }) => ({ id: passkey.id }),
  "/console/account/security/identities/remove": ({ identityId }) => ({ id: identityId }),
  "/console/contacts/:contact/remove": () => ({}),
  "/console/account/data/delete": () => ({ password: PASSWORD }),
  "/console/tokens/new": ({ newApiSecret }) => ({
    name: "ci",
    lifetime: "3600",
    scopes: ["tokens:read"],
    token_secret: newApiSecret,
  }),
  "/console/tokens/find": () => ({ search: "first", filter: "", scope: "", sort: "name" }),
  "/console/tokens/:tokenId/rename": () => ({ name: "renamed" }),
  "/console/tokens/:tokenId/rotate": ({ rotatedSecret }) => ({
    grace: "0",
    token_secret: rotatedSecret,
  }),
  "/console/tokens/:tokenId/enabled": () => ({ enabled: "false" }),
  "/console/tokens/:tokenId/revoke": () => ({}),
  "/console/tokens/revoke-all": () => ({}),
  "/console/account/security/sessions/end": ({ loginId }) => ({ id: loginId }),
  "/console/account/security/sessions/end-others": () => ({}),
  "/console/actions/new/:action": ({ contactId, newSecret }) => ({
    contact_id: contactId,
    token_lifetime: "3600",
    token_uses: "1",
    token_audience: "",
    token_secret: newSecret,
  }),
  "/console/actions/:id/end": () => ({}),
  "/console/inspector": () => ({ text: "lk_api_x" }),
  "/console/admin": ({ otherEmail }) => ({ query: otherEmail }),
  "/console/admin/throttles/lift": ({ parameters }) => ({ id: parameters.user ?? "" }),
  "/console/admin/deliveries/replay": () => ({}),
  ...Object.fromEntries(
    ["disable", "enable", "end", "reset", "lift", "remove-factor", "export"].map((act) => [
      `/console/admin/users/:user/${act}`,
      () => ({}),
    ]),
  ),
  "/console/admin/users/:user/logins/revoke": ({ others }) => ({ id: others.loginId }),
  "/console/admin/users/:user/tokens/revoke": ({ others }) => ({ id: others.tokenId }),
  "/console/admin/users/:user/role": () => ({ role: "Admin" }),
  "/console/admin/users/:user/metadata": () => ({ metadata: '{"plan":"pro"}' }),
  "/console/admin/users/:user/delete": ({ otherEmail }) => ({ email: otherEmail }),
  "/a/:token": () => ({ run_key: crypto.randomUUID() }),
};

/** Of a form that nobody has thought of: all fields that any other takes. */
export function sampleFor(path: string, fixtures: Fixtures): Fields {
  const sample = SAMPLES[path];
  return sample === undefined
    ? Object.assign({}, ...Object.values(SAMPLES).map((each) => each(fixtures)))
    : sample(fixtures);
}

/** A user, who is an operator, with a token and a second login, an action token of their own, and one of another's. */
export async function newFixtures(client: PageClient, call: Call): Promise<Fixtures> {
  await client.send("/console/tokens/new", {
    name: "first",
    lifetime: "3600",
    scopes: ["tokens:read"],
  });
  await logIn(call, client.email);
  const [tokenId = ""] = tokenIdsOn(await client.open("/console/tokens"));
  const own = (await client.open(`/console/tokens/${tokenId}`)).text;
  const [rotatedSecret = ""] = hiddenValues(own, "token_secret");
  const [newApiSecret = ""] = hiddenValues(
    (await client.open("/console/tokens/new")).text,
    "token_secret",
  );
  const [loginId = ""] = hiddenValues(
    (await client.open("/console/account/security/sessions")).text,
    "id",
  );
  const { text } = await client.open("/console/actions/new/addContact");
  const [newSecret = ""] = hiddenValues(text, "token_secret");
  const contactId = await idOf(client);
  await DB.batch([
    DB.prepare("INSERT OR IGNORE INTO contacts VALUES (?, ?, 1, NULL, NULL)").bind(
      contactId,
      contactId,
    ),
    DB.prepare(
      `INSERT INTO identities (issuer, subject, user_id, created_at)
        VALUES ('https://login.acme.example', ?, ?, 1)`,
    ).bind(asText(contactId), contactId),
  ]);
  const account = (await client.open("/console/account/security")).text;
  const [identityId = ""] = hiddenValues(account, "id");
  const passkey = await newPasskey(client, call, contactId);
  const action = await newActionToken(call, client);
  const other = await newPageClient(call);
  const others = await newActionToken(call, other);
  await other.send("/console/tokens/new", {
    name: "theirs",
    lifetime: "3600",
    scopes: ["tokens:read"],
  });
  const [othersToken = ""] = tokenIdsOn(await other.open("/console/tokens"));
  const otherId = await idOf(other);
  const othersLogin = String(
    await DB.prepare("SELECT id FROM tokens WHERE user_id = ? AND kind = 'session'")
      .bind(otherId)
      .first("id"),
  );
  await DB.batch([
    DB.prepare("UPDATE users SET role = 'Admin' WHERE id = ?").bind(contactId),
    DB.prepare(
      "INSERT INTO second_factors (user_id, secret, created_at, confirmed_at) VALUES (?, 'x', 1, 1)",
    ).bind(otherId),
    DB.prepare(
      "INSERT OR REPLACE INTO login_attempts (id, drained_at, due_at) VALUES (?, ?, ?)",
    ).bind(asText(otherId), Date.now() + 1e10, Math.ceil(Date.now() / 86_400_000) * 86_400_000),
    DB.prepare("INSERT INTO dead_letters VALUES ('webhook', ?1, ?1, 9, 'down', 1)").bind(otherId),
  ]);
  const parameters = {
    action: "addContact",
    id: action.id,
    tokenId,
    token: others.secret,
    contact: contactId,
    user: otherId,
    operation: "runActionToken",
  };
  return {
    client,
    tokenId,
    loginId,
    identityId,
    passkey,
    parameters,
    contactId,
    otherEmail: other.email,
    others: { loginId: othersLogin, tokenId: othersToken },
    newSecret,
    newApiSecret,
    rotatedSecret,
  };
}

/** Of the API tokens in a list, in its order. */
export const tokenIdsOn = ({ text }: Pick<Answered, "text">): string[] => [
  ...new Set(
    Array.from(text.matchAll(/href="\/console\/tokens\/([0-9a-f-]{36})"/g), ([, id = ""]) => id),
  ),
];

/** The challenge of the passkey form on a page. */
export const challengeIn = ({ text }: Answered): string =>
  /&quot;challenge&quot;:&quot;([\w-]+)/.exec(text)?.[1] ?? "";

async function newPasskey(
  client: PageClient,
  call: Call,
  userId: string,
): Promise<Fixtures["passkey"]> {
  const path = "/console/account/security/passkeys";
  const [one, two] = [await newAuthenticator(-8), await newAuthenticator(-8)];
  const created = async (each: Authenticator) =>
    JSON.stringify(await each.create({ challenge: challengeIn(await client.open(path)), userId }));
  await client.send(path, { response: await created(one) });
  const [id = ""] = hiddenValues((await client.open(path)).text, "id");
  const asked = await call("POST", "/rest/login/passkey/options");
  const assertion = await one.get({ challenge: textAt(asked, "payload", "challenge"), userId });
  return { id, assertion: JSON.stringify(assertion), registration: await created(two) };
}

export async function idOf(client: PageClient): Promise<string> {
  const { text } = await client.open("/console/account");
  return /aria-label="User ID"><code>([^<]+)/.exec(text)?.[1] ?? "";
}

/** An action token that makes its issuer the contact of its runner. */
async function newActionToken(call: Call, issuer: PageClient) {
  const payload = { contact_id: await idOf(issuer) };
  const json = { action: "addContact", payload, ttl: 3600, max_uses: 1000 };
  const answer = await call("POST", "/api/generate-action-token", { xToken: issuer.secret, json });
  return { id: textAt(answer, "token", "id"), secret: textAt(answer, "token", "token") };
}
