import type { HonoRequest } from "hono";
import type { Credential } from "../core/authenticate.ts";
import type { Issuer } from "../core/issuers.ts";
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

const bearer = (token: string): Credential => ({ method: "bearer", token });

const PLACES: readonly Place[] = [
  { header: "authorization", scheme: "basic", read: readBasic },
  { header: "authorization", scheme: "bearer", query: "bearer", read: bearer },
  { header: "x-auth-token", query: "jwt", read: bearer },
  { header: "x-auth-ha1b-token", query: "ha1b", read: (token) => ({ method: "ha1b", token }) },
  { header: "x-token", read: (token) => ({ method: "session", token }) },
];

/** The row of an issuer's ID tokens. */
const idTokenPlace = ({ name, header, query }: Issuer): Place => ({
  header,
  query,
  read: (token) => ({ method: "identity", issuer: name, token }),
});

export interface CredentialRules {
  readonly issuers: readonly Issuer[];
  readonly inQuery: boolean;
  /** Headers that mean something else on this surface. */
  readonly except: readonly string[];
}

/**
 * What the request shows of who sends it, or null for nothing.
 * @throws RequestFaultError `credentials_doubled`
 */
export function findCredential(
  request: HonoRequest,
  { issuers, inQuery, except }: CredentialRules,
): Credential | null {
  const scheme = authorizationScheme(request);
  const found: Credential[] = [];
  for (const place of [...PLACES, ...issuers.map(idTokenPlace)]) {
    if (except.includes(place.header)) continue;
    const shown = inHeader(request, place, scheme);
    if (shown !== null) found.push(shown);
    // guard: no-credential-in-the-query
    if (inQuery && place.query !== undefined) {
      found.push(...queryValues(request, place.query).filter(Boolean).map(place.read));
    }
  }
  if (scheme !== null && scheme !== "basic" && scheme !== "bearer") {
    // `Bearer: …`, say, is still no password.
    found.push(scheme.startsWith("bearer") ? bearer("") : { method: "malformed" });
  }
  // guard: one-credential
  if (found.length > 1) refuseRequest({ code: "credentials_doubled" });
  return found[0] ?? null;
}

function inHeader(
  request: HonoRequest,
  { header, scheme, read }: Place,
  shownScheme: string | null,
): Credential | null {
  if (scheme !== undefined && scheme !== shownScheme) return null;
  const value = request.header(header);
  // Empty is none: clients send `token ?? ""`.
  if (!value) return null;
  // No credential holds a comma: this is one header sent twice.
  if (value.includes(",")) refuseRequest({ code: "credentials_doubled" });
  return read(scheme === undefined ? value : value.slice(scheme.length).trim());
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
    };
  } catch {
    return { method: "malformed" };
  }
}
