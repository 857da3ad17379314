/** Our registration at an issuer, for log-ins by redirect. */
export interface IssuerClient {
  readonly id: string;
  /** Null for a public client, which PKCE alone protects. */
  readonly secret: string | null;
}

/** An OpenID issuer whose ID tokens log people in: one row each. */
export interface Issuer {
  readonly name: string;
  /** Where a request sends its ID token: a header or, where the deployment allows it, the query. */
  readonly header: string;
  readonly query: string;
  /** Every spelling of its `iss`. The first is stored with the accounts that it opens. */
  readonly spellings: readonly [string, ...string[]];
  /** The URL of its JWK set. */
  readonly jwks: string;
  /** Our client ids there. None: it is not configured, and opens nothing. */
  readonly audience: readonly string[];
  /** None: nobody logs in there by redirect. */
  readonly client?: IssuerClient;
  /** What buttons call it, if not by its name. */
  readonly label?: string;
  /** The domains whose emails it may call verified; none: all. */
  readonly domains?: readonly string[];
  /** Also the domain in its claim `hd`, whose mail it hosts. */
  readonly isHost?: true;
}

/** A person as an OpenID issuer knows them. */
export interface Identity {
  readonly issuer: string;
  /** Who they are there, for good: an email can pass to someone else. */
  readonly subject: string;
  /** In the form in which emails are compared; null where the issuer names none that could be an account's. */
  readonly email: string | null;
  /** By an issuer that has authority over it, and equal before any normalization. */
  readonly emailVerified: boolean;
  readonly issuedAtMs: number;
  /** When they logged in there, which may be long before: its `auth_time`, or else `iat`. */
  readonly authTimeMs: number;
}

/** An identity, as it is stored. */
export type IdentityRef = Pick<Identity, "issuer" | "subject">;

export interface IdTokens {
  /**
   * @param issuer the name of its row
   * @returns null for anything but an unexpired ID token of that issuer for this service
   * @throws FaultError `unavailable` where the issuer's keys cannot be fetched
   */
  verify(issuer: string, token: string, nowMs: number): Promise<Identity | null>;
}

/**
 * Whether an issuer has authority over an email. A private account there can have any email that its
 * owner could once read; today the mailbox may belong to someone else.
 */
export function speaksFor({ domains, isHost }: Issuer, domain: string, hd: unknown): boolean {
  if (domains === undefined || domains.includes(domain)) return true;
  return isHost === true && typeof hd === "string" && hd.toLowerCase() === domain;
}

/** https://developers.google.com/identity/gsi/web/guides/verify-google-id-token */
export const GOOGLE = {
  name: "google",
  label: "Google",
  header: "x-auth-google-token",
  query: "google_token",
  spellings: ["https://accounts.google.com", "accounts.google.com"],
  jwks: "https://www.googleapis.com/oauth2/v3/certs",
  // https://developers.google.com/identity/gsi/web/guides/verify-google-id-token: "Google is authoritative"
  domains: ["gmail.com", "googlemail.com"],
  isHost: true,
} as const;

/** https://developers.facebook.com/documentation/facebook-login/ios/limited-login/token */
export const FACEBOOK = {
  name: "facebook",
  label: "Facebook",
  header: "x-auth-facebook-token",
  query: "facebook_token",
  spellings: ["https://www.facebook.com", "https://limited.facebook.com"],
  jwks: "https://limited.facebook.com/.well-known/oauth/openid/jwks/",
  // It hosts no mail, and calls no email verified.
  domains: [],
} as const;
