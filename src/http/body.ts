import type { HonoRequest } from "hono";
import { type FormField, MalformedForm, multipartFields, urlencodedFields } from "./form.ts";
import { RequestFaultError, refuseRequest } from "./request-fault.ts";

/** The largest body that is read, in bytes. */
const MAX_BYTES = 64 * 1024;
/** The largest signed body, whose signature is verified before it is parsed. */
const MAX_SIGNED_BYTES = 1024 * 1024;

/** The most fields of a form or of a JSON object. */
const MAX_FIELDS = 100;

/** The most commas, colons and brackets in JSON: they decide what parsing costs, not the bytes. */
const MAX_SEPARATORS = 2_000;
/** Longer JSON, in characters, is parsed without a reviver. */
const MAX_REVIVED = 8_192;

/** How long a body may take to arrive, so that no one can hold a request open by sending nothing. */
const DEADLINE_MS = 30_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * A JSON body, whatever its Content-Type. An empty body is an empty object.
 * @throws RequestFaultError `body_too_large`, `body_malformed`, `body_late`, `client_closed`, `encoding_unsupported`
 */
export async function readJson(request: HonoRequest): Promise<unknown> {
  const bytes = await readContent(request);
  return bytes.byteLength === 0 ? {} : parseJson(bytes);
}

/**
 * JSON of up to one mebibyte. `isSigned` verifies its bytes before they are parsed, and throws if they are not signed.
 * @throws RequestFaultError as `readJson`
 */
export async function readSignedJson(
  request: HonoRequest,
  isSigned: (bytes: Uint8Array) => Promise<void>,
): Promise<unknown> {
  const bytes = await readContent(request, MAX_SIGNED_BYTES);
  await isSigned(bytes);
  return parseText(decodeText(bytes));
}

/**
 * A body whose Content-Type is JSON. The type is checked only if there is content (RFC 9110 section 8.3):
 * with an empty body, clients send a form's type or none.
 * @throws RequestFaultError as `readJson`, and `media_type_unsupported`
 */
export async function readTypedJson(request: HonoRequest): Promise<unknown> {
  const bytes = await readContent(request);
  if (bytes.byteLength === 0) return {};
  return isJson(request) ? parseJson(bytes) : refuseMediaType(request);
}

interface FieldRules {
  /** Builds the result from a form's fields. By default the last of several values counts, as in both original APIs. */
  readonly ofForm?: (fields: readonly FormField[]) => unknown;
  /** Reads numbers as the text that was sent: as a number it could lose digits. */
  readonly numbersAsText?: boolean;
}

/**
 * The fields of a JSON or form body, as Django REST framework and Laravel read them. An empty body has
 * no fields.
 * @throws RequestFaultError as `readTypedJson`
 */
export async function readFields(
  request: HonoRequest,
  { ofForm = Object.fromEntries, numbersAsText = false }: FieldRules = {},
): Promise<unknown> {
  const bytes = await readContent(request);
  if (bytes.byteLength === 0) return {};
  if (!isJson(request)) return ofForm(parseForm(bytes, request));
  return parseJson(bytes, numbersAsText ? asWritten : undefined);
}

/**
 * The fields of a page's form. A name that was sent more than once has a list of values.
 * @throws RequestFaultError as `readTypedJson`
 */
export async function readForm(request: HonoRequest): Promise<Record<string, unknown>> {
  const bytes = await readContent(request);
  if (bytes.byteLength === 0) return {};
  return severalPerName(parseForm(bytes, request));
}

/** A list where a name came more than once. */
export function severalPerName(fields: readonly FormField[]): Record<string, unknown> {
  const byName = Map.groupBy(fields, ([name]) => name);
  return Object.fromEntries(
    Array.from(byName, ([name, same]) => {
      const values = same.map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

/** Ampersands, or in a multipart form line breaks: a field has four, or five with a Content-Type. */
const SEPARATORS = {
  "application/x-www-form-urlencoded": [0x26, MAX_FIELDS],
  "multipart/form-data": [0x0a, 5 * MAX_FIELDS],
} as const;

const FORMS = {
  "application/x-www-form-urlencoded": urlencodedFields,
  "multipart/form-data": multipartFields,
};

function parseForm(bytes: Uint8Array<ArrayBuffer>, request: HonoRequest): FormField[] {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== "application/x-www-form-urlencoded" && mediaType !== "multipart/form-data") {
    return refuseMediaType(request);
  }
  // Counted before parsing, which costs more than the rest of the request.
  const [separator, most] = SEPARATORS[mediaType];
  let from = 0;
  for (let count = 0; count <= most; count++) {
    from = bytes.indexOf(separator, from) + 1;
    if (from === 0) break;
    if (count === most) tooMany();
  }
  const fields: FormField[] = [];
  try {
    for (const field of FORMS[mediaType](bytes, request.header("content-type") ?? "")) {
      if (fields.length === MAX_FIELDS) tooMany();
      fields.push(field);
    }
  } catch (error) {
    if (!(error instanceof MalformedForm)) throw error;
    refuseRequest({ code: "body_malformed", expected: "a valid form" });
  }
  return fields;
}

function refuseMediaType(request: HonoRequest): never {
  const mediaType = request.header("content-type") ?? "";
  return refuseRequest({ code: "media_type_unsupported", mediaType });
}

const tooMany = () =>
  refuseRequest({ code: "body_malformed", expected: `one of at most ${MAX_FIELDS} fields` });

/** `application/json`, or a type that ends in `+json` (RFC 6839 section 3.1). */
export function isJson(request: HonoRequest): boolean {
  return /^application\/(?:[\w.-]+\+)?json$/.test(mediaTypeOf(request));
}

function mediaTypeOf(request: HonoRequest): string {
  const [type = ""] = (request.header("content-type") ?? "").split(";", 1);
  return type.trim().toLowerCase();
}

type Reviver = (key: string, value: unknown, ...context: readonly unknown[]) => unknown;

const asWritten: Reviver = (key, value, context) =>
  typeof value === "number" && key !== "" ? Reflect.get(Object(context), "source") : value;

function parseJson(bytes: Uint8Array, reviver?: Reviver): unknown {
  const text = decodeText(bytes);
  if (!isQuicklyParsed(text)) {
    const expected = `JSON with at most ${MAX_SEPARATORS} commas, colons and brackets` as const;
    refuseRequest({ code: "body_malformed", expected });
  }
  // A reviver is called for each value, which costs more than parsing. A body this long has no number that matters.
  const value = parseText(text, text.length > MAX_REVIVED ? undefined : reviver);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && Object.keys(value).length > MAX_FIELDS) tooMany();
  return value;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return refuseRequest({ code: "body_malformed", expected: "valid JSON" });
  }
}

function parseText(text: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    // The parser's message quotes the body, which may contain a password.
    return refuseRequest({ code: "body_malformed", expected: "valid JSON" });
  }
}

const QUOTE = 0x22;
/** Native searches: a loop over the characters of 64 KiB would cost more than the rest of the request. */
const NEXT = /["[{,:]/g;
const REST_OF_TEXT = /[^"\\]*(?:\\.[^"\\]*)*"/y;

/** Whether this JSON is cheap to parse: few separators and texts. */
export function isQuicklyParsed(json: string): boolean {
  let separators = 0;
  let texts = 0;
  NEXT.lastIndex = 0;
  while (NEXT.test(json)) {
    const at = NEXT.lastIndex - 1;
    if (json.charCodeAt(at) !== QUOTE) separators++;
    else {
      texts++;
      REST_OF_TEXT.lastIndex = at + 1;
      // An unterminated string: not JSON, and the parser will say so.
      if (!REST_OF_TEXT.test(json)) return true;
      NEXT.lastIndex = REST_OF_TEXT.lastIndex;
    }
    if (separators > MAX_SEPARATORS || texts > MAX_SEPARATORS) return false;
  }
  return true;
}

/** @throws RequestFaultError `body_too_large`, `body_late`, `client_closed` */
async function readBytes(request: Request, maxBytes = MAX_BYTES): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), DEADLINE_MS);
  });
  try {
    const bytes = await Promise.race([arriving(request, request.body, maxBytes), late]);
    return bytes ?? refuseRequest({ code: "body_late" });
  } catch (error) {
    // Any other error comes from the connection.
    throw error instanceof RequestFaultError
      ? error
      : new RequestFaultError({ code: "client_closed" }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** @throws RequestFaultError `encoding_unsupported` (RFC 9110 section 15.5.16), `body_too_large` */
async function readContent(
  request: HonoRequest,
  maxBytes = MAX_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readBytes(request.raw, maxBytes);
  const coding = request.header("content-encoding") ?? "";
  const isPlain = coding.split(",").every((each) => /^(?:identity)?$/i.test(each.trim()));
  return isPlain || bytes.byteLength === 0
    ? bytes
    : refuseRequest({ code: "encoding_unsupported" });
}

/**
 * Reads at most `maxBytes`. HTTP's framing holds a body to its `Content-Length`, so one that claims to fit is
 * read at once, at a quarter of a stream's cost. Any other is counted chunk by chunk.
 */
async function arriving(
  request: Request,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (claimsToFit(request.headers.get("content-length"))) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.byteLength > maxBytes ? refuseRequest({ code: "body_too_large" }) : bytes;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // guard: body-is-bounded
    if (size > maxBytes) refuseRequest({ code: "body_too_large" });
    chunks.push(chunk);
  }
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function claimsToFit(contentLength: string | null): boolean {
  return (
    contentLength !== null && /^\d{1,5}$/.test(contentLength) && Number(contentLength) <= MAX_BYTES
  );
}
