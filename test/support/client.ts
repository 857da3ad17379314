import { exports } from "cloudflare:workers";
import { undocumented } from "./documented.ts";
import { rules } from "./guard.ts";
import { DB } from "./database.ts";

export const ORIGIN = "https://latchkey.test";
export const PASSWORD = "correct horse battery";

/** What a request is made of. At most one of `json`, `form` and `body`. */
export interface Send {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly basic?: { readonly email: string; readonly password: string };
  readonly bearer?: string;
  readonly xAuthToken?: string;
  readonly xToken?: string;
  /** Where Cloudflare says that it came from. */
  readonly cf?: { readonly country?: string; readonly city?: string };
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is empty or is none. */
  readonly json: unknown;
}

type Fetch = (request: Request) => Response | Promise<Response>;
export type Call = (method: string, pathOrUrl: string, send?: Send) => Promise<Answered>;

/** Real HTTP requests to the Worker as `wrangler.toml` and the test bindings configure it. */
export const call: Call = over((request) => exports.default.fetch(request));

/** @param document the text of the API document that answers are compared with, if it is another one */
export function over(fetch: Fetch, document?: () => Promise<string>): Call {
  return async (method, pathOrUrl, send = {}) => {
    const url = pathOrUrl.startsWith("/") ? ORIGIN + pathOrUrl : pathOrUrl;
    const request = new Request(url, { method, redirect: "manual", ...init(send) });
    // As if each request came a second after the last: else KV refuses to write a key again, and the retry takes as long.
    rules.secondPasses();
    const mediaType = request.headers.get("content-type");
    const response = await fetch(request);
    // By hand, since workerd warns of `.text()` where the media type does not begin with "text/".
    const text = new TextDecoder().decode(await response.arrayBuffer());
    const { status, headers } = response;
    const answer = { status, headers, text, json: parsed(text) };
    const asked = { method, url, mediaType, body: bodyOf(send) };
    const flaws = undocumented(asked, answer, await document?.());
    if (flaws.length > 0) {
      const where = `${method} ${new URL(url).pathname} answered ${status}`;
      throw new Error(`openapi.json does not have this: ${where}: ${flaws.join("; ")}\n${text}`);
    }
    return answer;
  };
}

/** The value of what is sent, where it has one that a schema could speak of. */
function bodyOf({ json, form, body }: Send): unknown {
  if (json !== undefined) return JSON.parse(JSON.stringify(json));
  return form ?? (typeof body === "string" ? parsed(body) : undefined);
}

export function init({ headers, json, form, body, basic, bearer, xAuthToken, xToken, cf }: Send) {
  const all = new Headers(headers);
  if (json !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
  if (basic) all.set("authorization", `Basic ${base64(`${basic.email}:${basic.password}`)}`);
  if (bearer !== undefined) all.set("authorization", `Bearer ${bearer}`);
  if (xAuthToken !== undefined) all.set("x-auth-token", xAuthToken);
  if (xToken !== undefined) all.set("x-token", xToken);
  const sent = json !== undefined ? JSON.stringify(json) : form && new URLSearchParams(form);
  return { headers: all, body: sent ?? body ?? null, ...(cf !== undefined && { cf }) };
}

/** Base64 of the text's UTF-8. */
export function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface Login {
  readonly email: string;
  readonly password: string;
}
export interface TestUser extends Login {
  readonly id: string;
}

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

type Fields = Readonly<Record<string, unknown>>;
type NewUser = Fields & {
  readonly email?: string | undefined;
  readonly password?: string | undefined;
};

/** Users of the service that `call` reaches, and credentials of theirs. */
export function peopleOf(call: Call) {
  /** Signs up a fresh user. */
  async function newUser(fields: NewUser = {}): Promise<TestUser> {
    const { email = `${crypto.randomUUID()}@example.com`, password = PASSWORD } = fields;
    const json = { ...fields, email, password };
    const answer = await call("POST", "/rest/user", { json });
    if (answer.status !== 201) throw new Error(`sign-up answered ${answer.status}: ${answer.text}`);
    return { id: textAt(answer, "payload", "uuid"), email, password };
  }

  /** Logs in on the jwt-pair surface. */
  async function newPair({ email, password }: Login): Promise<Pair> {
    const answer = await call("POST", "/api/token/", { json: { email, password } });
    return { access: textAt(answer, "access"), refresh: textAt(answer, "refresh") };
  }

  return {
    newUser,
    newPair,
    /** A new user who has logged in. */
    async newCaller(fields: NewUser = {}) {
      const user = await newUser(fields);
      return { ...user, ...(await newPair(user)) };
    },
    /** One who has logged in, and is an operator. */
    async newOperator() {
      const user = await newUser();
      await DB.prepare("UPDATE users SET role = 'Admin' WHERE id = ?").bind(user.id).run();
      return { ...user, ...(await newPair(user)) };
    },
    async newSession({ email, password }: Login): Promise<string> {
      const answer = await call("POST", "/tokens", { json: { email_id: email, password } });
      return textAt(answer, "data", "token");
    },
    async newApiToken(bearer: string, name = "test", ttl?: number, scopes?: readonly string[]) {
      const answer = await call("POST", "/rest/token", { bearer, json: { name, ttl, scopes } });
      return {
        secret: textAt(answer, "payload", "token"),
        uuid: textAt(answer, "payload", "uuid"),
      };
    },
    /** An action token whose run makes `contactId` a contact of the runner. */
    async newActionToken(bearer: string, contactId: string, more: Fields = {}) {
      const json = { action: "addContact", payload: { contact_id: contactId }, ...more };
      const answer = await call("POST", "/api/generate-action-token", { bearer, json });
      return { secret: textAt(answer, "token", "token"), id: textAt(answer, "token", "id") };
    },
  };
}

/** What an API token shows that was given no more than a name. */
export const PLAIN_TOKEN = {
  metadata: {},
  enabled: true,
  remaining: null,
  limit: null,
  allowed_ips: null,
};

export const { newUser, newPair, newCaller, newOperator, newSession, newApiToken, newActionToken } =
  peopleOf(call);
export type NewApiToken = Awaited<ReturnType<typeof newApiToken>>;

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const [, payload = ""] = jwt.split(".");
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The member of the body that the path leads to. */
export function at(answer: Answered, ...path: readonly (string | number)[]): unknown {
  let value = answer.json;
  for (const key of path) {
    if (typeof value !== "object" || value === null) {
      throw new Error(`no ${path.join(".")} in ${answer.status} ${answer.text}`);
    }
    value = Reflect.get(value, key);
  }
  return value;
}

export function textAt(answer: Answered, ...path: readonly (string | number)[]): string {
  const value = at(answer, ...path);
  if (typeof value === "string") return value;
  throw new Error(`no text at ${path.join(".")} in ${answer.status} ${answer.text}`);
}

export function itemsAt(answer: Answered, ...path: readonly (string | number)[]): unknown[] {
  const value = at(answer, ...path);
  if (Array.isArray(value)) return value;
  throw new Error(`no list at ${path.join(".")} in ${answer.status} ${answer.text}`);
}
