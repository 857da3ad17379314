import type { Json } from "./token.ts";

export type Role = "User" | "Admin";

/**
 * What users may say about themselves: SQL, JSON, forms, export and erasure read this table, so a new
 * field is a row here and a line of schema.sql. `column` is its name in JSON and forms too. `kind` decides
 * what is valid: `text` has up to 24 characters, `phone` is E.164, `date` is YYYY-MM-DD.
 */
// biome-ignore format: one row a field
export const PROFILE_FIELDS = [
  { name: "firstName", column: "first_name", kind: "text", label: "First name", autocomplete: "given-name" },
  { name: "lastName", column: "last_name", kind: "text", label: "Last name", autocomplete: "family-name" },
  { name: "phoneNumber", column: "phone_number", kind: "phone", label: "Phone number", autocomplete: "tel" },
  { name: "dob", column: "dob", kind: "date", label: "Date of birth", autocomplete: "bday" },
  { name: "gender", column: "gender", kind: "text", label: "Gender", autocomplete: "sex" },
] as const;

type ProfileField = (typeof PROFILE_FIELDS)[number];
export type ProfileKind = ProfileField["kind"];
type ByName<T> = { readonly [F in ProfileField as F["name"]]: T };
type ByColumn<T> = { readonly [F in ProfileField as F["column"]]: T };

/** Null where it is not set. */
export type Profile = ByName<string | null>;

/** Undefined for what stays as it is. */
export type ProfileChange = Partial<ByName<string | null | undefined>>;

export const PROFILE_COLUMNS = PROFILE_FIELDS.map(({ column }) => column);

/** A record by column, with one value for each field. */
export const profileEntries = <const T>(of: (field: ProfileField) => T) =>
  Object.fromEntries(PROFILE_FIELDS.map((field) => [field.column, of(field)])) as ByColumn<T>;

export const profileToRow = (profile: Profile) => profileEntries(({ name }) => profile[name]);

/** From columns to names. What is undefined stays so. */
export const profileOf = <T extends string | null | undefined>(row: Partial<ByColumn<T>>) =>
  Object.fromEntries(PROFILE_FIELDS.map(({ name, column }) => [name, row[column]])) as ByName<T>;

export const EMPTY_PROFILE: Profile = profileOf(profileEntries(() => null));

/** In bytes of JSON. */
export const METADATA_MAX = 4_096;

export interface User extends Profile {
  readonly id: string;
  readonly email: string;
  /** Wanted instead of `email`, and not proven yet; until then it is compared with nothing. */
  readonly pendingEmail: string | null;
  readonly role: Role;
  /** Raised by a new password and by deletion: every credential of an older version is revoked. */
  readonly credentialVersion: number;
  /** Raised by "revoke all API tokens". */
  readonly apiTokenVersion: number;
  /** Raised by "log out everywhere else": every older JWT that was obtained with a password alone is revoked. */
  readonly loginVersion: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly deletedAtMs: number | null;
  /** When they proved that the email is theirs; null where they have not, or have changed it since. */
  readonly emailVerifiedAtMs: number | null;
  /** By issuer, the subject there that opens this account. */
  readonly identities: Readonly<Record<string, string>>;
  /** Their id in the system that they came from, where that is no UUID. */
  readonly externalId: string | number | null;
  /** The deployment's own facts about them: a JSON object. */
  readonly metadata: Json;
}

export interface UserWithPassword extends User {
  /** PHC string; see `hasPassword` */
  readonly passwordHash: string;
  /** What an HA1B token is compared with; null for none. */
  readonly ha1bHash: string | null;
  /** Whether a password alone does not open the account. */
  readonly hasSecondFactor: boolean;
}

/** Empty where an identity created the account, "!" where an import had none. */
export const hasPassword = ({ passwordHash }: UserWithPassword): boolean =>
  passwordHash !== "" && passwordHash !== "!";

/**
 * The one form in which emails are stored and compared: trimmed, NFKC, lowercase, and the domain as in
 * DNS (`xn--…`), because browsers send that form and apps the other. One step can produce what another
 * one changes again, so they are repeated until nothing changes.
 */
export function normalizeEmail(email: string): string {
  let folded = email;
  let last: string;
  do {
    last = folded;
    folded = withAsciiDomain(last.normalize("NFKC").trim().toLowerCase());
  } while (folded !== last);
  return folded;
}

/** Characters that would end the host in a URL, or be decoded in it. */
const NO_HOST = /[\s/?#:@\\%[\]]/u;

function withAsciiDomain(email: string): string {
  const at = email.lastIndexOf("@") + 1;
  const domain = email.slice(at);
  if (at === 0 || !/\P{ASCII}/u.test(domain) || NO_HOST.test(domain)) return email;
  const host = URL.parse(`http://${domain}`)?.hostname ?? "";
  return host === "" ? email : email.slice(0, at) + host;
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf("@") + 1);
