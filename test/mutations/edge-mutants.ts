import type { Mutant, Suite } from "./mutant.ts";

const EDGES: Suite = { file: "test/promises/edges.test.ts" };
const JWT: Suite = { file: "test/crypto/jwt.test.ts" };
const JWS: Suite = { file: "test/crypto/jws.test.ts" };
const SECRETS: Suite = { file: "test/crypto/secrets.test.ts" };
const VERIFIED: Suite = { file: "test/crypto/verified-jwts.test.ts" };
const BODY: Suite = { file: "test/http/body.test.ts" };
const CREDENTIAL_PLACES: Suite = { file: "credentials.test.ts" };

/** What comes in: JWTs, secrets, credentials, bodies. */
export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    name: "issuer and audience not checked",
    file: "src/crypto/jwt.ts",
    find: "claims.iss !== issuer || claims.aud !== issuer",
    replace: "false",
    suites: [JWT],
  },
  {
    name: "expiry of a JWT not checked",
    file: "src/crypto/jwt.ts",
    find: "claims.expiresAt * 1000 <= nowMs || ",
    replace: "",
    suites: [JWT],
  },
  {
    name: "a JWT that was verified once is taken for ever",
    file: "src/crypto/jwt.ts",
    find: "return isCurrent(known, nowMs) ? known.claims : null;",
    replace: "return known.claims;",
    suites: [VERIFIED],
  },
  {
    name: "verified JWTs are kept without a bound",
    file: "src/crypto/verified-jwts.ts",
    find: "if (known.size <= maxEntries && characters <= maxCharacters) break;",
    replace: "break;",
    suites: [VERIFIED],
  },
  {
    name: "a JWT may be written in many ways",
    file: "src/crypto/jws.ts",
    find: "jws.length > MAX_LENGTH || !isStrictCompact(jws)",
    replace: "jws.length > MAX_LENGTH",
    suites: [JWT],
  },
  {
    name: "stray bits after a part's last byte are not looked at",
    file: "src/crypto/jws.ts",
    find: "[AEIMQUYcgkosw048]",
    replace: String.raw`[\w-]`,
    suites: [JWS],
  },
  {
    name: "a JWT of any length is looked at",
    file: "src/crypto/jws.ts",
    find: "jws.length > MAX_LENGTH || !isStrictCompact(jws)",
    replace: "!isStrictCompact(jws)",
    suites: [EDGES],
  },
  {
    name: "typ and token_type may differ",
    file: "src/crypto/jwt.ts",
    find: "claims.token_type !== type || claims.sub",
    replace: "claims.sub",
    suites: [JWT],
  },
  {
    name: "sub and user_id may differ",
    file: "src/crypto/jwt.ts",
    find: " || claims.sub !== claims.user_id) return null;",
    replace: ") return null;",
    suites: [JWT],
  },
  {
    name: "a JWT of tomorrow is taken",
    file: "src/crypto/jwt.ts",
    find: "return claims.issuedAt <= nowMs / 1000 + CLOCK_SKEW;",
    replace: "return true;",
    suites: [JWT],
  },
  {
    name: "any header is taken",
    file: "src/crypto/jwt.ts",
    find: "const Header = v.strictObject({",
    replace: "const Header = v.looseObject({",
    suites: [JWT],
  },
  {
    name: "checksum not checked",
    file: "src/crypto/secrets.ts",
    find: "return checksum(secret.slice(0, -CHECK_LENGTH)) === secret.slice(-CHECK_LENGTH);",
    replace: 'return checksum(secret.slice(0, -CHECK_LENGTH)) !== "";',
    suites: [SECRETS],
  },
  {
    name: "kind of a secret not checked",
    file: "src/crypto/secrets.ts",
    find: "if (!secret.startsWith(prefix) || !BODY",
    replace: "if (!BODY",
    suites: [SECRETS],
  },
  {
    name: "some characters are likelier",
    file: "src/crypto/secrets.ts",
    find: "if (byte < FAIR && text.length < length)",
    replace: "if (text.length < length)",
    suites: [SECRETS],
  },
  {
    name: "an id is no UUIDv8",
    file: "src/crypto/secrets.ts",
    find: "(view.getUint8(6) & 0x0f) | 0x80",
    replace: "(view.getUint8(6) & 0x0f) | 0x40",
    suites: [SECRETS],
  },
  {
    name: "a body of any size is read",
    file: "src/http/body.ts",
    find: '    if (size > maxBytes) refuseRequest({ code: "body_too_large" });\n',
    replace: "",
    suites: [EDGES],
  },
  {
    name: "a form of any number of fields is read",
    file: "src/http/body.ts",
    find: "    if (fields.length === MAX_FIELDS) tooMany();\n",
    replace: "",
    suites: [BODY],
  },
  {
    name: "the body limit is one byte lower",
    file: "src/http/body.ts",
    find: "size > maxBytes",
    replace: "size >= maxBytes",
    suites: [BODY],
  },
  {
    name: "UTF-8 that is none is mended",
    file: "src/http/body.ts",
    find: "fatal: true",
    replace: "fatal: false",
    suites: [EDGES],
  },
  {
    name: "of two credentials the first counts",
    file: "src/http/credentials.ts",
    find: '  if (found.length > 1) refuseRequest({ code: "credentials_doubled" });\n',
    replace: "",
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "a header that was sent twice counts as one",
    file: "src/http/credentials.ts",
    find: '  if (value.includes(",")) refuseRequest({ code: "credentials_doubled" });\n',
    replace: "",
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "an unknown scheme is nobody",
    file: "src/http/credentials.ts",
    find: 'found.push(scheme.startsWith("bearer") ? bearer("") : { method: "malformed" });',
    replace: 'if (scheme.startsWith("bearer")) found.push(bearer(""));',
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "credentials in the query are always taken",
    file: "src/http/credentials.ts",
    find: "inQuery && place.query !== undefined",
    replace: "place.query !== undefined",
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "a password ends at its second colon",
    file: "src/http/credentials.ts",
    find: "password: text.slice(colon + 1)",
    replace: 'password: text.split(":")[1] ?? ""',
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "a route for a caller takes anybody",
    file: "src/http/mount.ts",
    find: 'if (route.access === "anyone") return route.handle(exchange, caller);',
    replace:
      'if (route.access === "anyone" || caller === null) return Reflect.apply(route.handle, null, [exchange, caller]);',
    suites: [CREDENTIAL_PLACES],
  },
  {
    name: "a bad credential is nobody",
    file: "src/http/mount.ts",
    find: 'if (fault?.code === "token_invalid") refuseCaller("token", fault.named);',
    replace: 'if (fault?.code === "token_invalid") return null;',
    suites: [CREDENTIAL_PLACES],
  },
];
