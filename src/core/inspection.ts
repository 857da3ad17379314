import { type Caller, jwtIdsOf, parentIdsOf } from "./authenticate.ts";
import type { JwtClaims, Jwts, Secrets } from "./ports.ts";
import { type Json, kindOf, type Token, type TokenKind, tokenIn } from "./token.ts";

type Members = Readonly<Record<string, Json>>;

/** Whether a token stands and, of what is the caller's own, why not. */
export type Verdict =
  | "stands"
  | "expired"
  /** One by one. */
  | "ended"
  /** By a new password, or by whatever else ends all of the account. */
  | "ended_with_all"
  | "ended_with_api_tokens"
  | "used_up"
  /** A refresh JWT whose successor was issued. */
  | "replaced"
  /** The login, or the token, that a JWT was got with was ended. */
  | "login_ended"
  | "account_disabled"
  /** Nothing was looked up: neither is said that there is such a token, nor that there is none. */
  | "not_yours"
  /** Begins like one of ours, and has a typo in it, or a part missing. */
  | "checksum_wrong"
  | "signature_wrong"
  | "key_unknown"
  /** Another issuer's JWT, or one of ours that is no access or refresh token. */
  | "foreign"
  | "no_token";

export interface Inspected {
  /** `jwt` is one that is no access or refresh token of ours. */
  readonly kind: TokenKind | "access" | "refresh" | "jwt" | null;
  readonly id: string | null;
  readonly verdict: Verdict;
  /** A JWT's, as it says them itself. */
  readonly header: Members | null;
  /** A JWT's claims; of the caller's own opaque token, what is kept of it. */
  readonly claims: Members | null;
  readonly issuedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** When it was ended, replaced or used up, where that is known. */
  readonly endedAtMs: number | null;
}

export interface ReadJwt {
  readonly header: Members;
  readonly payload: Members;
  readonly isOurs: boolean;
  readonly signature: "right" | "wrong" | "key_unknown";
}

export interface JwtReader {
  /** @returns null for what is no JWT; asks no store */
  read(text: string): Promise<ReadJwt | null>;
}

/** What D1 has of the owner's account at this instant, beside the token. */
interface Account {
  readonly isDisabled: boolean;
  readonly epoch: number;
  readonly apiEpoch: number;
}

/** A token of a user's own, whether or not it stands. */
export interface OwnToken {
  readonly token: Token;
  readonly address: string | null;
  readonly endedAtMs: number | null;
  /** Whether something that it was derived from was revoked, or has expired. */
  readonly isParentGone: boolean;
  readonly account: Account;
}

export interface InspectionStore {
  /** A token of this user's whether or not it stands; null for every other. */
  ownToken(id: string, userId: string, nowMs: number): Promise<OwnToken | null>;
  /** What was ended of a JWT and of what it was obtained with; null where there is no such user. */
  ownJwt(
    claims: JwtClaims,
    behind: readonly string[],
    nowMs: number,
  ): Promise<{
    readonly endedAtMs: number | null;
    readonly loginEndedAtMs: number | null;
    /** Whether one of these was revoked, or what has a row has expired. */
    readonly isParentGone: boolean;
    readonly rotation: number | null;
    readonly rotatedAtMs: number | null;
    readonly account: Account;
  } | null>;
}

export type Inspection = ReturnType<typeof inspection>;

interface Deps {
  readonly secrets: Secrets;
  readonly jwts: Jwts;
  readonly reader: JwtReader;
  /** D1's, whatever the promise is. */
  readonly store: InspectionStore;
}

const NOTHING: Inspected = {
  kind: null,
  id: null,
  verdict: "no_token",
  header: null,
  claims: null,
  issuedAtMs: null,
  expiresAtMs: null,
  endedAtMs: null,
};

/** Says of any text what token it is, and of the caller's own whether it stands. Keeps nothing of it. */
export function inspection({ secrets, jwts, reader, store }: Deps) {
  async function opaque(
    kind: TokenKind,
    text: string,
    caller: Caller,
    nowMs: number,
  ): Promise<Inspected> {
    const id = await secrets.idOf(kind, text);
    if (id === null) return { ...NOTHING, kind, verdict: "checksum_wrong" };
    const found = await store.ownToken(id, caller.userId, nowMs);
    if (found === null) return { ...NOTHING, kind, id, verdict: "not_yours" };
    const { token, address, endedAtMs } = found;
    const verdict = verdictOf(found, nowMs);
    return {
      ...NOTHING,
      kind,
      id,
      verdict,
      claims: { ...membersOf(token), ...(address !== null && { address }) },
      issuedAtMs: token.createdAtMs,
      expiresAtMs: token.expiresAtMs,
      endedAtMs: verdict === "used_up" ? token.modifiedAtMs : endedAtMs,
    };
  }

  async function jwt(
    text: string,
    read: ReadJwt,
    caller: Caller,
    nowMs: number,
  ): Promise<Inspected> {
    const { header, payload } = read;
    const said: Inspected = {
      ...NOTHING,
      kind: "jwt",
      id: textOf(payload.jti),
      verdict: "foreign",
      header,
      claims: payload,
      issuedAtMs: timeOf(payload.iat),
      expiresAtMs: timeOf(payload.exp),
    };
    if (!read.isOurs) return said;
    const kind: Inspected["kind"] = KIND_BY_TYP.get(textOf(header.typ) ?? "") ?? "jwt";
    if (read.signature === "wrong") return { ...said, kind, verdict: "signature_wrong" };
    if (read.signature !== "right") return { ...said, kind, verdict: "key_unknown" };
    // As it was when it was issued: whether it has expired since is the verdict's.
    const claims = await jwts.verify(text, said.issuedAtMs ?? nowMs);
    if (claims === null) return said;
    if (claims.userId !== caller.userId) return { ...said, kind, verdict: "not_yours" };
    return { ...said, kind, ...(await ofOwnJwt(claims, nowMs)) };
  }

  async function ofOwnJwt(
    claims: JwtClaims,
    nowMs: number,
  ): Promise<Pick<Inspected, "verdict" | "endedAtMs">> {
    const behind = [...jwtIdsOf(claims), ...parentIdsOf(claims)].filter((id) => id !== claims.jti);
    const found = await store.ownJwt(claims, behind, nowMs);
    if (found === null) return { verdict: "not_yours", endedAtMs: null };
    const { account, endedAtMs, loginEndedAtMs, isParentGone, rotatedAtMs } = found;
    if (account.isDisabled) return { verdict: "account_disabled", endedAtMs };
    if (endedAtMs !== null) return { verdict: "ended", endedAtMs };
    if (loginEndedAtMs !== null) return { verdict: "login_ended", endedAtMs: loginEndedAtMs };
    const later = (found.rotation ?? 0) - (claims.rotation ?? Number.POSITIVE_INFINITY);
    if (later > 0) return { verdict: "replaced", endedAtMs: later === 1 ? rotatedAtMs : null };
    if (claims.expiresAt * 1000 <= nowMs) return { verdict: "expired", endedAtMs: null };
    if (claims.epoch !== account.epoch) return { verdict: "ended_with_all", endedAtMs: null };
    if (claims.apiEpoch !== null && claims.apiEpoch !== account.apiEpoch) {
      return { verdict: "ended_with_api_tokens", endedAtMs: null };
    }
    if (isParentGone) return { verdict: "login_ended", endedAtMs: null };
    return { verdict: "stands", endedAtMs: null };
  }

  return async (caller: Caller, shown: string, nowMs: number): Promise<Inspected> => {
    const text = tokenIn(bare(shown));
    const kind = kindOf(text);
    if (kind !== null) return opaque(kind, text, caller, nowMs);
    const read = await reader.read(text);
    return read === null ? NOTHING : jwt(text, read, caller, nowMs);
  };
}

/** Around a token that was copied out of a program, a shell or a text. */
const QUOTES = /^["'`\u2018-\u201f\u00ab\u00bb\s]+|["'`\u2018-\u201f\u00ab\u00bb\s,;]+$/g;

/** The token without the quotes and the name of the header that it was copied with. */
function bare(shown: string): string {
  const unquoted = shown.replaceAll(QUOTES, "");
  const rest = unquoted.replace(
    /^(?:(?:authorization|x-token|x-auth-token)["']?\s*[:=]\s*["']?)?(?:bearer\s+)?/i,
    "",
  );
  return rest.replaceAll(QUOTES, "");
}

/** RFC 9068 section 2.1, and our own for refresh tokens. */
const KIND_BY_TYP: ReadonlyMap<string, "access" | "refresh"> = new Map([
  ["at+jwt", "access"],
  ["refresh+jwt", "refresh"],
]);

/** What is certain comes before what only may have been the reason. */
export function verdictOf(
  { token, endedAtMs, isParentGone, account }: OwnToken,
  nowMs: number,
): Verdict {
  if (account.isDisabled) return "account_disabled";
  if (endedAtMs !== null) return "ended";
  if (token.kind === "action" && token.uses >= token.maxUses) return "used_up";
  if (token.expiresAtMs <= nowMs) return "expired";
  if (token.epoch !== account.epoch) return "ended_with_all";
  if (token.kind === "api" && token.apiEpoch !== account.apiEpoch) return "ended_with_api_tokens";
  if (isParentGone) return "login_ended";
  return "stands";
}

function membersOf(token: Token): Members {
  switch (token.kind) {
    case "session":
      return {};
    case "api":
      return {
        name: token.name,
        hint: token.hint,
        scopes: token.scopes,
        last_used: token.lastUsedAtMs === null ? null : new Date(token.lastUsedAtMs).toISOString(),
      };
    case "action": {
      const { action, payload, audience, uses, maxUses } = token;
      return { action, payload, audience, uses, max_uses: maxUses };
    }
  }
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === "string" ? value : null;

/** Unix seconds that a calendar has. */
const LAST_SECOND = 253_402_300_799;

function timeOf(value: Json | undefined): number | null {
  return typeof value === "number" && value >= 0 && value <= LAST_SECOND ? value * 1000 : null;
}
