import type { Contact } from "../core/contacts.ts";
import type { FormField } from "../core/form.ts";
import { type FormState, fieldState } from "./page-routes.tsx";
import { Field, describedBy, FieldNotes, Select } from "./components.tsx";
import { actionTokens as words } from "./words.ts";

/** Users that a form offers; the user filling it in comes first. */
export type UserOptions = readonly (readonly [id: string, name: string])[];

interface Props {
  readonly fields: readonly FormField[];
  readonly state: FormState;
  readonly users?: UserOptions;
  /** Whether there are more contacts than listed. */
  readonly hasMore?: boolean;
}

/** The inputs of a form that is generated from a schema. */
export function SchemaFields({ fields, state, users = [], hasMore = false }: Props) {
  return (
    <>
      {fields.map((field) => (
        <SchemaField field={field} state={state} users={users} hasMore={hasMore} />
      ))}
    </>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly state: FormState;
  readonly users: UserOptions;
  readonly hasMore: boolean;
}

function SchemaField({ field, state, users, hasMore }: FieldProps) {
  const { name, label, kind, min, max } = field;
  const { value, problem } = fieldState(state, name);
  const hints = [field.hint, kind === "user" && hasMore && words.moreContacts].filter(Boolean);
  const props = {
    name,
    label,
    value,
    problem,
    ...(hints.length > 0 && { hint: hints.join(" ") }),
  };
  switch (kind) {
    case "user":
      return <Select {...props} options={users} />;
    case "select":
      return <Select {...props} options={field.options.map((each) => [each, each])} />;
    case "checkbox": {
      const id = `field-${name}`;
      return (
        <div class="field">
          <label class="choice">
            <input
              type="checkbox"
              name={name}
              checked={value !== undefined}
              {...describedBy(id, props.hint, problem)}
            />
            {label}
          </label>
          <FieldNotes id={id} hint={props.hint} problem={problem} />
        </div>
      );
    }
    default:
      return (
        <Field
          {...props}
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

/** The name of a contact, also if they have not set one. */
export function contactName({ id, firstName, lastName }: Omit<Contact, "createdAtMs">): string {
  const name = [firstName, lastName].filter(Boolean).join(" ");
  return name === "" ? words.unnamed(id.slice(0, 8)) : name;
}
