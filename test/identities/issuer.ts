import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
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
}

/** What a test asks of a realm; `realms.ts` is the other side. */
export interface Order {
  readonly sign?: { readonly claims: Record<string, unknown>; readonly header: object };
  /** A new key, with the old one still published or not. */
  readonly rotate?: { readonly keepsOld: boolean; readonly alg?: "RS256" | "ES256" };
  readonly mode?: Realm["mode"];
}

/**
 * Real OpenID issuers on loopback, for the tests inside workerd: they publish RS256 keys over HTTP, rotate
 * them, sign ID tokens, and fail as issuers do. A realm is an issuer of its own.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const realms = new Map<string, Promise<Realm>>();
  const server = createServer(async (request, response) => {
    const [, name = "", what = ""] = (request.url ?? "").split("/");
    const made = realms.get(name) ?? newRealm();
    realms.set(name, made);
    const realm = await made;
    if (what === "keys") serveKeys(realm, response);
    else response.end(JSON.stringify(await obey(realm, request)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  project.provide("issuers", `http://127.0.0.1:${address.port}`);
  return () => {
    server.closeAllConnections();
    server.close();
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
  return { current, published: [jwk], mode: "good", fetches: 0 };
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

async function obey(realm: Realm, request: IncomingMessage): Promise<object> {
  const { sign, rotate, mode } = (await json(request)) as Order;
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
