import createClient, { type Client, type FetchResponse } from "openapi-fetch";
import type { paths, SignUp } from "./api.ts";
import { type Fetch, withLogin, withToken } from "./credential.ts";
import { withRetries, REFRESH_LIMITS } from "./retry.ts";
import { createRefresh } from "./refresh.ts";
import { memoryStore, type TokenStore } from "./tokens.ts";

export type * from "./api.ts";
export {
  type LoginTokens,
  memoryStore,
  type TokenStore,
  type WebStorage,
  webStore,
} from "./tokens.ts";

interface Options {
  /** URL of the service, with a path if it has one. Must be https; http is allowed on localhost only. */
  readonly baseUrl: string;
  /** Replaces the global `fetch`, for example with that of a service binding. */
  readonly fetch?: Fetch;
}

export interface TokenOptions extends Options {
  /** An API token, session token or JWT. Sent as it is and never refreshed. */
  readonly token: string;
}

export interface LoginOptions extends Options {
  /** Where the tokens are stored. Default: in memory. */
  readonly store?: TokenStore;
  /** Called once when the service rejects the refresh token. The tokens are already deleted then. */
  readonly onLoggedOut?: () => void;
}

type Result<Operation extends object> = FetchResponse<
  Operation & Record<string | number, unknown>,
  unknown,
  `${string}/${string}`
>;
type Post<Path extends "/api/token" | "/rest/user"> = Promise<Result<paths[Path]["post"]>>;

/** What the document says of running an action token. */
type Run<Paths> = Paths extends { "/api/run-action-token": { post: infer Run extends object } }
  ? Run
  : never;
type RunBody<Paths> =
  Run<Paths> extends { requestBody: { content: { "application/json": infer Body } } }
    ? Body
    : never;

/**
 * Typed calls to every route: `GET("/rest/token/list", { params: { query: { limit: 10 } } })`.
 * `Paths` are those of a deployment with actions of its own, as `client-types` writes them.
 */
export interface LatchkeyCalls<Paths extends object = paths>
  extends Pick<Client<Paths>, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"> {
  /** The same calls without a credential. */
  readonly anonymous: Client<Paths>;
  /**
   * Runs an action token exactly once: one idempotency key for up to three attempts within 45
   * seconds. With `asNobody` no credential is sent, which suits links from emails, such as a password
   * reset: they work for anyone who holds the token.
   * @throws what `fetch` threw on the last attempt
   */
  runAction(
    run: RunBody<Paths>,
    options?: { readonly asNobody?: boolean },
  ): Promise<Result<Run<Paths>>>;
}

export interface Latchkey<Paths extends object = paths> extends LatchkeyCalls<Paths> {
  /** Creates an account. Does not log in. */
  signUp(account: SignUp): Post<"/rest/user">;
  /** Logs in and stores the tokens. Wrong credentials resolve to `error` with status 401. */
  logIn(credentials: { readonly email: string; readonly password: string }): Post<"/api/token">;
  /** Whether tokens are stored. Does not ask the service. */
  isLoggedIn(): Promise<boolean>;
  /**
   * Deletes the stored tokens, then revokes the login and all its refresh tokens.
   * @returns false if the service could not be reached; the login then expires with its refresh token
   */
  logOut(): Promise<boolean>;
}

/**
 * A client for a Latchkey service, for browsers, Node and Workers.
 *
 * Calls resolve to `{ data, response }` or `{ error, response }` and never throw for an HTTP status.
 * They throw what `fetch` throws when there is no response.
 *
 * @example
 * const auth = latchkey({ baseUrl: "https://auth.example.com" });
 * await auth.logIn({ email, password });
 * const { data, error } = await auth.GET("/rest/user");
 *
 * @throws TypeError if `baseUrl` is not a URL, or neither https nor on localhost
 */
export function latchkey<Paths extends object = paths>(options: TokenOptions): LatchkeyCalls<Paths>;
export function latchkey<Paths extends object = paths>(options: LoginOptions): Latchkey<Paths>;
export function latchkey(options: TokenOptions | LoginOptions): LatchkeyCalls | Latchkey {
  const baseUrl = checkedBaseUrl(options.baseUrl);
  const send: Fetch = options.fetch ?? ((request) => globalThis.fetch(request));
  const anonymous = clientOf(baseUrl, send);
  if ("token" in options) {
    return callsOf(clientOf(baseUrl, withToken(options.token, baseUrl, send)), anonymous);
  }
  const { store = memoryStore(), onLoggedOut = () => {} } = options;
  const refresh = createRefresh({ anonymous, store, name: `latchkey ${baseUrl}`, onLoggedOut });
  const client = clientOf(baseUrl, withLogin({ store, refresh }, baseUrl, send));
  return { ...callsOf(client, anonymous), ...loginCalls(anonymous, store) };
}

function clientOf(baseUrl: string, fetch: Fetch): Client<paths> {
  // The service never redirects https requests, and a credential must not follow a redirect elsewhere.
  return createClient<paths>({ baseUrl, fetch, redirect: "manual" });
}

function callsOf(client: Client<paths>, anonymous: Client<paths>): LatchkeyCalls {
  const { GET, POST, PUT, PATCH, DELETE } = client;
  return {
    GET,
    POST,
    PUT,
    PATCH,
    DELETE,
    anonymous,
    runAction(body, { asNobody = false } = {}) {
      const credentials = asNobody ? anonymous : client;
      const params = { header: { "Idempotency-Key": randomKey() } };
      return withRetries(RUN_LIMITS, (signal) =>
        credentials.POST("/api/run-action-token", { body, params, signal }),
      );
    },
  };
}

function loginCalls(
  anonymous: Client<paths>,
  store: TokenStore,
): Omit<Latchkey, keyof LatchkeyCalls> {
  return {
    signUp: (account) => anonymous.POST("/rest/user", { body: account }),
    // Sent unchanged: the service rejects members it does not know, such as a request for fewer rights.
    async logIn(credentials) {
      const answer = await anonymous.POST("/api/token", { body: credentials });
      if (answer.data !== undefined) {
        await store.save({ ...answer.data, receivedAtMs: Date.now() });
      }
      return answer;
    },
    isLoggedIn: async () => (await store.load()) !== null,
    async logOut() {
      const stored = await store.load();
      if (stored === null) return true;
      await store.save(null);
      const body = { token: stored.refresh };
      return withRetries(REFRESH_LIMITS, (signal) =>
        anonymous.POST("/oauth/revoke", { body, signal }),
      ).then(
        ({ response }) => response.ok,
        () => false,
      );
    },
  };
}

/** Longer than for a refresh, because a run may have to wait for one. */
const RUN_LIMITS = { deadlineMs: 15_000, withinMs: 45_000 };

/** `crypto.randomUUID` is missing on pages that are not a secure context. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

function checkedBaseUrl(text: string): string {
  const { protocol, hostname, origin, pathname } = new URL(text);
  if (protocol !== "https:" && !(protocol === "http:" && LOOPBACK.test(hostname))) {
    throw new TypeError(`baseUrl must be https, or http on this machine: ${text}`);
  }
  return origin + pathname.replace(/\/+$/, "");
}
