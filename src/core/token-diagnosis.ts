import { type JwtClaims, jwtIdsOf, type Jwts, parentIdsOf } from "./jwt.ts";
import { type Json, membersOf, type Secrets, type Token, type TokenKind } from "./token.ts";
import type { Scopes } from "./scopes.ts";

type TokenHolder = Pick<Token, "userId">;

type Members = Readonly<Record<string, Json>>;

/** Whether a token is active and, if it is the caller's own, why not. */
export type TokenStatus =
  | "active"
  | "expired"
  /** By itself. */
  | "revoked"
  /** By a new password, or anything else that revokes all credentials of the account. */
  | "revoked_with_all"
  | "revoked_with_api_tokens"
  | "used_up"
  /** A refresh JWT whose successor was issued. */
  | "replaced"
  /** The log-in, or the token, that a JWT was obtained with was revoked. */
  | "login_revoked"
  /** An API token, until it is enabled. */
  | "disabled"
  | "account_disabled"
  /** Nothing was looked up: the answer does not say whether there is such a token. */
  | "not_yours"
  /** Begins like one of ours, but has a typo or a missing part. */
  | "checksum_wrong"
  | "signature_wrong"
  | "key_unknown"
  /** Another issuer's JWT, or one of ours that is neither an access nor a refresh token. */
  | "unknown_issuer"
  | "no_token";

export interface TokenDiagnosis {
  /** `jwt`: neither an access nor a refresh token of ours. */
  readonly kind: TokenKind | "access" | "refresh" | "jwt" | null;
  readonly id: string | null;
  readonly status: TokenStatus;
  /** A JWT's own header. */
  readonly header: Members | null;
  /** A JWT's claims; of the caller's own opaque token, what is stored about it. */
  readonly claims: Members | null;
  readonly issuedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** When it was revoked, replaced or used up, where that is known. */
  readonly revokedAtMs: number | null;
}

export interface ReadJwt {
  readonly header: Members;
  readonly payload: Members;
  readonly isOurs: boolean;
  readonly signature: "right" | "wrong" | "key_unknown";
}

export interface JwtReader {
  /** @returns null for anything but a JWT; asks no store */
  read(text: string): Promise<ReadJwt | null>;
}

/** The owner's account in D1 at this instant. */
interface Account {
  readonly isDisabled: boolean;
  readonly credentialVersion: number;
  readonly apiTokenVersion: number;
}

/** A token of the user's own, active or not. */
export interface OwnToken {
  readonly token: Token;
  readonly address: string | null;
  readonly revokedAtMs: number | null;
  /** Whether a parent was revoked or has expired. */
  readonly isParentGone: boolean;
  readonly account: Account;
}

export interface TokenDiagnosisStore {
  /** A token of this user, active or not; null for any other. */
  ownToken(id: string, userId: string, nowMs: number): Promise<OwnToken | null>;
  /** What was revoked of a JWT and its parents; null where there is no such user. */
  ownJwt(
    claims: JwtClaims,
    parentIds: readonly string[],
    nowMs: number,
  ): Promise<{
    readonly revokedAtMs: number | null;
    readonly loginRevokedAtMs: number | null;
    /** Whether one of these was revoked, or one with a row has expired. */
    readonly isParentGone: boolean;
    readonly rotation: number | null;
    readonly rotatedAtMs: number | null;
    readonly account: Account;
  } | null>;
}

export type TokenDiagnostics = ReturnType<typeof tokenDiagnostics>;

interface Deps {
  readonly secrets: Secrets;
  readonly jwts: Jwts;
  readonly reader: JwtReader;
  /** Asks D1, whatever the revocation lag. */
  readonly store: TokenDiagnosisStore;
  readonly scopes: Scopes;
}

const NOTHING: TokenDiagnosis = {
  kind: null,
  id: null,
  status: "no_token",
  header: null,
  claims: null,
  issuedAtMs: null,
  expiresAtMs: null,
  revokedAtMs: null,
};

/** Says what token a text is, and whether it is active if it is the caller's own. Stores nothing of it. */
export function tokenDiagnostics({ secrets, jwts, reader, store, scopes }: Deps) {
  async function opaque(
    kind: TokenKind,
    text: string,
    owner: TokenHolder,
    nowMs: number,
  ): Promise<TokenDiagnosis> {
    const id = await secrets.idOf(kind, text);
    if (id === null) return { ...NOTHING, kind, status: "checksum_wrong" };
    return (await stored(owner.userId, id, nowMs)) ?? { ...NOTHING, kind, id, status: "not_yours" };
  }

  async function stored(userId: string, id: string, nowMs: number): Promise<TokenDiagnosis | null> {
    const found = await store.ownToken(id, userId, nowMs);
    if (found === null) return null;
    const { token, address, revokedAtMs } = found;
    const status = statusOf(found, nowMs);
    return {
      ...NOTHING,
      kind: token.kind,
      id,
      status,
      claims: { ...membersOf(token, scopes.granted), ...(address !== null && { address }) },
      issuedAtMs: token.createdAtMs,
      expiresAtMs: token.expiresAtMs,
      revokedAtMs: status === "used_up" ? token.modifiedAtMs : revokedAtMs,
    };
  }

  async function jwt(
    text: string,
    read: ReadJwt,
    owner: TokenHolder,
    nowMs: number,
  ): Promise<TokenDiagnosis> {
    const { header, payload } = read;
    const said: TokenDiagnosis = {
      ...NOTHING,
      kind: "jwt",
      id: textOf(payload.jti),
      status: "unknown_issuer",
      header,
      claims: payload,
      issuedAtMs: timeOf(payload.iat),
      expiresAtMs: timeOf(payload.exp),
    };
    if (!read.isOurs) return said;
    const kind: TokenDiagnosis["kind"] = KIND_BY_TYP.get(textOf(header.typ) ?? "") ?? "jwt";
    if (read.signature === "wrong") return { ...said, kind, status: "signature_wrong" };
    if (read.signature !== "right") return { ...said, kind, status: "key_unknown" };
    // As it was when it was issued: whether it has expired since is the verdict's.
    const claims = await jwts.verifyToRevoke(text, said.issuedAtMs ?? nowMs);
    if (claims === null) return said;
    if (claims.userId !== owner.userId) return { ...said, kind, status: "not_yours" };
    return { ...said, kind, ...(await ofOwnJwt(claims, nowMs)) };
  }

  async function ofOwnJwt(
    claims: JwtClaims,
    nowMs: number,
  ): Promise<Pick<TokenDiagnosis, "status" | "revokedAtMs">> {
    const parentIds = [...jwtIdsOf(claims), ...parentIdsOf(claims)].filter(
      (id) => id !== claims.jti,
    );
    const found = await store.ownJwt(claims, parentIds, nowMs);
    if (found === null) return { status: "not_yours", revokedAtMs: null };
    const { account, revokedAtMs, loginRevokedAtMs, isParentGone, rotatedAtMs } = found;
    if (account.isDisabled) return { status: "account_disabled", revokedAtMs };
    if (revokedAtMs !== null) return { status: "revoked", revokedAtMs };
    if (loginRevokedAtMs !== null)
      return { status: "login_revoked", revokedAtMs: loginRevokedAtMs };
    const rotationsSince = (found.rotation ?? 0) - (claims.rotation ?? Number.POSITIVE_INFINITY);
    if (rotationsSince > 0)
      return { status: "replaced", revokedAtMs: rotationsSince === 1 ? rotatedAtMs : null };
    if (claims.expiresAt * 1000 <= nowMs) return { status: "expired", revokedAtMs: null };
    if (claims.credentialVersion !== account.credentialVersion)
      return { status: "revoked_with_all", revokedAtMs: null };
    if (claims.apiTokenVersion !== null && claims.apiTokenVersion !== account.apiTokenVersion) {
      return { status: "revoked_with_api_tokens", revokedAtMs: null };
    }
    if (isParentGone) return { status: "login_revoked", revokedAtMs: null };
    return { status: "active", revokedAtMs: null };
  }

  return {
    /** A text that someone pasted, if it is a token of this user. */
    async ofText(owner: TokenHolder, pasted: string, nowMs: number): Promise<TokenDiagnosis> {
      const text = secrets.tokenIn(bare(pasted));
      const kind = secrets.kindOf(text);
      if (kind !== null) return opaque(kind, text, owner, nowMs);
      const read = await reader.read(text);
      return read === null ? NOTHING : jwt(text, read, owner, nowMs);
    },

    /** A session, an API or an action token of this user by its id; null for anything else. */
    ofId: stored,

    /**
     * Whose token a text is, as far as it says so itself: of a JWT the user, of an opaque token its id, which is
     * null with a typo in it. @returns null where it is no token of ours
     */
    async nameOf(pasted: string): Promise<{ userId: string | null; id: string | null } | null> {
      const text = secrets.tokenIn(bare(pasted));
      const kind = secrets.kindOf(text);
      if (kind !== null) return { userId: null, id: await secrets.idOf(kind, text) };
      const read = await reader.read(text);
      if (read?.isOurs !== true) return null;
      return { userId: read.signature === "right" ? textOf(read.payload.sub) : null, id: null };
    },
  };
}

/** Around a token that was copied out of a program, a shell or a text. */
const QUOTES = /^["'`\u2018-\u201f\u00ab\u00bb\s]+|["'`\u2018-\u201f\u00ab\u00bb\s,;]+$/g;

/** The token without the quotes and the name of the header that it was copied with. */
function bare(pasted: string): string {
  const unquoted = pasted.replaceAll(QUOTES, "");
  const rest = unquoted.replace(
    /^(?:(?:authorization|x-token|x-auth-token)["']?\s*[:=]\s*["']?)?(?:(?:bearer|jwt)\s+)?/i,
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
export function statusOf(
  { token, revokedAtMs, isParentGone, account }: OwnToken,
  nowMs: number,
): TokenStatus {
  if (account.isDisabled) return "account_disabled";
  if (revokedAtMs !== null) return "revoked";
  if (token.kind === "action" && token.uses >= token.maxUses) return "used_up";
  if (token.expiresAtMs <= nowMs) return "expired";
  if (token.credentialVersion !== account.credentialVersion) return "revoked_with_all";
  if (token.kind === "api" && token.apiTokenVersion !== account.apiTokenVersion)
    return "revoked_with_api_tokens";
  if (isParentGone) return "login_revoked";
  return token.kind === "api" && !token.isEnabled ? "disabled" : "active";
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === "string" ? value : null;

/** Unix seconds that a calendar has. */
const LAST_SECOND = 253_402_300_799;

function timeOf(value: Json | undefined): number | null {
  return typeof value === "number" && value >= 0 && value <= LAST_SECOND ? value * 1000 : null;
}
