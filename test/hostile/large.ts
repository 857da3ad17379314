interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const LIMIT = 64 * 1024;

/** As many as fit into a body of the largest size. */
function many(piece: (index: number) => string, between: string, room = LIMIT - 64): string {
  const pieces: string[] = [];
  for (let index = 0, length = 0; ; index++) {
    const next = piece(index);
    length += next.length + between.length;
    if (length > room) return pieces.join(between);
    pieces.push(next);
  }
}

const long = (text: string, room = LIMIT - 64) => text.repeat(Math.floor(room / text.length));
const nested = (open: string, close: string, depth: number) =>
  `${open.repeat(depth)}${close.repeat(depth)}`;
const part = (head: string, body = "1") => `--x\r\n${head}\r\n\r\n${body}\r\n`;
const named = (name: string) => `content-disposition: form-data; name="${name}"`;

/** JSON of 64 KiB that costs more than its bytes: to parse, to check, or to complain of. */
export const JSON_BODIES: Readonly<Record<string, string>> = {
  "arrays in arrays": nested("[", "]", 32_000),
  "arrays in a field": `{"payload":${nested("[", "]", 32_000)}}`,
  "arrays in a string": JSON.stringify({ payload: nested("[", "]", 32_000) }),
  "objects in objects": `${'{"":'.repeat(12_000)}0${"}".repeat(12_000)}`,
  "brackets that are never closed": "[".repeat(65_000),
  "16,000 short names": `{${many((index) => `"${index.toString(36)}":0`, ",")}}`,
  "one name again and again": `{${many(() => '"token":0', ",")}}`,
  "a list of numbers": `[${many(() => "1", ",")}]`,
  "numbers for tokens": `{"tokens":[${many(() => "1", ",")}]}`,
  "numbers for scopes": `{"name":"x","scopes":[${many(() => "1", ",")}]}`,
  "a list of objects for tokens": `{"tokens":[${many(() => "{}", ",")}]}`,
  "1,900 numbers for tokens, and space": `{"tokens":[${many(() => "1", ",", 3_800)}]${long(" ", 61_000)}}`,
  "a long text in every field": `{${[
    "email",
    "email_id",
    "token",
    "refresh",
    "name",
    "action",
    "first_name",
    "audience",
  ]
    .map((field) => `"${field}":"${long("x", 6_800)}"`)
    .join(",")}}`,
  "a text of escapes": `{"email":"${long("\\u0041")}"}`,
  "white space": long(" "),
};

const FORM = "application/x-www-form-urlencoded";
const PARTS = "multipart/form-data; boundary=x";

/** The same of forms, with their content type. */
export const FORM_BODIES: Readonly<Record<string, readonly [type: string, body: string]>> = {
  "16,000 names": [FORM, many((index) => index.toString(36).padStart(3, "0"), "&")],
  "one name again and again": [FORM, many(() => "a=1", "&")],
  "ampersands alone": [FORM, long("&")],
  "one long value": [FORM, `email=${long("x")}`],
  "one long value of markup": [FORM, `email=${long("<")}`],
  "one long value of percent signs": [FORM, `email=${long("%3C")}`],
  "many parts": [PARTS, `${many((index) => part(named(String(index))), "")}--x--\r\n`],
  "a part with many headers": [
    PARTS,
    `${part(`${named("a")}\r\n${many((index) => `x${index}: 1`, "\r\n", 60_000)}`)}--x--\r\n`,
  ],
  "a part of what looks like others": [
    PARTS,
    `${part(named("a"), long("\r\n--", 60_000))}--x--\r\n`,
  ],
};

/** What is not a body, in the sizes that workerd takes. */
export const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a long bearer token": { authorization: `Bearer ${long("a", 30_000)}` },
  "a bearer token of many parts": { authorization: `Bearer ${long("a.", 30_000)}` },
  "long Basic": { authorization: `Basic ${long("YTph", 30_000)}` },
  "Basic of many colons": { authorization: `Basic ${long("Ojo6", 30_000)}` },
  "a scheme and much more": { authorization: long("ab ", 30_000) },
  "a long X-Auth-Token": { "x-auth-token": long("eyJhbGciOiJFUzI1NiJ9.", 30_000) },
  "many cookies": { cookie: `${long("a=b; ", 30_000)}__Host-latchkey=x` },
  "one cookie again and again": { cookie: long("__Host-latchkey=x; ", 30_000) },
  "a long cookie": { cookie: `__Host-latchkey=${long("%41", 30_000)}` },
  "a long content type": { "content-type": `${long("application/json;", 30_000)}` },
  "a long Idempotency-Key": { "idempotency-key": long('"', 30_000) },
};

export const QUERIES: Readonly<Record<string, string>> = {
  "one name again and again": long("token=a&", 30_000),
  "ampersands alone": long("&", 30_000),
  "many names": many((index) => `t${index}`, "&", 30_000),
  "plus signs": long("a+b=+&", 30_000),
  "a long value": `token=${long("%61", 30_000)}`,
  "where to go on": `next=/console/${long("a", 30_000)}`,
};

/** All of them as requests. */
export const LARGE: readonly (readonly [name: string, query: string, send: Sent])[] = [
  ...Object.entries(JSON_BODIES).map(
    ([name, body]) =>
      [`JSON, ${name}`, "", { headers: { "content-type": "application/json" }, body }] as const,
  ),
  ...Object.entries(FORM_BODIES).map(
    ([name, [type, body]]) =>
      [`a form, ${name}`, "", { headers: { "content-type": type }, body }] as const,
  ),
  ...Object.entries(HEADERS).map(([name, headers]) => [name, "", { headers }] as const),
  ...Object.entries(QUERIES).map(([name, query]) => [`a query, ${name}`, `?${query}`, {}] as const),
];
