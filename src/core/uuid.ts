import { UUID } from "./text.ts";

/** An id as the database has it: the 16 bytes of a UUID in lower case. Another text, which no id equals, stays one; so does SQL. */
export const uuid = <T = never>(id: string | T): Uint8Array | string | T =>
  typeof id === "string" && UUID.test(id) ? bytesOf(id) : id;

/** Node 24 has no `Uint8Array.fromHex`. */
function bytesOf(id: string): Uint8Array {
  const hex = id.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, at) =>
    Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16),
  );
}

/** SQL for the text of an id, for JSON and keys; null where there is none. @param id an expression */
export const idAsText = (id: string): string =>
  `NULLIF(lower(format('%s-%s-%s-%s-%s', hex(substr(${id}, 1, 4)), hex(substr(${id}, 5, 2)), hex(substr(${id}, 7, 2)),
    hex(substr(${id}, 9, 2)), hex(substr(${id}, 11)))), '----')`;

const hexOf = (byte: number) => byte.toString(16).padStart(2, "0");
const DASHES = /^(.{8})(.{4})(.{4})(.{4})/;

/** What D1 answers, with an id as text: it answers bytes as an array of numbers, and 16 of them are an id. */
export const idsToText = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 16
    ? value.map(hexOf).join("").replace(DASHES, "$1-$2-$3-$4-")
    : value;
