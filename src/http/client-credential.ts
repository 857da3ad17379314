import type { HonoRequest } from "hono";
import * as v from "valibot";
import { FaultError, refuse } from "../core/fault.ts";
import { readBasic } from "./credentials.ts";
import { lowerUuid } from "./fields.ts";
import { refuseRequest } from "./request-fault.ts";

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
  if (header) return inHeader(header);
  return claimed ? inBody(body) : null;
}

/** The same where nobody has to say who they are, from the header alone; null also for what is not of its form. */
export function shownClient(request: HonoRequest): ClientCredential | null {
  try {
    return findClient(request, null);
  } catch (error) {
    if (error instanceof FaultError) return null;
    throw error;
  }
}

function inBody(body: unknown): ClientCredential {
  const found = v.safeParse(InBody, body);
  if (!found.success) return refuse({ code: "token_invalid" });
  return { id: idOf(found.output.client_id ?? ""), secret: found.output.client_secret };
}

function inHeader(header: string): ClientCredential {
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
