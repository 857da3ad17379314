import type { Json } from "./token.ts";

/** One input of a form that is built from a schema. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly hint: string | null;
  /** `user` is a person, by their id; `passkeys` are some of the account's own, by theirs. */
  readonly kind:
    | "text"
    | "email"
    | "password"
    | "number"
    | "checkbox"
    | "select"
    | "user"
    | "passkeys";
  readonly isRequired: boolean;
  /** The length of a text, the value of a number. */
  readonly min: number | null;
  readonly max: number | null;
  /** A regular expression in the syntax of HTML's `pattern`. */
  readonly pattern: string | null;
  /** The options of a `select`. */
  readonly options: readonly string[];
}

/** Converts what a browser sent for these fields to the value that their schema reads. Checks nothing. */
export function formValue(
  fields: readonly FormField[],
  sent: Readonly<Record<string, unknown>>,
): Json {
  if (fields.length === 0) return null;
  const members: [string, Json][] = [];
  for (const { name, kind } of fields) {
    const text = Object.hasOwn(sent, name) ? sent[name] : undefined;
    if (kind === "checkbox") members.push([name, text !== undefined]);
    else if (kind === "passkeys") {
      members.push([name, [text ?? []].flat().filter((each) => typeof each === "string")]);
    }
    // Browsers send inputs that were left empty too.
    else if (typeof text === "string" && text !== "") members.push([name, read(kind, text)]);
  }
  return Object.fromEntries(members);
}

function read(kind: FormField["kind"], text: string): Json {
  const number = Number(text);
  return kind === "number" && text.trim() !== "" && Number.isFinite(number) ? number : text;
}
