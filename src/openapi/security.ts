import type { JsonObject, Operation, SurfaceDocument } from "./operation.ts";

const inHeader = (name: string, description: string): JsonObject => ({
  type: "apiKey",
  in: "header",
  name,
  description,
});

/** Every way to say who one is; `http/credentials.ts` has the rows that read them. */
export const SECURITY_SCHEMES = {
  basic: {
    type: "http",
    scheme: "basic",
    description: "E-mail and password, in UTF-8.",
  },
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "An access JWT, the JWT of `GET /rest/auth`, or an API token. In the query as `bearer` where the deployment allows it.",
  },
  authToken: inHeader(
    "X-Auth-Token",
    "The same as a bearer token. In the query as `jwt` where the deployment allows it.",
  ),
  session: inHeader("X-Token", "A session token."),
  google: inHeader(
    "X-Auth-Google-Token",
    "A Google ID token, where configured. In the query as `google_token` where the deployment allows it.",
  ),
  facebook: inHeader(
    "X-Auth-Facebook-Token",
    "An ID token of Facebook's Limited Login, where configured. In the query as `facebook_token` where the deployment allows it.",
  ),
  openid: inHeader(
    "X-Auth-Apple-Token",
    "An ID token of another issuer that the deployment names; the header has the name that it gives, here `apple`.",
  ),
  ha1b: inHeader(
    "X-Auth-HA1B-Token",
    "`md5(e-mail:domain of the e-mail:password)` in hex, where configured. In the query as `ha1b` where the deployment allows it.",
  ),
  client: {
    type: "http",
    scheme: "basic",
    description:
      "An OAuth client: the `uuid` of an API token and its secret, each form-encoded. Or as `client_id` and `client_secret` in the body.",
  },
} as const satisfies Readonly<Record<string, JsonObject>>;

const CALLERS = ["bearer", "authToken", "basic", "session", "google", "facebook", "openid", "ha1b"];

/** One of these; an empty one is nobody. */
export function securityOf(
  { ownSchemes = [] }: SurfaceDocument,
  { security, access, scope }: Operation,
): readonly JsonObject[] {
  if (security !== undefined) return security;
  if (access === "open") return [];
  const roles = scope === undefined ? [] : [scope];
  const callers = CALLERS.filter((name) => !ownSchemes.includes(name)).map((name) => ({
    [name]: roles,
  }));
  return access === "caller" ? callers : [{}, ...callers];
}
