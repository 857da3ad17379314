import type { Contact } from "../core/contacts.ts";
import type { FormField } from "../core/form.ts";
import { type Filled, filledIn } from "./frame.tsx";
import { Field, noted, Notes, Select } from "./parts.tsx";

/** People that a form offers: first the one who fills it in. */
export type Persons = readonly (readonly [id: string, name: string])[];

/** Said where somebody has more contacts than a form offers. */
export const MORE_PERSONS = "Only your newest contacts are in this list.";

interface Props {
  readonly fields: readonly FormField[];
  readonly filled: Filled;
  readonly persons?: Persons;
  /** Whether there are more than these. */
  readonly isMore?: boolean;
}

/** The inputs of a form that is made from a schema. */
export function SchemaFields({ fields, filled, persons = [], isMore = false }: Props) {
  return (
    <>
      {fields.map((field) => (
        <SchemaField field={field} filled={filled} persons={persons} isMore={isMore} />
      ))}
    </>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly filled: Filled;
  readonly persons: Persons;
  readonly isMore: boolean;
}

function SchemaField({ field, filled, persons, isMore }: FieldProps) {
  const { name, label, kind, min, max } = field;
  const { value, problem } = filledIn(filled, name);
  const hints = [field.hint, kind === "user" && isMore && MORE_PERSONS].filter(Boolean);
  const shared = {
    name,
    label,
    value,
    problem,
    ...(hints.length > 0 && { hint: hints.join(" ") }),
  };
  switch (kind) {
    case "user":
      return <Select {...shared} options={persons} />;
    case "select":
      return <Select {...shared} options={field.options.map((each) => [each, each])} />;
    case "checkbox": {
      const id = `field-${name}`;
      return (
        <div class="field">
          <label class="choice">
            <input
              type="checkbox"
              name={name}
              checked={value !== undefined}
              {...noted(id, shared.hint, problem)}
            />
            {label}
          </label>
          <Notes id={id} hint={shared.hint} problem={problem} />
        </div>
      );
    }
    default:
      return (
        <Field
          {...shared}
          type={kind}
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
