import * as v from "valibot";
import { readImportedHash } from "../../crypto/imported-hash.ts";
import { SignUp } from "../../routes/rest-fields.ts";
import type { NewUser } from "./new-user.ts";

/** What no password fits: the account waits for a reset. */
const NO_PASSWORD = "!";

const DATE_TIME = "must be a date and time as 2021-05-04T12:00:00Z";
const BOOLEAN = "must be true or false";

const { email, first_name, last_name, phone_number, dob, gender } = SignUp.entries;

const passwordHash = v.nullable(
  v.pipe(
    v.string("must be a string, or null for none"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const hash = readImportedHash(dataset.value);
      if ("wrong" in hash) addIssue({ message: hash.wrong });
    }),
  ),
);

const createdOn = v.pipe(
  v.string(DATE_TIME),
  v.isoTimestamp(DATE_TIME),
  v.transform((text) => Date.parse(text)),
  v.check((ms) => Number.isSafeInteger(ms), DATE_TIME),
);

const Line = v.strictObject(
  {
    email,
    password_hash: passwordHash,
    first_name,
    last_name,
    phone_number,
    dob,
    gender,
    role: v.optional(v.picklist(["User", "Admin"], "must be User or Admin"), "User"),
    email_verified: v.optional(v.boolean(BOOLEAN), false),
    created_on: v.optional(createdOn),
    disabled: v.optional(v.boolean(BOOLEAN), false),
  },
  (issue) => (issue.expected === "never" ? "is not known" : "must be an object"),
);

export interface Numbered {
  readonly line: number;
  readonly user: NewUser;
}

/** Every line's account, and all that is wrong with any of them, which quotes no value. */
export function readLines(
  text: string,
  nowMs: number,
): { readonly users: readonly Numbered[]; readonly wrong: readonly string[] } {
  const users: Numbered[] = [];
  const wrong: string[] = [];
  const firstWith = new Map<string, number>();
  for (const [index, content] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (content.trim() === "") continue;
    const line = index + 1;
    const parsed = v.safeParse(
      v.pipe(v.string(), v.parseJson(undefined, "is no JSON"), Line),
      content,
    );
    if (!parsed.success) {
      for (const issue of parsed.issues) {
        const path = v.getDotPath(issue);
        const missing = issue.kind === "schema" && issue.received === "undefined";
        wrong.push(
          `line ${line}: ${path ? `${path} ` : ""}${missing ? "is missing" : issue.message}`,
        );
      }
      continue;
    }
    const {
      password_hash,
      email_verified,
      disabled,
      created_on = nowMs,
      ...fields
    } = parsed.output;
    const first = firstWith.get(fields.email);
    if (first !== undefined) {
      wrong.push(`line ${line}: email is the one of line ${first}`);
      continue;
    }
    firstWith.set(fields.email, line);
    users.push({
      line,
      user: {
        ...fields,
        id: crypto.randomUUID(),
        password: password_hash ?? NO_PASSWORD,
        created_on,
        modified_on: nowMs,
        verified_on: email_verified ? nowMs : null,
        ...(disabled && { disabled_on: nowMs }),
      },
    });
  }
  return { users, wrong };
}
