import { beforeAll, describe, expect, it } from "vitest";
import {
  type Answered,
  base64,
  call,
  type NewApiToken,
  newApiToken,
  newCaller,
  newSession,
  type Send,
} from "../support/client.ts";

let user: Awaited<ReturnType<typeof newCaller>>;
let client: NewApiToken;
let other: NewApiToken;
let ended: NewApiToken;
let session = "";
/** What is asked about, or to be ended. */
let subject = "";

beforeAll(async () => {
  user = await newCaller();
  client = await newApiToken(user.access, "client", 600, ["introspect"]);
  other = await newApiToken(user.access, "other", 600, ["introspect"]);
  ended = await newApiToken(user.access, "ended", 600, ["introspect"]);
  await call("DELETE", `/rest/token/${ended.uuid}`, { bearer: user.access });
  session = await newSession(user);
  subject = (await newApiToken(user.access, "subject", 600)).secret;
});

const basic = (id: string, secret: string, scheme = "Basic"): Send => ({
  headers: { authorization: `${scheme} ${base64(`${id}:${secret}`)}` },
});
const encoded = (text: string) =>
  Array.from(text, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

type Way = readonly [name: string, sent: () => Send];

const post = (path: string, { form, ...sent }: Send): Promise<Answered> =>
  call("POST", path, { ...sent, form: { token: subject, ...form } });

const stands = async () =>
  (await call("GET", "/rest/token/list", { bearer: subject })).status === 200;

describe("a client is taken by", () => {
  const GOOD: readonly Way[] = [
    ["Basic", () => basic(client.uuid, client.secret)],
    ["Basic with - as %2D", () => basic(client.uuid.replaceAll("-", "%2D"), client.secret)],
    ["Basic with all encoded", () => basic(encoded(client.uuid), encoded(client.secret))],
    ["basic in lower case", () => basic(client.uuid, client.secret, "basic")],
    ["the body", () => ({ form: { client_id: client.uuid, client_secret: client.secret } })],
    ["a secret in the body", () => ({ form: { client_secret: client.secret } })],
    ["Bearer", () => ({ bearer: client.secret })],
    ["bearer", () => ({ headers: { authorization: `bearer ${client.secret}` } })],
    [
      "Basic, with its id in the body too",
      () => ({ ...basic(client.uuid, client.secret), form: { client_id: client.uuid } }),
    ],
  ];
  it.each(GOOD)("%s", async (_, sent) => {
    expect(await post("/oauth/introspect", sent())).toMatchObject({
      status: 200,
      json: { active: true, token_kind: "api" },
    });
    const revoked = await call("POST", "/oauth/revoke", {
      ...sent(),
      form: { token: "of nobody", ...sent().form },
    });
    expect(revoked).toMatchObject({ status: 200, text: "" });
  });
});

describe("a client is refused by", () => {
  const WRONG: readonly Way[] = [
    ["another's secret", () => basic(client.uuid, other.secret)],
    ["another's id", () => ({ form: { client_id: other.uuid, client_secret: client.secret } })],
    ["the id alone", () => basic(client.uuid, "")],
    ["the secret as the id", () => basic(client.secret, "")],
    ["no id in Basic", () => basic("", client.secret)],
    ["the id for the secret", () => basic(client.uuid, client.uuid)],
    ["a secret that was ended", () => basic(ended.uuid, ended.secret)],
    ["a secret that was ended, in the body", () => ({ form: { client_secret: ended.secret } })],
    ["a secret that was ended, as Bearer", () => ({ bearer: ended.secret })],
    [
      "an empty secret in the body",
      () => ({ form: { client_id: client.uuid, client_secret: "" } }),
    ],
    ["a session", () => ({ bearer: session })],
    ["a session in the body", () => ({ form: { client_secret: session } })],
    ["an access JWT", () => ({ bearer: user.access })],
    ["a refresh JWT", () => ({ bearer: user.refresh })],
    ["email and password", () => ({ basic: { email: user.email, password: user.password } })],
    ["a per cent sign that encodes nothing", () => basic(client.uuid, `${client.secret}%zz`)],
    ["no colon", () => ({ headers: { authorization: `Basic ${base64(client.secret)}` } })],
    ["no base64", () => ({ headers: { authorization: `Basic ${client.secret}` } })],
    ["a scheme of no kind", () => ({ headers: { authorization: `Token ${client.secret}` } })],
    ["no scheme", () => ({ headers: { authorization: client.secret } })],
    ["two in one header", () => ({ bearer: `${client.secret}, Bearer ${client.secret}` })],
    ["more behind it", () => ({ bearer: `${client.secret} ${client.secret}` })],
    [
      "more behind it in Basic",
      () => ({
        headers: { authorization: `Basic ${base64(`${client.uuid}:${client.secret}`)} x` },
      }),
    ],
  ];
  it.each(WRONG)("%s", async (_, sent) => {
    for (const path of ["/oauth/introspect", "/oauth/revoke"]) {
      const answer = await post(path, sent());
      expect(answer).toMatchObject({
        status: 401,
        json: { error: "invalid_client", error_description: "Client authentication failed" },
      });
      const challenge = answer.headers.get("www-authenticate");
      expect(challenge).toMatch(/Basic realm="latchkey"/);
      const isBearer = /^bearer /i.test(new Headers(sent().headers).get("authorization") ?? "");
      const error = sent().bearer !== undefined || isBearer ? 'error="invalid_token"' : "";
      expect(challenge?.match(/error="[^"]*"/)?.[0] ?? "").toBe(error);
    }
    expect(await stands()).toBe(true);
  });

  it("a secret in JSON that is no text", async () => {
    for (const client_secret of [1, null, [client.secret], { toString: client.secret }]) {
      for (const path of ["/oauth/introspect", "/oauth/revoke"]) {
        const answer = await call("POST", path, { json: { token: subject, client_secret } });
        expect(answer).toMatchObject({ status: 401, json: { error: "invalid_client" } });
      }
    }
    expect(await stands()).toBe(true);
  });

  const BOTH: readonly Way[] = [
    ["Basic", () => basic(client.uuid, client.secret)],
    ["Bearer", () => ({ bearer: client.secret })],
  ];
  it.each(BOTH)("%s and the body at once", async (_, sent) => {
    for (const path of ["/oauth/introspect", "/oauth/revoke"]) {
      const answer = await post(path, { ...sent(), form: { client_secret: client.secret } });
      expect(answer).toMatchObject({ status: 400, json: { error: "invalid_request" } });
    }
    expect(await stands()).toBe(true);
  });
});

describe("where nothing was sent", () => {
  const NOTHING: readonly Way[] = [
    ["nothing", () => ({})],
    ["X-Auth-Token", () => ({ xAuthToken: client.secret })],
    ["an id", () => ({ form: { client_id: client.uuid } })],
  ];
  it.each(NOTHING)("introspection asks for a client: %s", async (_, sent) => {
    const answer = await post("/oauth/introspect", sent());
    expect(answer).toMatchObject({ status: 401, json: { error: "invalid_client" } });
    expect(answer.headers.get("www-authenticate")).toBe(
      'Basic realm="latchkey", charset="UTF-8", Bearer realm="latchkey"',
    );
  });

  it("no password box pops up over a page", async () => {
    const headers = { "sec-fetch-mode": "cors" };
    const answer = await post("/oauth/introspect", { headers });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="latchkey"');
  });

  it.each(["client_secret", "bearer", "jwt"])("the query is not read: %s", async (name) => {
    const path = `/oauth/introspect?${name}=${client.secret}&client_id=${client.uuid}`;
    expect((await post(path, {})).status).toBe(401);
  });
});

it("introspection takes the scope introspect, and revocation none", async () => {
  const everythingElse = [
    "tokens:read",
    "tokens:write",
    "account:read",
    "account:write",
    "actions:issue",
    "actions:run",
  ];
  const { uuid, secret } = await newApiToken(user.access, "no", 600, everythingElse);
  for (const sent of [
    basic(uuid, secret),
    { bearer: secret },
    { form: { client_secret: secret } },
  ]) {
    const answer = await post("/oauth/introspect", sent);
    expect(answer).toMatchObject({ status: 403, json: { error: "insufficient_scope" } });
    expect(answer.headers.get("www-authenticate")).toBe(
      'Bearer realm="latchkey", error="insufficient_scope", scope="introspect"',
    );
    const form = { token: "of nobody", ...sent.form };
    expect((await call("POST", "/oauth/revoke", { ...sent, form })).status).toBe(200);
  }
});
