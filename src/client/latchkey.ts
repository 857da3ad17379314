import createClient, { type Client, type FetchResponse } from "openapi-fetch";
import type { paths, RunActionToken, SignUp } from "./api.ts";
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
  /** The service's origin. Plain http only on this machine. */
  readonly baseUrl: string;
  /** In place of the platform's own. */
  readonly fetch?: Fetch;
}

export interface TokenOptions extends Options {
  /** An API token, a session token, or a JWT. It is sent as it is, and nobody refreshes it. */
  readonly token: string;
}

export interface LoginOptions extends Options {
  /** Where the tokens are kept; in memory, where none is given. */
  readonly store?: TokenStore;
  /** Called when the service has refused the refresh token: from then on nobody is logged in. */
  readonly onLoggedOut?: () => void;
}

type Answer<Operation extends object> = FetchResponse<
  Operation & Record<string | number, unknown>,
  unknown,
  `${string}/${string}`
>;
type Post<Path extends "/api/run-action-token" | "/api/token" | "/rest/user"> = Promise<
  Answer<paths[Path]["post"]>
>;

/** Typed calls to every route: `GET("/rest/token/list", { params: { query: { limit: 10 } } })`. */
export interface LatchkeyCalls
  extends Pick<Client<paths>, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"> {
  /** The same calls as nobody, whoever is logged in. */
  readonly anonymous: Client<paths>;
  /**
   * Runs an action token once, however often the answer is lost. As nobody with `asNobody`: the new
   * password that a mail is about is for whoever holds the token.
   */
  runAction(
    run: RunActionToken,
    options?: { readonly asNobody?: boolean },
  ): Post<"/api/run-action-token">;
}

export interface Latchkey extends LatchkeyCalls {
  /** Makes an account. It does not log in. */
  signUp(account: SignUp): Post<"/rest/user">;
  /** The tokens of the answer are kept, and used from then on. */
  logIn(credentials: { readonly email: string; readonly password: string }): Post<"/api/token">;
  isLoggedIn(): Promise<boolean>;
  /**
   * Forgets the tokens at once, and ends the log-in with all its refresh tokens.
   * @returns false where the service could not be told: then the log-in ends within a day by itself
   */
  logOut(): Promise<boolean>;
}

/**
 * A client of a Latchkey service, for browsers, Node and Workers.
 *
 * No HTTP status is thrown: every call resolves to `{ data, response }` or `{ error, response }`.
 * What fetch throws where there is no answer at all is thrown.
 *
 * @example
 * const auth = latchkey({ baseUrl: "https://auth.example.com" });
 * await auth.logIn({ email, password });
 * const { data, error } = await auth.GET("/rest/user");
 *
 * @throws TypeError where `baseUrl` is neither https nor on this machine
 */
export function latchkey(options: TokenOptions): LatchkeyCalls;
export function latchkey(options: LoginOptions): Latchkey;
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
  // The service never redirects whoever asks by https; a credential goes nowhere else.
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
    // As it is: the service refuses what would ask for less and is not understood.
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

/** A run may have to wait for a refresh. */
const RUN_LIMITS = { deadlineMs: 15_000, withinMs: 45_000 };

/** Where a page is not a secure context there is no `crypto.randomUUID`. */
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
