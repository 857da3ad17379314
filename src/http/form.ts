/** The value of an uploaded file. No schema accepts it. */
export const FILE = Symbol("a file");

export type FormField = readonly [name: string, value: string | typeof FILE];

/**
 * The fields of an urlencoded form, parsed as in the URL standard, but decoded in the charset of the
 * Content-Type, as Django does.
 */
export function* urlencodedFields(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Generator<FormField> {
  const decoder = decoderOf(contentType);
  const decode = (text: string) =>
    (decoder.encoding === "utf-8" ? quicklyDecoded(text) : null) ??
    decoder.decode(percentDecoded(text));
  for (const pair of byteText(bytes).split("&")) {
    if (pair === "") continue;
    const [name = ""] = pair.split("=", 1);
    yield [decode(name), decode(pair.slice(name.length + 1))];
  }
}

/**
 * The fields of a multipart form (RFC 7578, RFC 2046 section 5.1): with or without quotes around names, headers
 * in any case, blanks after a boundary, and text before the first and after the last boundary.
 * The platform's own parser rejects some of what clients send.
 * @throws MalformedForm if it is not one, or is cut off
 */
export function* multipartFields(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Generator<FormField> {
  const boundary = parameterOf(contentType, "boundary");
  if (boundary === null || boundary === "" || boundary.length > 200) throw new MalformedForm();
  // A line break before the first delimiter, so that it is found like the others.
  const text = `\r\n${byteText(bytes)}`;
  let delimiter = nextDelimiter(text, boundary, 0);
  while (delimiter !== null && !delimiter.isLast) {
    const next = nextDelimiter(text, boundary, delimiter.end);
    if (next === null) break;
    // Directly after the delimiter if the part has no headers.
    const headersEnd = text.indexOf("\r\n\r\n", delimiter.end);
    const from = Math.min(headersEnd + 4, next.at);
    if (headersEnd === -1 || from < headersEnd + 2) break;
    const headers = text.slice(delimiter.end, headersEnd);
    yield fieldOf(headers, bytes.subarray(from - 2, next.at - 2), contentType);
    delimiter = next;
  }
  if (delimiter?.isLast !== true) throw new MalformedForm();
}

/** The next line that is only the boundary, perhaps followed by blanks. */
function nextDelimiter(text: string, boundary: string, from: number) {
  const line = `\r\n--${boundary}`;
  for (let at = text.indexOf(line, from); at !== -1; at = text.indexOf(line, at + 2)) {
    let end = at + line.length;
    const isLast = text.startsWith("--", end);
    if (isLast) end += 2;
    while (text[end] === " " || text[end] === "\t") end++;
    if (text.startsWith("\r\n", end) || (isLast && end === text.length)) return { at, end, isLast };
  }
  return null;
}

export class MalformedForm extends Error {}

function fieldOf(
  headers: string,
  content: Uint8Array<ArrayBuffer>,
  contentType: string,
): FormField {
  const lines = headers.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  const header = (name: string) =>
    lines.find((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase() === name) ?? "";
  const disposition = header("content-disposition");
  const name = parameterOf(disposition, "name");
  if (!/^[^:]*:\s*form-data\s*(?:;|$)/i.test(disposition) || name === null) {
    throw new MalformedForm();
  }
  const isFile = ["filename", "filename*"].some((each) => parameterOf(disposition, each) !== null);
  const isCoded = /:\s*base64\s*$/i.test(header("content-transfer-encoding"));
  // The part's own charset, or the whole form's (RFC 7578 section 4.4).
  const decoder = decoderOf(header("content-type"), contentType);
  return [
    utf8.decode(bytesOf(name)),
    isFile ? FILE : decoder.decode(isCoded ? fromBase64(content) : content),
  ];
}

function fromBase64(content: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(byteText(content));
  } catch {
    throw new MalformedForm();
  }
}

/** A byte order mark is kept like any other character. */
const PLAIN = { ignoreBOM: true, fatal: false };
const utf8 = new TextDecoder("utf-8", PLAIN);

/** One character per byte. */
function byteText(bytes: Uint8Array): string {
  // Natively if it is all ASCII: 64 KiB byte by byte cost more than the rest of the request.
  const plain = utf8.decode(bytes);
  if (plain.length === bytes.length && !/[^\0-\x7f]/.test(plain)) return plain;
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** A native decoder; null for text that is not ASCII, or whose percent-encoding is not UTF-8. */
function quicklyDecoded(text: string): string | null {
  const spaced = text.replaceAll("+", " ");
  if (/[^\0-\x7f]/.test(spaced)) return null;
  try {
    return spaced.includes("%") ? decodeURIComponent(spaced) : spaced;
  } catch {
    return null;
  }
}

const percentDecoded = (text: string) =>
  bytesOf(
    text
      .replaceAll("+", " ")
      .replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
  );

/**
 * Decodes the charset of the first header that names one. An unknown charset, and UTF-16, are read as UTF-8,
 * as in the URL standard.
 */
function decoderOf(...headers: readonly string[]): TextDecoder {
  for (const header of headers) {
    const label = parameterOf(header, "charset");
    if (label === null) continue;
    try {
      const decoder = new TextDecoder(label, PLAIN);
      if (decoder.encoding.startsWith("utf-16")) return utf8;
      return decoder;
    } catch {
      return utf8;
    }
  }
  return utf8;
}

/** RFC 2045 section 5.1: `; name=token` or `; name="quoted"`, with optional blanks. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;

function parameterOf(header: string, name: string): string | null {
  for (const [, found = "", quoted, token] of header.matchAll(PARAMETER)) {
    if (found.toLowerCase() !== name) continue;
    return quoted === undefined ? (token ?? "") : quoted.replaceAll(/\\(.)/g, "$1");
  }
  return null;
}

/** With more brackets than this, they are part of the name. */
const MAX_NESTING = 32;

type Tree = Map<string, unknown>;

/**
 * Nests fields as PHP does: `payload[contact_id]` is a member of `payload`, `tags[]` appends to a list. The
 * last of several values of one name counts.
 */
export function nestedFields(fields: readonly FormField[]): Readonly<Record<string, unknown>> {
  const root: Tree = new Map();
  for (const [name, value] of fields) {
    const [, first = name, brackets = ""] = /^([^[\]]+)((?:\[[^[\]]*\])+)$/.exec(name) ?? [];
    const inner = Array.from(brackets.matchAll(/\[([^[\]]*)\]/g), ([, key = ""]) => key);
    put(root, inner.length > MAX_NESTING ? [name] : [first, ...inner], value);
  }
  return Object.fromEntries(membersOf(root));
}

function put(root: Tree, path: readonly string[], value: unknown): void {
  let tree = root;
  for (const [index, part] of path.entries()) {
    const key = part === "" ? String(tree.size) : part;
    if (index === path.length - 1) tree.set(key, value);
    else {
      const known = tree.get(key);
      const next: Tree = known instanceof Map ? known : new Map();
      tree.set(key, next);
      tree = next;
    }
  }
}

const membersOf = (tree: Tree) =>
  Array.from(tree, ([key, item]) => [key, contentOf(item)] as const);

/** Members that are numbered from 0 are a list. */
function contentOf(item: unknown): unknown {
  if (!(item instanceof Map)) return item;
  const members = membersOf(item);
  const isList = members.every(([key], index) => key === String(index));
  return isList ? members.map(([, value]) => value) : Object.fromEntries(members);
}
