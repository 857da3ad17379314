import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json, text } from "node:stream/consumers";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the OpenID issuers of `realms.ts` are. */
    issuers: string;
  }
}

interface Realm {
  current: { readonly kid: string; readonly key: CryptoKey; readonly alg: string };
  published: JWK[];
  /** How its key set is served. */
  mode: "good" | "fails" | "hangs" | "hangs midway" | "garbage";
  fetches: number;
  person: Visitor | null;
  /** Codes that were issued and not used. */
  readonly codes: Map<string, Readonly<Record<string, string>>>;
}

/** Whoever comes to log in, and how the issuer then answers. */
export interface Visitor {
  /** Claims of the ID token; null leaves one out. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Parameters of the answer to the browser; null leaves one out. */
  readonly answer?: Readonly<Record<string, string | null>>;
  /** It takes a code any number of times. */
  readonly reusesCodes?: boolean;
}

/** What a test asks of a realm; `realms.ts` is the other side. */
export interface Order {
  readonly sign?: { readonly claims: Record<string, unknown>; readonly header: object };
  /** A new key, with the old one still published or not. */
  readonly rotate?: { readonly keepsOld: boolean; readonly alg?: "RS256" | "ES256" };
  readonly mode?: Realm["mode"];
  /** Who logs in at this issuer from now on, and what it does to its ID tokens and answers. */
  readonly person?: Realm["person"];
}

/**
 * Real OpenID issuers on loopback, for the tests inside workerd: they publish RS256 keys over HTTP, rotate
 * them, sign ID tokens, and fail as issuers do. A realm is an issuer of its own.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const { url, close } = await startIssuers();
  project.provide("issuers", url);
  return close;
}

export async function startIssuers(): Promise<{
  readonly url: string;
  readonly close: () => void;
}> {
  const realms = new Map<string, Promise<Realm>>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", `http://${request.headers.host}`);
    const [, name = "", what = ""] = url.pathname.split("/");
    const made = realms.get(name) ?? newRealm();
    realms.set(name, made);
    const realm = await made;
    const issuer = `${url.origin}/${name}`;
    if (what === "keys") serveKeys(realm, response);
    else if (what === ".well-known") serveMetadata(realm, issuer, response);
    else if (what === "authorize") authorize(realm, issuer, url.searchParams, response);
    else if (what === "token") await exchange(realm, issuer, request, response);
    else response.end(JSON.stringify(await obey(realm, request)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function newKey(alg = "RS256") {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const kid = crypto.randomUUID();
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { kid, key: privateKey, alg, jwk };
}

async function newRealm(): Promise<Realm> {
  const { jwk, ...current } = await newKey();
  return { current, published: [jwk], mode: "good", fetches: 0, person: null, codes: new Map() };
}

function serveKeys(realm: Realm, response: ServerResponse): void {
  realm.fetches++;
  switch (realm.mode) {
    case "good":
      response.end(JSON.stringify({ keys: realm.published }));
      return;
    case "fails":
      response.writeHead(500).end();
      return;
    case "garbage":
      response.end("<html>");
      return;
    case "hangs midway":
      response.write('{"keys":[');
      return;
    case "hangs":
      return;
  }
}

function serveMetadata({ mode }: Realm, issuer: string, response: ServerResponse): void {
  if (mode === "hangs") return;
  response.writeHead(mode === "fails" ? 500 : 200, { "content-type": "application/json" }).end(
    JSON.stringify({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      authorization_response_iss_parameter_supported: true,
    }),
  );
}

/** OpenID Connect Core section 3.1.2, for whoever the test says has logged in: it asks nobody. */
function authorize(
  realm: Realm,
  issuer: string,
  asked: URLSearchParams,
  response: ServerResponse,
): void {
  const code = crypto.randomUUID();
  realm.codes.set(code, Object.fromEntries(asked));
  const answer = { code, state: asked.get("state"), iss: issuer, ...realm.person?.answer };
  const back = new URL(asked.get("redirect_uri") ?? "");
  for (const [name, value] of Object.entries(answer)) {
    if (value !== null) back.searchParams.set(name, value);
  }
  response.writeHead(302, { location: back.href }).end();
}

/** Section 3.1.3, with PKCE (RFC 7636): what does not fit is `invalid_grant`. */
async function exchange(
  realm: Realm,
  issuer: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const sent = new URLSearchParams(await text(request));
  const code = sent.get("code") ?? "";
  const asked = realm.codes.get(code);
  const { person } = realm;
  if (person?.reusesCodes !== true) realm.codes.delete(code);
  const verifier = createHash("sha256").update(sent.get("code_verifier") ?? "");
  // RFC 6749 section 2.3.1: both halves are form-encoded.
  const [, encoded = ""] = (request.headers.authorization ?? "").split("Basic ");
  const client = decodeURIComponent(atob(encoded));
  const fits =
    asked !== undefined &&
    verifier.digest("base64url") === asked.code_challenge &&
    sent.get("redirect_uri") === asked.redirect_uri &&
    client === `${asked.client_id}:their-secret`;
  const iat = Math.floor(Date.now() / 1000);
  const all = { iss: issuer, aud: asked?.client_id, nonce: asked?.nonce, iat, exp: iat + 600 };
  const claims = Object.entries({ ...all, ...person?.claims }).filter(([, one]) => one !== null);
  const body = fits
    ? {
        access_token: "unused",
        token_type: "Bearer",
        id_token: await signed(realm, { claims: Object.fromEntries(claims), header: {} }),
      }
    : { error: "invalid_grant" };
  response
    .writeHead(fits ? 200 : 400, { "content-type": "application/json" })
    .end(JSON.stringify(body));
}

async function obey(realm: Realm, request: IncomingMessage): Promise<object> {
  const { sign, rotate, mode, person } = (await json(request)) as Order;
  if (person !== undefined) realm.person = person;
  if (mode !== undefined) realm.mode = mode;
  if (rotate !== undefined) {
    const { jwk, ...current } = await newKey(rotate.alg);
    realm.current = current;
    realm.published = [...(rotate.keepsOld ? realm.published : []), jwk];
  }
  const token = sign === undefined ? "" : await signed(realm, sign);
  return { token, fetches: realm.fetches, published: realm.published };
}

/** @param header what is null in it is left out */
function signed({ current }: Realm, { claims, header }: NonNullable<Order["sign"]>) {
  const { alg, ...all } = { alg: current.alg, kid: current.kid, typ: "JWT", ...header };
  const present = Object.entries(all).filter(([, value]) => value !== null);
  return new SignJWT(claims)
    .setProtectedHeader({ alg, ...Object.fromEntries(present) })
    .sign(current.key, { crit: { x: true } });
}
