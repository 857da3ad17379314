import type { HonoRequest } from "hono";
import { RequestFaultError, refuseRequest } from "./request-fault.ts";

/** The largest body that is read, in bytes. */
const MAX_BYTES = 64 * 1024;
/** Of one whose signature is looked at before anything in it is. */
const MAX_SIGNED_BYTES = 1024 * 1024;

/** Of a form, or of an object that is sent as JSON. */
const MAX_FIELDS = 100;
/** Of a multipart form: each field's part has four, or five with a type of its own. */
const MAX_LINES = 5 * MAX_FIELDS;

/** Of what separates and opens values in JSON: parsing is paid by these, and not by the byte. */
const MAX_SEPARATORS = 2_000;

/** So long may a body take to arrive: nobody holds a request open by sending nothing. */
const DEADLINE_MS = 30_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * A JSON body, whatever its type says; undefined where there is none.
 * @throws RequestFaultError `body_too_large`, `body_malformed`, `body_late`, `client_closed`
 */
export async function readJson(request: HonoRequest): Promise<unknown> {
  const bytes = await readBytes(request.raw);
  return bytes.byteLength === 0 ? undefined : parseJson(bytes);
}

/**
 * JSON of up to a mebibyte, once `isSigned` has said yes to its bytes.
 * @throws RequestFaultError `body_too_large`, `body_malformed`, `body_late`, `client_closed`
 */
export async function readSignedJson(
  request: HonoRequest,
  isSigned: (bytes: Uint8Array) => Promise<void>,
): Promise<unknown> {
  const bytes = await readBytes(request.raw, MAX_SIGNED_BYTES);
  await isSigned(bytes);
  return parseText(decodeText(bytes));
}

/**
 * The fields of a JSON or form body, as Django REST framework and Laravel take them. No body at
 * all is no fields.
 * @throws RequestFaultError as `readJson`, and `media_type_unsupported`
 */
export async function readFields(request: HonoRequest): Promise<unknown> {
  const bytes = await readBytes(request.raw);
  if (bytes.byteLength === 0) return {};
  if (isJson(request)) return parseJson(bytes);
  // The last of several values of one name counts, as in both origins.
  return Object.fromEntries(await parseForm(bytes, request));
}

/**
 * The fields of a page's form: a list where a name came more than once.
 * @throws RequestFaultError as `readJson`, and `media_type_unsupported`
 */
export async function readForm(request: HonoRequest): Promise<Record<string, unknown>> {
  const bytes = await readBytes(request.raw);
  if (bytes.byteLength === 0) return {};
  // One pass: FormData finds the values of a name by looking at all of them.
  const byName = Map.groupBy(await parseForm(bytes, request), ([name]) => name);
  return Object.fromEntries(
    Array.from(byName, ([name, fields]) => {
      const values = fields.map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

type Field = [name: string, value: string | File];

async function parseForm(bytes: Uint8Array<ArrayBuffer>, request: HonoRequest): Promise<Field[]> {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== "application/x-www-form-urlencoded" && mediaType !== "multipart/form-data") {
    refuseRequest({
      code: "media_type_unsupported",
      mediaType: request.header("content-type") ?? "",
    });
  }
  // Before it is parsed, which costs more than all else that such a request does.
  const isUrlencoded = mediaType === "application/x-www-form-urlencoded";
  if (isUrlencoded ? hasMore(bytes, AMPERSAND, MAX_FIELDS - 1) : hasMore(bytes, LF, MAX_LINES)) {
    tooMany();
  }
  let form: FormData;
  try {
    const headers = { "content-type": request.header("content-type") ?? "" };
    form = await new Response(bytes, { headers }).formData();
  } catch {
    return refuseRequest({ code: "body_malformed", expected: "a valid form" });
  }
  const fields: Field[] = [];
  for (const field of form) {
    if (fields.length === MAX_FIELDS) tooMany();
    fields.push(field);
  }
  return fields;
}

const AMPERSAND = 0x26;
const LF = 0x0a;

function hasMore(bytes: Uint8Array, byte: number, most: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) {
    if (++count > most) return true;
  }
  return false;
}

const tooMany = () =>
  refuseRequest({ code: "body_malformed", expected: `one of at most ${MAX_FIELDS} fields` });

/** `application/json` and what is derived from it (RFC 6839 section 3.1). */
export function isJson(request: HonoRequest): boolean {
  return /^application\/(?:[\w.-]+\+)?json$/.test(mediaTypeOf(request));
}

function mediaTypeOf(request: HonoRequest): string {
  const [type = ""] = (request.header("content-type") ?? "").split(";", 1);
  return type.trim().toLowerCase();
}

function parseJson(bytes: Uint8Array): unknown {
  const text = decodeText(bytes);
  if (!isQuicklyParsed(text)) {
    const expected = `JSON with at most ${MAX_SEPARATORS} commas, colons and brackets` as const;
    refuseRequest({ code: "body_malformed", expected });
  }
  const value = parseText(text);
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

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own text quotes the body, and so perhaps a password.
    return refuseRequest({ code: "body_malformed", expected: "valid JSON" });
  }
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
    // All else that can go wrong here comes of the connection.
    throw error instanceof RequestFaultError
      ? error
      : new RequestFaultError({ code: "client_closed" }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whether parsing this JSON costs little more than reading it. Those in texts count too: to find out costs
 * as much as parsing, and no text that is taken here has thousands.
 */
export function isQuicklyParsed(json: string): boolean {
  let left = MAX_SEPARATORS;
  for (const separator of [",", ":", "[", "{"]) {
    for (let at = json.indexOf(separator); at !== -1; at = json.indexOf(separator, at + 1)) {
      if (left-- === 0) return false;
    }
  }
  return true;
}

/**
 * Bounded by what arrives. HTTP's framing holds a body to its `Content-Length`, so one that is said to
 * fit is read at once, for a quarter of what a stream costs, and counted; any other is counted piece by piece.
 */
async function arriving(
  request: Request,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isSaidToFit(request.headers.get("content-length"))) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.byteLength > maxBytes ? refuseRequest({ code: "body_too_large" }) : bytes;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
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

function isSaidToFit(contentLength: string | null): boolean {
  return (
    contentLength !== null && /^\d{1,5}$/.test(contentLength) && Number(contentLength) <= MAX_BYTES
  );
}
