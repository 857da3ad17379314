import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { formFields } from "../../src/actions/form-fields.ts";
import { formValue } from "../../src/core/form.ts";

const PLAIN = { hint: null, isRequired: true, min: null, max: null, pattern: null, options: [] };

const Everything = v.object({
  full_name: v.pipe(v.string(), v.minLength(2), v.maxLength(40), v.description("as on your card")),
  mail: v.optional(v.pipe(v.string(), v.trim(), v.email(), v.title("Email"))),
  secret: v.pipe(v.string(), v.metadata({ form: "password" }), v.title("Password")),
  age: v.nullish(v.pipe(v.number(), v.minValue(1), v.maxValue(150))),
  agrees: v.boolean(),
  size: v.picklist(["S", "M"]),
  who: v.pipe(v.string(), v.uuid(), v.metadata({ form: "user" })),
  code: v.pipe(v.string(), v.regex(/^[0-9]{6}$/)),
  loose: v.pipe(v.string(), v.regex(/abc/i)),
});

describe("a schema as a form", () => {
  it("each kind of field, with what can be said of it", () => {
    expect(formFields(Everything)).toEqual([
      {
        ...PLAIN,
        name: "full_name",
        label: "full name",
        kind: "text",
        hint: "as on your card",
        min: 2,
        max: 40,
      },
      { ...PLAIN, name: "mail", label: "Email", kind: "email", isRequired: false },
      { ...PLAIN, name: "secret", label: "Password", kind: "password" },
      { ...PLAIN, name: "age", label: "age", kind: "number", isRequired: false, min: 1, max: 150 },
      { ...PLAIN, name: "agrees", label: "agrees", kind: "checkbox", isRequired: false },
      { ...PLAIN, name: "size", label: "size", kind: "select", options: ["S", "M"] },
      { ...PLAIN, name: "who", label: "who", kind: "user" },
      { ...PLAIN, name: "code", label: "code", kind: "text", pattern: "^[0-9]{6}$" },
      { ...PLAIN, name: "loose", label: "loose", kind: "text" },
    ]);
  });

  it.each([
    ["no object", v.array(v.string())],
    ["an object in it", v.object({ deep: v.object({}) })],
    ["a list in it", v.object({ many: v.optional(v.array(v.string())) })],
    ["numbers to choose from", v.object({ size: v.picklist([1, 2]) })],
  ])("none where it has %s", (_, schema) => {
    expect(formFields(schema)).toBeNull();
  });

  it("what a browser sends is read by the schema that the form was made from", () => {
    const sent = {
      full_name: "Ada L",
      mail: "",
      secret: " spaces stay ",
      age: "36",
      agrees: "on",
      size: "M",
      who: crypto.randomUUID(),
      code: "012345",
      loose: "ABC",
      more: "is left out",
    };
    const value = formValue(formFields(Everything) ?? [], sent);
    const { mail: _, more: __, ...rest } = sent;
    expect(v.parse(Everything, value)).toEqual({ ...rest, age: 36, agrees: true });
    const without = formValue(formFields(Everything) ?? [], {
      age: "old",
      __proto__: { mail: "x" },
    });
    expect(without).toEqual({ age: "old", agrees: false });
    expect(formValue([], sent)).toBeNull();
  });
});
