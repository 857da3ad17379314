import type { HonoRequest } from "hono";
import { RequestFaultError, refuseRequest } from "./request-fault.ts";

/** The largest body that is read, in bytes. */
const MAX_BYTES = 64 * 1024;

/** So long may a body take to arrive: nobody holds a request open by sending nothing. */
const DEADLINE_MS = 30_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * A JSON body, whatever its type says; undefined where there is none.
 * @throws RequestFaultError `body_too_large`, `body_malformed`, `body_late`, `client_closed`
 */
export async function readJson(request: HonoRequest): Promise<unknown> {
  return (await readSignedJson(request)).json;
}

/**
 * A JSON body with the bytes that it came as, for a signature over them.
 * @throws RequestFaultError `body_too_large`, `body_malformed`, `body_late`, `client_closed`
 */
export async function readSignedJson(
  request: HonoRequest,
): Promise<{ readonly bytes: Uint8Array; readonly json: unknown }> {
  const bytes = await readBytes(request.raw);
  return { bytes, json: bytes.byteLength === 0 ? undefined : parseJson(bytes) };
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
  const form = await parseForm(bytes, request);
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

async function parseForm(bytes: Uint8Array<ArrayBuffer>, request: HonoRequest): Promise<FormData> {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== "application/x-www-form-urlencoded" && mediaType !== "multipart/form-data") {
    refuseRequest({
      code: "media_type_unsupported",
      mediaType: request.header("content-type") ?? "",
    });
  }
  try {
    const headers = { "content-type": request.header("content-type") ?? "" };
    return await new Response(bytes, { headers }).formData();
  } catch {
    return refuseRequest({ code: "body_malformed", expected: "a valid form" });
  }
}

/** `application/json` and what is derived from it (RFC 6839 section 3.1). */
export function isJson(request: HonoRequest): boolean {
  return /^application\/(?:[\w.-]+\+)?json$/.test(mediaTypeOf(request));
}

function mediaTypeOf(request: HonoRequest): string {
  const [type = ""] = (request.header("content-type") ?? "").split(";", 1);
  return type.trim().toLowerCase();
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    // The parser's own text quotes the body, and so perhaps a password.
    return refuseRequest({ code: "body_malformed", expected: "valid JSON" });
  }
}

/** @throws RequestFaultError `body_too_large`, `body_late`, `client_closed` */
async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), DEADLINE_MS);
  });
  try {
    const bytes = await Promise.race([arriving(request, request.body), late]);
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
 * Bounded by what arrives. HTTP's framing holds a body to its `Content-Length`, so one that is said to
 * fit is read at once, for a quarter of what a stream costs, and counted; any other is counted piece by piece.
 */
async function arriving(
  request: Request,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isSaidToFit(request.headers.get("content-length"))) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.byteLength > MAX_BYTES ? refuseRequest({ code: "body_too_large" }) : bytes;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) refuseRequest({ code: "body_too_large" });
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
