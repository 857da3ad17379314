import type { Accounts } from "../core/accounts.ts";
import type { Introspection, IntrospectionService } from "../core/introspection.ts";
import { mayDo, type Scope } from "../core/scopes.ts";
import type { Profile, Role } from "../core/user.ts";
import { faultOf } from "../http/request-fault.ts";
import type { RequestSummary } from "../http/request-log.ts";
import { rpcRecord, withRequestRecord } from "../http/request-record.ts";
import { UUID } from "../core/text.ts";

/** What an active token is. Times in Unix seconds. */
export interface ActiveTokenInfo {
  readonly active: true;
  readonly kind: "session" | "api" | "action" | "access" | "refresh";
  /** The token's uuid, or the JWT's `jti`: never the secret. */
  readonly id: string;
  readonly userId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Null: everything that its user may do. */
  readonly scopes: readonly string[] | null;
  /** Whom a JWT is for; null for the service itself, and for other tokens. */
  readonly audience: string | null;
}

export interface InactiveTokenInfo {
  readonly active: false;
  /**
   * `invalid` for everything that is not active, never why; `audience` for a JWT that is for somebody
   * else, `scope` for a token that lacks one of those asked for.
   */
  readonly reason: "invalid" | "audience" | "scope";
}

export interface VerifyOptions {
  /** All of these must be the token's. */
  readonly scopes?: readonly string[];
  /** Whom a JWT must be for. Default: the service's own `ISSUER`. API and session tokens are for anybody. */
  readonly audience?: string;
}

export interface UserInfo extends Profile {
  readonly id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly role: Role;
  /** The deployment's own facts. (A recursive type of JSON is too deep for the types of bindings.) */
  readonly metadata: Readonly<Record<string, string | number | boolean | null | object>>;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

export type Rpc = ReturnType<typeof rpc>;

interface Deps {
  readonly accounts: Pick<Accounts, "find">;
  readonly introspection: Pick<IntrospectionService, "verify" | "introspect">;
  readonly report: RequestSummary;
  readonly issuer: string;
}

/** What logs its user in; the others are for one purpose of their own. */
const LOGS_IN: readonly Introspection["kind"][] = ["session", "api", "access"];

const INACTIVE: InactiveTokenInfo = { active: false, reason: "invalid" };
const infoOf = (found: Introspection): ActiveTokenInfo => ({ active: true, ...found });

/**
 * For Workers of the same account, over a service binding: no HTTP, no client secret. Whoever has the binding
 * may ask about anybody, and limits its own callers: here they have no address.
 */
export function rpc({ accounts, introspection, report, issuer }: Deps) {
  /** @throws Error whose `code` is `unavailable` or `internal`, and whose text says nothing of the cause */
  function served<T>(route: string, run: (nowMs: number) => Promise<T>): Promise<T> {
    const record = rpcRecord(route);
    return withRequestRecord(record, async () => {
      try {
        const result = await run(record.startedMs);
        report(record, 200);
        return result;
      } catch (error) {
        const isUnavailable = faultOf(error).code === "unavailable";
        const code = isUnavailable ? "unavailable" : "internal";
        record.outcome = code;
        record.error = error;
        report(record, isUnavailable ? 503 : 500);
        throw failure(code, `${code}: request ${record.requestId}`);
      }
    });
  }

  return {
    async verify(token: string, options: VerifyOptions = {}) {
      const { scopes = [], audience = issuer } = checkedOptions(token, options);
      return served("verify", async (nowMs): Promise<ActiveTokenInfo | InactiveTokenInfo> => {
        const found = await introspection.verify(token, nowMs);
        if (found === null || !LOGS_IN.includes(found.kind)) return INACTIVE;
        // guard: rpc-asks-for-the-audience
        if (found.kind === "access" && audience !== (found.audience ?? issuer)) {
          return { active: false, reason: "audience" };
        }
        // guard: rpc-asks-for-scopes
        return scopes.every((scope) => mayDo(found, scope))
          ? infoOf(found)
          : { active: false, reason: "scope" };
      });
    },

    async introspect(token: string) {
      checkedOptions(token, {});
      return served("introspect", async (nowMs): Promise<ActiveTokenInfo | InactiveTokenInfo> => {
        const found = await introspection.introspect(token, null, nowMs);
        return found === null ? INACTIVE : infoOf(found);
      });
    },

    async user(id: string) {
      if (typeof id !== "string") throw failure("arguments_invalid", "user takes an id");
      return served("user", async (): Promise<UserInfo | null> => {
        const known = id.toLowerCase();
        const user = UUID.test(known) ? await accounts.find(known) : null;
        if (user === null) return null;
        const { email, role, metadata, firstName, lastName, phoneNumber, dob, gender } = user;
        return {
          id: user.id,
          email,
          emailVerified: user.emailVerifiedAtMs !== null,
          role,
          metadata: Object(metadata),
          createdAt: user.createdAtMs,
          ...{ firstName, lastName, phoneNumber, dob, gender },
        };
      });
    },
  };
}

/** RPC passes on an error's message and its own properties. */
const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

/** Callers in JavaScript: a misspelled `scope` that is dropped would verify everything. */
function checkedOptions(token: unknown, options: VerifyOptions): VerifyOptions {
  const { scopes, audience, ...unknown } = Object(options);
  const isRight =
    typeof token === "string" &&
    (scopes === undefined ||
      (Array.isArray(scopes) && scopes.every((each: Scope) => typeof each === "string"))) &&
    (audience === undefined || typeof audience === "string") &&
    Object.keys(unknown).length === 0;
  if (!isRight) throw failure("arguments_invalid", "verify(token, { scopes?, audience? })");
  return options;
}
