import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CLIENT_TYPES_FILE, clientTypes } from "../../src/cli/client-types.ts";
import { typeOf } from "../../src/cli/client-types/schema-types.ts";

describe("the client's types", () => {
  it("match the document (npm run client-types)", () => {
    const document = readFileSync("src/console/assets/openapi.json", "utf8");
    expect(readFileSync(CLIENT_TYPES_FILE, "utf8")).toBe(clientTypes(document));
  });
});

describe("a schema's type", () => {
  const compact = (schema: unknown) => typeOf(schema).replaceAll(/[\s()]/g, "");

  it.each([
    [{ type: "integer", minimum: 1 }, "number"],
    [{ type: ["string", "null"], format: "date" }, "string|null"],
    [{ const: "Bearer" }, '"Bearer"'],
    [{ enum: ["User", "Admin", 1, null] }, '"User"|"Admin"|1|null'],
    [{ $ref: "#/components/schemas/User" }, "User"],
    [{ type: "array", items: { type: "string" } }, "string[]"],
    [{ type: "array" }, "unknown[]"],
    [{ type: "object" }, "Record<string,unknown>"],
    [{ type: "object", additionalProperties: { type: "null" } }, "Record<string,null>"],
    [
      { type: "object", properties: { a: { type: "boolean" }, "b-c": {} }, required: ["a"] },
      '{"a":boolean;"b-c"?:unknown;}',
    ],
    [
      { type: "object", properties: { a: {} }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
      '{"a"?:unknown;}&{"a":unknown;}|{"b":unknown;}',
    ],
    [{ allOf: [{ type: "string" }, true] }, "string&unknown"],
    // See openapi-fetch's Readable.
    [{ type: "object", properties: { a: { type: "null" } } }, '{"a"?:unknown;}'],
    [{}, "unknown"],
  ])("%j is %s", (schema, type) => {
    expect(compact(schema)).toBe(type);
  });

  it.each([{ not: {} }, { type: "tuple" }, { if: {}, type: "string" }, 1, null])(
    "%j is refused",
    (schema) => {
      expect(() => typeOf(schema)).toThrow();
    },
  );
});
