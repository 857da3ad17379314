import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it, onTestFinished } from "vitest";
import { withActions } from "../../src/actions/api-document.ts";
import { defineAction } from "../../src/actions/define-action.ts";
import { CLIENT_TYPES_FILE, clientTypes } from "../../src/cli/client-types.ts";
import { typeOf } from "../../src/cli/client-types/schema-types.ts";

const redeemCoupon = defineAction({
  name: "redeemCoupon",
  payload: v.object({ code: v.string() }),
  answer: v.object({ code: v.string() }),
  run: ({ payload }) => ({ writes: [], answer: payload }),
});

describe("the client's types", () => {
  it("match the document (npm run client-types)", () => {
    const document = readFileSync("src/console/assets/openapi.json", "utf8");
    expect(readFileSync(CLIENT_TYPES_FILE, "utf8")).toBe(clientTypes(document));
  });
});

it("of a deployment with actions of its own are printed from its document", () => {
  const base = readFileSync("src/console/assets/openapi.json", "utf8");
  const document = withActions(JSON.parse(base), [redeemCoupon]);
  const folder = mkdtempSync(join(tmpdir(), "latchkey-types-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "openapi.json");
  writeFileSync(file, JSON.stringify(document));
  const printed = execFileSync("node", ["src/cli/client-types.ts", file], { encoding: "utf8" });
  expect(printed).toContain("export type RedeemCouponPayload = {");
  expect(printed).toContain('action: "addContact" | "redeemCoupon";');
  expect(printed).toMatch(/action: "redeemCoupon";\n\s+data: \{\n\s+code: string;/);
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
