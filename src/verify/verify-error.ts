const STATUSES = {
  /** Nothing was sent, or not as `Authorization: Bearer`. */
  token_missing: 401,
  /** For everything that is not active, or not for this API; never why. */
  token_invalid: 401,
  scope_insufficient: 403,
  /** Keys, a status list or introspection could not be had: neither yes nor no. */
  unavailable: 503,
} as const;

export type VerifyErrorCode = keyof typeof STATUSES;

/** Why a token opens nothing. */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
  readonly code: VerifyErrorCode;
  /** Those that were asked for. */
  readonly scopes: readonly string[];

  constructor(
    code: VerifyErrorCode,
    { scopes = [], cause }: { scopes?: readonly string[]; cause?: unknown } = {},
  ) {
    super(code, { cause });
    this.code = code;
    this.scopes = scopes;
  }

  get status(): number {
    return STATUSES[this.code];
  }

  /** `WWW-Authenticate` as of RFC 6750 section 3, or `Retry-After`. */
  get headers(): Readonly<Record<string, string>> {
    if (this.code === "unavailable") return { "retry-after": "5" };
    const scopes = `error="insufficient_scope", scope="${this.scopes.join(" ")}"`;
    const error = {
      token_missing: "",
      token_invalid: 'error="invalid_token"',
      scope_insufficient: scopes,
    };
    return { "www-authenticate": `Bearer ${error[this.code]}`.trim() };
  }
}
