/** What a log-in holds. */
export interface LoginTokens {
  readonly access: string;
  readonly refresh: string;
  /** When the access token came, by this machine's clock. */
  readonly receivedAtMs: number;
}

/** Where a log-in's tokens are kept. What is loaded must be what was saved last, by any tab or process. */
export interface TokenStore {
  load(): LoginTokens | null | Promise<LoginTokens | null>;
  /** Null: nobody is logged in. */
  save(tokens: LoginTokens | null): void | Promise<void>;
}

/** For as long as this page or process lives, and for nobody else. */
export function memoryStore(): TokenStore {
  let stored: LoginTokens | null = null;
  return {
    load: () => stored,
    save(tokens) {
      stored = tokens;
    },
  };
}

/** As much of `localStorage` and `sessionStorage` as it takes. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * For `localStorage`: all tabs are logged in together, and stay so when the browser restarts. Every
 * script on the page can read it, so one that an attacker gets in there takes the log-in with it.
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

/** Before its end an access token is refreshed, so that it does not end on its way. */
const EARLY_MS = 30_000;

/** Whether it is time to refresh. A clock that was set back says nothing of the token's age. */
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
 * By the token's own two times, from its arrival on: this machine's clock may be wrong by hours.
 * Without them it is never refreshed ahead, only when it is refused.
 */
function lifetimeMs(jwt: string): number {
  const { exp, iat } = claimsOf(jwt);
  return typeof exp === "number" && typeof iat === "number"
    ? (exp - iat) * 1000
    : Number.POSITIVE_INFINITY;
}

/** Not verified: the service does that, and nothing is decided by them but when to ask it. */
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
