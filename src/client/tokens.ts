/** The tokens of a login. */
export interface LoginTokens {
  /** Access JWT. */
  readonly access: string;
  /** Refresh JWT. */
  readonly refresh: string;
  /** When the access token arrived, in Unix milliseconds by this device's clock. */
  readonly receivedAtMs: number;
}

/** Stores the tokens of a login. `load` must return what was saved last, by any tab or process. */
export interface TokenStore {
  /** @returns null if no one is logged in */
  load(): LoginTokens | null | Promise<LoginTokens | null>;
  /** @param tokens null to log out */
  save(tokens: LoginTokens | null): void | Promise<void>;
}

/** Stores tokens in memory, until the page or process ends. Not shared with other tabs. */
export function memoryStore(): TokenStore {
  let stored: LoginTokens | null = null;
  return {
    load: () => stored,
    save(tokens) {
      stored = tokens;
    },
  };
}

/** The methods of `localStorage` and `sessionStorage` that are used. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Stores tokens in web storage, as JSON under one key. With `localStorage` all tabs share the login
 * and it survives a restart of the browser. Every script on the page can read it, so a script that an
 * attacker injects (XSS) can steal the login.
 */
export function webStore(storage: WebStorage, key = "latchkey"): TokenStore {
  return {
    load() {
      const text = storage.getItem(key);
      return text === null ? null : parseTokens(text);
    },
    save(tokens) {
      if (tokens === null) storage.removeItem(key);
      else storage.setItem(key, JSON.stringify(tokens));
    },
  };
}

function parseTokens(text: string): LoginTokens | null {
  const { access, refresh, receivedAtMs } = parseObject(text) ?? {};
  return typeof access === "string" &&
    typeof refresh === "string" &&
    typeof receivedAtMs === "number"
    ? { access, refresh, receivedAtMs }
    : null;
}

/** Access tokens are refreshed this long before they expire, so that none expires on its way. */
const EARLY_MS = 30_000;

/** Whether to refresh. A negative age means the clock was set back, so the real age is unknown. */
export function isDue({ access, receivedAtMs }: LoginTokens, nowMs: number): boolean {
  const ageMs = nowMs - receivedAtMs;
  const livesMs = lifetimeMs(access);
  return ageMs < 0 || ageMs >= livesMs - Math.min(EARLY_MS, livesMs / 2);
}

export function isExpired({ access, receivedAtMs }: LoginTokens, nowMs: number): boolean {
  return nowMs - receivedAtMs >= lifetimeMs(access);
}

export function isOfSameUser(one: LoginTokens, other: LoginTokens): boolean {
  return claimsOf(one.access).sub === claimsOf(other.access).sub;
}

/**
 * From the token's own `exp` and `iat`, counted from its arrival, because this device's clock may be
 * wrong by hours. Without them the token is refreshed only when the service rejects it.
 */
function lifetimeMs(jwt: string): number {
  const { exp, iat } = claimsOf(jwt);
  return typeof exp === "number" && typeof iat === "number"
    ? (exp - iat) * 1000
    : Number.POSITIVE_INFINITY;
}

/** Unverified claims. They only decide when to refresh; the service verifies the token. */
function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const payload = jwt.split(".")[1] ?? "";
  try {
    return parseObject(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) ?? {};
  } catch {
    return {};
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
