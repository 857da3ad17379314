import * as v from "valibot";
import type { Fault } from "../core/fault.ts";
import type { IntrospectionService } from "../core/introspection.ts";
import type { JwtPairs } from "../core/jwt-pairs.ts";
import type { Json } from "../core/token.ts";
import { type HttpResult, ok } from "../http/answer.ts";
import { readFields } from "../http/body.ts";
import { shownClient } from "../http/client-credential.ts";
import { decode, refuseNarrowing } from "../http/fields.ts";
import { type RequestFault, refuseRequest } from "../http/request-fault.ts";
import type { Exchange, RefusalContext, Route, Surface } from "../http/surface.ts";

const PATH = "/api/token";

/** DRF's CharField: numbers are taken as text (`readDict` has them so), and NUL and lone surrogates are not. */
const charField = v.pipe(
  v.unknown(),
  v.check((value) => value !== null, "This field may not be null."),
  v.string("Not a valid string."),
  v.check((text) => text.trim() !== "", "This field may not be blank."),
  v.check((text) => !text.includes("\0"), "Null characters are not allowed."),
  v.check(
    (text) => text.isWellFormed(),
    ({ input }) => `Surrogate characters are not allowed: ${firstSurrogate(input)}.`,
  ),
);

/** DRF trims what it takes; passwords alone are left as they are (contract, all surfaces). */
const token = v.pipe(charField, v.trim());

export const Login = v.object({ email: charField, password: charField });
export const Refresh = v.object({ refresh: token });
export const Verify = v.object({ token });

/** Contract `jwt-pair`: the answers are those of simplejwt 5.2 on Django REST framework 3.14. */
export function jwtPair(pairs: JwtPairs, clients: Pick<IntrospectionService, "clientId">): Surface {
  return {
    name: "jwt-pair",
    owns: (path) => path === PATH || path.startsWith(`${PATH}/`),
    refuse: refusal,
    routes: [
      ...post(`${PATH}/`, async ({ request, nowMs }) => {
        const fields = withEmail(await readDict(request));
        refuseNarrowing(fields, Login.entries, words);
        const { email, password } = decode(Login, fields, words);
        return ok(await pairs.obtain(email, password, nowMs));
      }),
      ...post(`${PATH}/refresh/`, async ({ request, nowMs }) => {
        const fields = await readDict(request);
        refuseNarrowing(fields, Refresh.entries, words);
        const { refresh } = decode(Refresh, fields, words);
        return ok(await pairs.refresh(refresh, nowMs));
      }),
      ...post(`${PATH}/verify/`, async ({ request, nowMs }) => {
        const { token } = decode(Verify, await readDict(request), words);
        const client = shownClient(request);
        const clientId = client && (await clients.clientId(client.id, client.secret, nowMs));
        await pairs.verify(token, clientId, nowMs);
        return ok([]);
      }),
      ...post(`${PATH}/blacklist/`, async ({ request, nowMs }) => {
        const { refresh } = decode(Refresh, await readDict(request), words);
        await pairs.revoke(refresh, nowMs);
        return ok({});
      }),
    ],
  };
}

/** Both with and without the last slash, served and not redirected. As in the origin nobody is asked who they are. */
function post(path: string, handle: (x: Exchange) => Promise<HttpResult>): Route[] {
  return [path, path.slice(0, -1)].map((each) => ({
    method: "POST",
    path: each,
    access: "open",
    handle,
  }));
}

const words = {
  required: () => "This field is required.",
  unknown: () => "This field is not supported.",
};

type Dict = Readonly<Record<string, unknown>>;

async function readDict(request: Exchange["request"]): Promise<Dict> {
  const value = await readFields(request, { numbersAsText: true });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  const message =
    value === null
      ? "No data provided"
      : `Invalid data. Expected a dictionary, but got ${pythonType(value)}.`;
  return refuseRequest({
    code: "fields_invalid",
    problems: [{ path: "non_field_errors", message }],
  });
}

/** simplejwt's clients on npm send `username`. */
function withEmail(fields: Dict): Dict {
  return Object.hasOwn(fields, "email") || !Object.hasOwn(fields, "username")
    ? fields
    : { ...fields, email: fields.username };
}

function firstSurrogate(text: string): string {
  const [found = ""] = text.match(/\p{Cs}/u) ?? [];
  return `U+${found.charCodeAt(0).toString(16).toUpperCase()}`;
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    default:
      return Number.isInteger(value) ? "int" : "float";
  }
}

const CHALLENGE = { "www-authenticate": 'Bearer realm="api"' };

function refusal(fault: Fault | RequestFault, { request }: RefusalContext): HttpResult {
  const detail = (status: number, text: string, more: Record<string, Json> = {}): HttpResult => ({
    status,
    body: { detail: text, ...more },
    ...(status === 401 && { headers: CHALLENGE }),
  });
  switch (fault.code) {
    case "fields_invalid":
      return {
        status: 400,
        body: Object.fromEntries(fault.problems.map(({ path, message }) => [path, [message]])),
      };
    case "body_malformed":
      return detail(
        400,
        `${fault.expected.includes("JSON") ? "JSON" : "Multipart form"} parse error - the body is not ${fault.expected}`,
      );
    case "sent_across_sites":
      return detail(403, "Sent by a page of another site.");
    case "encoding_unsupported":
      return {
        ...detail(415, "Unsupported content encoding in request."),
        headers: { "accept-encoding": "identity" },
      };
    case "media_type_unsupported":
      return detail(415, `Unsupported media type "${fault.mediaType}" in request.`);
    case "credentials_wrong":
      return detail(401, "No active account found with the given credentials");
    case "token_invalid":
      return detail(401, "Token is invalid or expired", { code: "token_not_valid" });
    case "token_wrong_type":
      return detail(401, "Token has wrong type", { code: "token_not_valid" });
    case "path_not_found":
      return detail(404, "Not found.");
    case "method_not_allowed":
      return {
        ...detail(405, `Method "${request.method}" not allowed.`),
        headers: { allow: fault.allow.join(", ") },
      };
    case "body_late":
      return detail(408, "The request body did not arrive in time.");
    case "client_closed":
      return detail(499, "Client closed the connection.");
    case "body_too_large":
      return detail(413, "Request body is too large.");
    case "throttled": {
      const seconds = fault.retryAfterSeconds;
      const wait = `Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`;
      return {
        ...detail(429, `Request was throttled. ${wait}`),
        headers: { "retry-after": String(seconds) },
      };
    }
    case "unavailable":
      return {
        ...detail(503, "Service temporarily unavailable, try again later."),
        headers: { "retry-after": String(fault.retryAfterSeconds) },
      };
    case "internal":
    // No route of this surface meets these.
    case "caller_missing":
    case "caller_refused":
    case "credentials_doubled":
    case "credentials_missing":
    case "sign_up_closed":
    case "user_exists":
    case "identity_conflict":
    case "password_common":
    case "password_pwned":
    case "current_password_missing":
    case "last_way_in":
    case "not_found":
    case "token_not_found":
    case "scope_exceeded":
    case "derivation_refused":
    case "scope_insufficient":
    case "action_unknown":
    case "payload_invalid":
    case "reference_unknown":
    case "action_refused":
    case "idempotency_mismatch":
      return detail(500, "Internal server error.");
  }
}
