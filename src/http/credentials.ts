import type { HonoRequest } from "hono";
import * as v from "valibot";
import type { Credential } from "../core/caller.ts";
import { FaultError, refuse } from "../core/fault.ts";
import type { Issuer } from "../core/issuers.ts";
import { lowerUuid } from "./fields.ts";
import { queryValues } from "./query.ts";
import { refuseRequest } from "./request-fault.ts";

/** One row a place where a credential may stand. */
interface Place {
  readonly header: string;
  /** The scheme in `Authorization`; other headers hold the bare credential. */
  readonly scheme?: "basic" | "bearer";
  /** The query parameter that may stand in for the header, where the deployment allows it. */
  readonly query?: string;
  readonly read: (value: string) => Credential;
}

/** A code of the account's second factor, beside a credential that does not open such an account alone. */
export const OTP_HEADER = "X-OTP";

const bearer = (token: string): Credential => ({ method: "bearer", token });

const PLACES: readonly Place[] = [
  { header: "Authorization", scheme: "basic", read: readBasic },
  { header: "Authorization", scheme: "bearer", query: "bearer", read: bearer },
  { header: "X-Auth-Token", query: "jwt", read: bearer },
  {
    header: "X-Auth-HA1B-Token",
    query: "ha1b",
    read: (token) => ({ method: "ha1b", token, otp: null }),
  },
  { header: "X-Token", read: (token) => ({ method: "session", token }) },
];

/**
 * What the API document says of each header beside `Authorization: Bearer`. A bundler drops it: only the generator of
 * the document imports it.
 */
export const CREDENTIAL_HEADERS_DOC = {
  session: [
    "X-Token",
    "A session token, except on the session tokens' own routes, where it is what the request is about.",
  ],
  authToken: [
    "X-Auth-Token",
    "The same as a bearer token. In the query as `jwt`, if the deployment allows it.",
  ],
  google: [
    "X-Auth-Google-Token",
    "A Google ID token, if configured. In the query as `google_token`, if the deployment allows it.",
  ],
  facebook: [
    "X-Auth-Facebook-Token",
    "An ID token of Facebook's Limited Login, if configured. In the query as `facebook_token`, if the deployment allows it.",
  ],
  openid: [
    "X-Auth-Apple-Token",
    "An ID token of another issuer that the deployment names. The header contains the issuer's name, here `apple`.",
  ],
  ha1b: [
    "X-Auth-HA1B-Token",
    "`md5(email:domain of the email:password)` in hex, if configured. In the query as `ha1b`, if the deployment allows it.",
  ],
  otp: [
    OTP_HEADER,
    "A code of the account's second factor, beside Basic, an ID token or HA1B. It authenticates nobody by itself.",
  ],
} as const;

/** The row of an issuer's ID tokens. */
const idTokenPlace = ({ name, header, query }: Issuer): Place => ({
  header,
  query,
  read: (token) => ({ method: "identity", issuer: name, token, otp: null }),
});

const placesFor = (issuers: readonly Issuer[]) => [...PLACES, ...issuers.map(idTokenPlace)];

/** Every header that may hold a credential. */
export const credentialHeaders = (issuers: readonly Issuer[]): readonly string[] => [
  ...new Set(placesFor(issuers).map(({ header }) => header)),
];

export interface CredentialRules {
  readonly issuers: readonly Issuer[];
  readonly inQuery: boolean;
  /** The words that a JWT or an API token may follow in `Authorization`, in any case. */
  readonly headerTypes: readonly string[];
  /** Headers that mean something else on this surface. */
  readonly except: readonly string[];
}

/**
 * What the request shows of who sends it, or null for nothing.
 * @throws RequestFaultError `credentials_doubled`
 */
export function findCredential(
  request: HonoRequest,
  { issuers, inQuery, headerTypes, except }: CredentialRules,
): Credential | null {
  const word = authorizationScheme(request);
  const isBearer = headerTypes.some((type) => type.toLowerCase() === word);
  const scheme = isBearer ? "bearer" : word === "basic" ? word : null;
  const found: Credential[] = [];
  for (const place of placesFor(issuers)) {
    if (except.includes(place.header)) continue;
    const presented = inHeader(request, place, scheme);
    if (presented !== null) found.push(presented);
    // guard: no-credential-in-the-query
    if (inQuery && place.query !== undefined) {
      found.push(...queryValues(request, place.query).filter(Boolean).map(place.read));
    }
  }
  if (word !== null && scheme === null) {
    // `Bearer: …`, say, is still no password.
    found.push(/^(?:bearer|jwt)/.test(word) ? bearer("") : { method: "malformed" });
  }
  // guard: one-credential
  if (found.length > 1) refuseRequest({ code: "credentials_doubled" });
  const [credential = null] = found;
  // Empty is none: clients send `code ?? ""`.
  return credential !== null && "otp" in credential
    ? { ...credential, otp: request.header(OTP_HEADER) || null }
    : credential;
}

function inHeader(
  request: HonoRequest,
  { header, scheme, read }: Place,
  sentScheme: string | null,
): Credential | null {
  if (scheme !== undefined && scheme !== sentScheme) return null;
  const value = request.header(header);
  // Empty is none: clients send `token ?? ""`.
  if (!value) return null;
  // No credential holds a comma: this is one header sent twice.
  if (value.includes(",")) refuseRequest({ code: "credentials_doubled" });
  return read(scheme === undefined ? value : value.replace(/^\S*/, "").trim());
}

function authorizationScheme(request: HonoRequest): string | null {
  const value = request.header("authorization");
  return value ? (value.split(/[ \t]/, 1)[0] ?? "").toLowerCase() : null;
}

/** RFC 7617 in UTF-8: split at the first colon, spaces kept, never percent-decoded. */
export function readBasic(encoded: string): Credential {
  try {
    const bytes = Uint8Array.fromBase64(encoded);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const colon = text.indexOf(":");
    if (colon === -1) return { method: "malformed" };
    return {
      method: "password",
      email: text.slice(0, colon),
      password: text.slice(colon + 1),
      otp: null,
    };
  } catch {
    return { method: "malformed" };
  }
}

/** How an OAuth client says who it is: an API token's uuid and secret, or its secret as a bearer. */
export interface ClientCredential {
  readonly id: string | null;
  readonly secret: string;
}

/** Longer than any uuid and secret, however they are encoded. */
const MAX_HEADER = 1_024;

/** A body that says who sends it, well or badly. */
const Claimed = v.object({ client_secret: v.unknown() });
const InBody = v.object({ client_id: v.optional(v.string()), client_secret: v.string() });

/**
 * `client_secret_basic`, `client_secret_post` (RFC 6749 section 2.3.1) or a bearer token; null for none.
 * @throws RequestFaultError `credentials_doubled`
 * @throws FaultError `token_invalid` for what is not of its form
 */
export function findClient(request: HonoRequest, body: unknown): ClientCredential | null {
  // An empty header is none.
  const header = request.header("authorization");
  const claimed = v.is(Claimed, body);
  if (header && claimed) refuseRequest({ code: "credentials_doubled" });
  if (header) return clientInHeader(header);
  return claimed ? clientInBody(body) : null;
}

/** The same where nobody has to say who they are, from the header alone; null also for what is not of its form. */
export function optionalClient(request: HonoRequest): ClientCredential | null {
  try {
    return findClient(request, null);
  } catch (error) {
    if (error instanceof FaultError) return null;
    throw error;
  }
}

function clientInBody(body: unknown): ClientCredential {
  const found = v.safeParse(InBody, body);
  if (!found.success) return refuse({ code: "token_invalid" });
  return { id: idOf(found.output.client_id ?? ""), secret: found.output.client_secret };
}

function clientInHeader(header: string): ClientCredential {
  if (header.length > MAX_HEADER) return refuse({ code: "token_invalid" });
  // Nothing may follow: whoever reads only the first part and who reads it all would differ.
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === "bearer") return { id: null, secret: value };
  const credential = scheme.toLowerCase() === "basic" ? readBasic(value) : null;
  if (credential?.method !== "password") return refuse({ code: "token_invalid" });
  return { id: lowerUuid(formDecode(credential.email)), secret: formDecode(credential.password) };
}

const idOf = (sent: string) => (sent === "" ? null : lowerUuid(sent));

/** On these paths, and only here, clients form-encode both halves: they send `-` as `%2D`. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return refuse({ code: "token_invalid" });
  }
}
