import * as v from "valibot";
import type { IntrospectionService } from "../core/introspection.ts";
import type { JwtPairs } from "../core/jwt-pairs.ts";
import { readFields } from "../http/body.ts";
import { optionalClient } from "../http/credentials.ts";
import { decode, JSON_OR_FORM, refuseNarrowing } from "../http/fields.ts";
import { OTP_CODE, refusals } from "../http/refusals.ts";
import { refuseRequest } from "../http/request-fault.ts";
import {
  defineRoutes,
  type HttpResult,
  ok,
  type RequestContext,
  type Surface,
} from "../http/surface.ts";

const PATH = "/api/token";

/** DRF's CharField: it takes numbers as text (`readDict` reads them so), and refuses NUL and lone surrogates. */
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

/** DRF trims its fields. Passwords are never trimmed, on any surface. */
const token = v.pipe(charField, v.trim());

const Login = v.object({
  email: charField,
  password: charField,
  otp: v.nullish(v.string("Not a valid string."), null),
});
export const Refresh = v.object({ refresh: token });
export const Verify = v.object({ token });

/** Contract `jwt-pair`: the answers are those of simplejwt 5.2 on Django REST framework 3.14. */
export const jwtPair = (pairs: JwtPairs, clients: Clients): Surface => ({
  name: "jwt-pair",
  owns: (path) => path === PATH || path.startsWith(`${PATH}/`),
  refuse,
  routes: jwtPairRoutes(pairs, clients),
});

type Clients = Pick<IntrospectionService, "clientId">;

export const jwtPairRoutes = (pairs: JwtPairs, clients: Clients) =>
  defineRoutes([
    ...post(PATH, Login, async ({ request, nowMs }) => {
      const fields = withEmail(await readDict(request));
      refuseNarrowing(fields, Login, messages);
      const { email, password, otp } = decode(Login, fields, messages);
      return ok(await pairs.obtain(email, password, otp || null, nowMs));
    }),
    ...post(`${PATH}/refresh`, Refresh, async ({ request, nowMs }) => {
      const fields = await readDict(request);
      refuseNarrowing(fields, Refresh, messages);
      const { refresh } = decode(Refresh, fields, messages);
      return ok(await pairs.refresh(refresh, nowMs));
    }),
    ...post(`${PATH}/verify`, Verify, async ({ request, nowMs }) => {
      const { token } = decode(Verify, await readDict(request), messages);
      const client = optionalClient(request);
      const clientId = client && (await clients.clientId(client.id, client.secret, nowMs));
      await pairs.verify(token, clientId, nowMs);
      return ok([]);
    }),
    ...post(`${PATH}/blacklist`, Refresh, async ({ request, nowMs }) => {
      const { refresh } = decode(Refresh, await readDict(request), messages);
      await pairs.revoke(refresh, nowMs);
      return ok({});
    }),
  ]);

/** With and without the last slash; neither redirects. As in the original API, no route authenticates a caller. */
function post<const P extends string>(
  path: P,
  schema: v.GenericSchema,
  handle: (context: RequestContext) => Promise<HttpResult>,
) {
  const row = {
    method: "POST",
    access: "open",
    body: { schema, media: JSON_OR_FORM },
    handle,
  } as const;
  return [
    { ...row, path: `${path}/` as const },
    { ...row, path },
  ] as const;
}

const messages = {
  required: () => "This field is required.",
  unknown: () => "This field is not supported.",
};

type Dict = Readonly<Record<string, unknown>>;

async function readDict(request: RequestContext["request"]): Promise<Dict> {
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

/** The clients of simplejwt on npm send `username`. */
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

const refuse = refusals({
  challenge: () => 'Bearer realm="api"',
  toBody: (detail) => ({ detail }),
  texts: {
    fields_invalid: ({ problems }) =>
      Object.fromEntries(problems.map(({ path, message }) => [path, [message]])),
    body_malformed: ({ expected }) =>
      `${expected.includes("JSON") ? "JSON" : "Multipart form"} parse error - the body is not ${expected}`,
    sent_across_sites: "Sent by a page of another site.",
    encoding_unsupported: "Unsupported content encoding in request.",
    media_type_unsupported: ({ mediaType }) => `Unsupported media type "${mediaType}" in request.`,
    credentials_wrong: "No active account found with the given credentials",
    otp_required: { detail: "A code of the second factor is required, as otp", ...OTP_CODE },
    token_invalid: { detail: "Token is invalid or expired", code: "token_not_valid" },
    token_wrong_type: { detail: "Token has wrong type", code: "token_not_valid" },
    path_not_found: "Not found.",
    method_not_allowed: ({ method }) => `Method "${method}" not allowed.`,
    body_late: "The request body did not arrive in time.",
    client_closed: "Client closed the connection.",
    body_too_large: "Request body is too large.",
    throttled: ({ retryAfterSeconds: seconds }) =>
      `Request was throttled. Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`,
    unavailable: "Service temporarily unavailable, try again later.",
    internal: "Internal server error.",
  },
});
