import type { Route } from "../../src/http/surface.ts";
import { SENTINEL } from "./flaws.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** A user who exists, so that only one thing is wrong at a time. */
interface Known {
  readonly email: string;
}

/**
 * Bodies that are refused, if at all, only for what they mean: each field has the right shape. A
 * password is always wrong, so that no probe ends the account that asks.
 */
function samples({ email }: Known): Readonly<Record<string, Fields>> {
  const password = `${SENTINEL} not theirs`;
  return {
    "POST /api/token": { email, password },
    "POST /api/token/refresh": { refresh: SENTINEL },
    "POST /api/token/verify": { token: SENTINEL },
    "POST /api/token/blacklist": { refresh: SENTINEL },
    "POST /api/generate-action-token": {
      action: "addContact",
      payload: { contact_id: "00000000-0000-4000-8000-000000000000" },
      ttl: 60,
      max_uses: 1,
      audience: "00000000-0000-4000-8000-000000000000",
    },
    "POST /api/run-action-token": { token: SENTINEL, input: { password } },
    "POST /tokens": { email_id: email, password },
    "PUT /tokens": { token: SENTINEL, extend: true },
    "POST /rest/user": {
      email,
      password,
      first_name: "A",
      last_name: "B",
      phone_number: "+15551234567",
      dob: "2000-02-29",
      gender: "x",
    },
    "POST /rest/user/password_reset": { email },
    "POST /rest/login/email": { email },
    "POST /rest/login/email/verify": { challenge: SENTINEL, code: "123456", issue: "jwt" },
    "POST /rest/user/verify_email": {},
    "PATCH /rest/user": {
      first_name: "A",
      dob: "2000-02-29",
      password,
      current_password: password,
    },
    "DELETE /rest/user": { password },
    "POST /rest/token": { name: "hostile", ttl: 60, scopes: ["tokens:read"] },
    "PATCH /rest/token/:token": { name: "hostile", ttl: 60 },
    "PATCH /token/:token": { name: "hostile", ttl: 60 },
    "POST /rest/token/:token/rotate": { grace_seconds: 60 },
    "POST /oauth/introspect": {
      token: SENTINEL,
      token_type_hint: "access_token",
      client_id: "00000000-0000-8000-8000-000000000000",
      client_secret: SENTINEL,
    },
    "POST /oauth/token": {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: SENTINEL,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      scope: "account:read",
      expires_in: 60,
    },
    "POST /oauth/revoke": { token: SENTINEL, token_type_hint: "refresh_token" },
    "POST /rest/admin/find": { query: email },
    "PATCH /rest/admin/users/:id": { disabled: true },
    "POST /rest/admin/users/:id/password_reset": {},
    "POST /rest/admin/dead_letters/replay": { event_uuids: [] },
    // They look at no body.
    "DELETE /rest/admin/users/:id": {},
    "DELETE /rest/admin/users/:id/credentials": {},
    "DELETE /rest/admin/users/:id/second_factor": {},
    "DELETE /rest/admin/users/:id/logins/:login": {},
    "DELETE /rest/admin/users/:id/tokens/:token": {},
    "DELETE /rest/admin/throttles/:id": {},
    "DELETE /tokens": {},
    "DELETE /rest/token/all": {},
    "DELETE /rest/token/:token": {},
    "DELETE /api/action-tokens/:id": {},
    "DELETE /rest/user/logins": {},
    "DELETE /rest/user/logins/:id": {},
  };
}

/** The sample of this route; one that nobody has thought of gets all fields that any other takes. */
export function sampleFor({ method, path }: Route, known: Known): Fields {
  const table = samples(known);
  return (
    table[`${method} ${path.replace(/\/$/, "")}`] ?? Object.assign({}, ...Object.values(table))
  );
}

const LONG = `${SENTINEL}${"x".repeat(30_000)}`;

/** JSON texts that take the place of each field in turn. */
export const VALUES: Readonly<Record<string, string>> = {
  null: "null",
  true: "true",
  false: "false",
  zero: "0",
  "a negative number": "-1",
  "a fraction": "1.5",
  "an infinite number": "1e999",
  "an unsafe number": "9007199254740993",
  "an empty string": '""',
  "white space": '" \\t\\n"',
  "an empty array": "[]",
  "an array": `["${SENTINEL}"]`,
  "an empty object": "{}",
  "an object": `{"${SENTINEL}":"${SENTINEL}"}`,
  __proto__: '"__proto__"',
  constructor: '"constructor"',
  toString: '"toString"',
  "NUL in text": `"${SENTINEL}\\u0000@example.com"`,
  "a high surrogate alone": `"${SENTINEL}\\ud800@example.com"`,
  "a low surrogate alone": `"\\udc00${SENTINEL}@example.com"`,
  SQL: `"' OR 1=1; DROP TABLE users; -- ${SENTINEL}"`,
  "30,000 characters": JSON.stringify(LONG),
  "text that grows elevenfold in NFKC": JSON.stringify("\ufdfa".repeat(10_000)),
  "10,000 arrays deep": nested(10_000),
  "10,000 arrays deep in a string": JSON.stringify(nested(10_000)),
  "10,000 objects deep": nestedObject(10_000),
};

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function nestedObject(depth: number): string {
  return `${'{"":'.repeat(depth)}0${"}".repeat(depth)}`;
}

/** The sample with one field's JSON replaced, or added. */
export function withField(sample: Fields, field: string, json: string): string {
  const members = Object.entries(sample).filter(([key]) => key !== field);
  const others = members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`);
  return `{${others.join("")}${JSON.stringify(field)}:${json}}`;
}

/** Whole bodies, sent as JSON. `sample` is a good one. */
export function bodies(sample: Fields): Readonly<Record<string, string | Uint8Array>> {
  const good = JSON.stringify(sample);
  const [first = "email"] = Object.keys(sample);
  const start = good.slice(0, -1);
  return {
    "no bytes": "",
    "white space": "  \n",
    "no JSON": SENTINEL,
    "JSON cut short": start,
    "JSON and more": `${good}${SENTINEL}`,
    null: "null",
    true: "true",
    "a number": "12345",
    "an infinite number": "-1e999",
    "a string": `"${SENTINEL}"`,
    "an empty array": "[]",
    "an array of it": `[${good}]`,
    "an empty object": "{}",
    "a comment": `/* ${SENTINEL} */${good}`,
    "a byte order mark": `\ufeff${good}`,
    "UTF-16": utf16(good),
    "a byte that is no UTF-8": bytes(`{"${first}":"${SENTINEL}`, [0xff], '"}'),
    "an overlong NUL": bytes(`{"${first}":"${SENTINEL}`, [0xc0, 0x80], '"}'),
    "a surrogate in UTF-8": bytes(`{"${first}":"${SENTINEL}`, [0xed, 0xa0, 0x80], '"}'),
    "UTF-8 cut short": bytes(`{"${first}":"${SENTINEL}`, [0xe2, 0x82], ""),
    "a key twice": `${start},"${first}":null}`,
    "a key twice, NUL in one": `${start},"${first}\\u0000":1}`,
    "__proto__ as a key": `{"__proto__":${good}}`,
    "__proto__ beside": `${start},"__proto__":null}`,
    "constructor beside": `${start},"constructor":{"prototype":{"role":"Admin"}}}`,
    "toString beside": `${start},"toString":1,"valueOf":null,"toJSON":{},"hasOwnProperty":0}`,
    "a surrogate as a key": `${start},"\\ud800":1}`,
    "10,000 arrays deep": nested(10_000),
    "10,000 objects deep": nestedObject(10_000),
    "unclosed, 60,000 deep": "[".repeat(60_000),
    "10,000 keys": `{${Array.from({ length: 5_000 }, (_, i) => `"${i}":0`).join(",")}}`,
  };
}

/** Content types that say what the body is not, or nothing. */
export const CONTENT_TYPES: readonly string[] = [
  "",
  "text/plain",
  "application/xml",
  "application/jsonp",
  "application/json, application/json",
  "application/json/json",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=utf-16",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  `multipart/form-data; boundary=${"x".repeat(5_000)}`,
  "__proto__",
  ";;;",
];

export const FORMS: readonly string[] = [
  "%",
  "%ff=%00",
  "a&&=&=b",
  "__proto__=1&toString=2",
  "--x",
];

function utf16(text: string): Uint8Array {
  const units = Uint16Array.from(text, (char) => char.charCodeAt(0));
  return new Uint8Array(units.buffer);
}

function bytes(before: string, middle: readonly number[], after: string): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from([...encoder.encode(before), ...middle, ...encoder.encode(after)]);
}
