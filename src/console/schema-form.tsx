import type { FormField } from "../core/form.ts";
import type { Contact } from "../core/ports.ts";
import { type Filled, filledIn } from "./frame.tsx";
import { Field, Select } from "./parts.tsx";

/** People that a form offers: first the one who fills it in. */
export type Persons = readonly (readonly [id: string, name: string])[];

interface Props {
  readonly fields: readonly FormField[];
  readonly filled: Filled;
  readonly persons?: Persons;
}

/** The inputs of a form that is made from a schema. */
export function SchemaFields({ fields, filled, persons = [] }: Props) {
  return (
    <>
      {fields.map((field) => (
        <SchemaField field={field} filled={filled} persons={persons} />
      ))}
    </>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly filled: Filled;
  readonly persons: Persons;
}

function SchemaField({ field, filled, persons }: FieldProps) {
  const { name, label, kind, min, max } = field;
  const { value, problem } = filledIn(filled, name);
  const hint = field.hint ?? undefined;
  const shared = { name, label, value, ...(hint !== undefined && { hint }) };
  switch (kind) {
    case "user":
      return <Select {...shared} options={persons} />;
    case "select":
      return <Select {...shared} options={field.options.map((each) => [each, each])} />;
    case "checkbox":
      return (
        <label class="choice">
          <input type="checkbox" name={name} checked={value !== undefined} />
          {label}
        </label>
      );
    default:
      return (
        <Field
          {...shared}
          type={kind}
          problem={problem}
          required={field.isRequired}
          {...(kind === "number" && { ...(min !== null && { min }), ...(max !== null && { max }) })}
          {...(kind !== "number" && min !== null && { minlength: min })}
          {...(kind !== "number" && max !== null && { maxlength: max })}
          {...(field.pattern !== null && { pattern: field.pattern })}
          {...(kind === "password" && { autocomplete: "new-password" })}
        />
      );
  }
}

/** What a list shows of somebody who may have said no name. */
export function contactName({ id, firstName, lastName }: Contact): string {
  const name = [firstName, lastName].filter(Boolean).join(" ");
  return name === "" ? `Nameless ${id.slice(0, 8)}` : name;
}
