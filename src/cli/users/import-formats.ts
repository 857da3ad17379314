import { parse } from "csv-parse/sync";
import * as v from "valibot";
import { CliError } from "../cli-error.ts";

/** One account of another system, in the members of a line of our own form, and where it stood in the file. */
export interface Given {
  readonly at: string;
  readonly fields: unknown;
  /** All that the other system has, for `--metadata`. */
  readonly raw: Row;
}

export type Row = Readonly<Record<string, unknown>>;

const Rows = v.array(v.record(v.string(), v.unknown()));

/** What `dumpdata` prints: of all models, those that have a password. */
const DjangoDump = v.array(
  v.object({
    model: v.string(),
    pk: v.union([v.string(), v.number()]),
    fields: v.record(v.string(), v.unknown()),
  }),
);

const BetterAuth = v.object({ user: Rows, account: Rows });

const isUuid = (id: unknown) =>
  typeof id === "string" && /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i.test(id);

/** A UUID stays the account's id; anything else is kept as its external id. */
const identified = (id: unknown) => (isUuid(id) ? { id } : { external_id: id });

/** Other systems write an empty text where there is none. */
const filled = (fields: Row): Row =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && value !== null && value !== "",
    ),
  );

/** `2021-05-04 12:00:00` and the like, which databases print, as ISO 8601 in UTC. */
export function timeOf(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const [, day, time, zone] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone ?? "Z"}`);
  return Number.isNaN(ms) ? value : new Date(ms).toISOString();
}

/** `Ada King Lovelace`: the last word is the last name. */
function namesOf(name: unknown): Row {
  if (typeof name !== "string") return {};
  const [, first, last] = /^\s*(.*?)\s*(\S*)\s*$/.exec(name) ?? [];
  return first === "" ? { first_name: last } : { first_name: first, last_name: last };
}

/** Django's `!…` and an empty hash are both no password. */
const hashOf = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === "" ||
  (typeof value === "string" && value.startsWith("!"))
    ? null
    : value;

function django({ pk, fields }: v.InferOutput<typeof DjangoDump>[number]): Row {
  return {
    ...identified(pk),
    email: fields.email || fields.username,
    password_hash: hashOf(fields.password),
    ...filled({
      first_name: fields.first_name,
      last_name: fields.last_name,
      phone_number: fields.phone_number ?? fields.phone,
      dob: fields.dob ?? fields.birth_date ?? fields.date_of_birth,
      gender: fields.gender,
      created_on: timeOf(fields.date_joined),
    }),
    ...(fields.is_active === false && { disabled: true }),
  };
}

const laravel = (row: Row): Row => ({
  ...identified(row.id),
  email: row.email,
  password_hash: hashOf(row.password),
  ...filled({
    ...namesOf(row.name),
    created_on: timeOf(row.created_at),
    email_verified: Boolean(row.email_verified_at) || undefined,
  }),
});

/** Passwords stand in another table. */
const betterAuth =
  (passwords: ReadonlyMap<unknown, unknown>) =>
  (row: Row): Row => ({
    ...identified(row.id),
    email: row.email,
    password_hash: hashOf(passwords.get(row.id)),
    ...filled({
      ...namesOf(row.name),
      created_on: timeOf(row.createdAt),
      email_verified: row.emailVerified === true || row.emailVerified === 1 || undefined,
      disabled: row.banned === true || row.banned === 1 || undefined,
    }),
  });

/** Both of Auth0's exports: of users, and of password hashes, which has MongoDB's ids. */
function auth0(row: Row): Row {
  const mongo = v.safeParse(v.object({ _id: v.object({ $oid: v.string() }) }), row);
  return {
    external_id: row.user_id ?? (mongo.success ? `auth0|${mongo.output._id.$oid}` : undefined),
    email: row.email,
    password_hash: hashOf(row.passwordHash ?? row.password_hash),
    ...filled({
      ...(row.given_name || row.family_name
        ? { first_name: row.given_name, last_name: row.family_name }
        : namesOf(row.name === row.email ? undefined : row.name)),
      created_on: timeOf(row.created_at),
      email_verified: row.email_verified === true || undefined,
      disabled: row.blocked === true || undefined,
    }),
  };
}

/** A header with the names of our own form, and texts. */
function csv(row: Row): Row {
  const { password_hash, ...others } = row;
  const given = filled(others);
  const boolean = (name: string) =>
    given[name] === undefined
      ? {}
      : { [name]: { true: true, false: false }[String(given[name])] ?? given[name] };
  return {
    ...given,
    password_hash: hashOf(password_hash),
    ...boolean("email_verified"),
    ...boolean("disabled"),
    ...(given.created_on !== undefined && { created_on: timeOf(given.created_on) }),
  };
}

const numbered = (rows: readonly Row[], read: (row: Row) => Row): Given[] =>
  rows.map((raw, index) => ({ at: `account ${index + 1}`, fields: read(raw), raw }));

/** JSON lines, or one list: exports come as either. */
function listed(text: string): readonly Row[] {
  if (text.trimStart().startsWith("[")) return v.parse(Rows, JSON.parse(text));
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return v.parse(
    Rows,
    lines.map((line) => JSON.parse(line)),
  );
}

const READERS = {
  django: (text: string) =>
    v
      .parse(DjangoDump, JSON.parse(text))
      .filter(({ fields }) => "password" in fields)
      .map((each) => ({
        at: `${each.model} ${each.pk}`,
        fields: django(each),
        raw: each.fields,
      })),
  laravel: (text: string) => numbered(listed(text), laravel),
  "better-auth": (text: string) => {
    const { user, account } = v.parse(BetterAuth, JSON.parse(text));
    const withPassword = account.filter(({ providerId }) => providerId === "credential");
    const passwords = new Map(withPassword.map(({ userId, password }) => [userId, password]));
    return numbered(user, betterAuth(passwords));
  },
  auth0: (text: string) => numbered(listed(text), auth0),
  csv: (text: string) =>
    numbered(v.parse(Rows, parse(text, { columns: true, skip_empty_lines: true })), csv),
} as const satisfies Readonly<Record<string, (text: string) => readonly Given[]>>;

export type Format = keyof typeof READERS;

export const FORMATS = Object.keys(READERS) as readonly Format[];

/** What each is, for the error. */
const IS: Readonly<Record<Format, string>> = {
  django: "what `manage.py dumpdata` prints",
  laravel: "the table `users` as a JSON list or JSON lines",
  "better-auth": "a JSON object with the tables `user` and `account`",
  auth0: "Auth0's export as a JSON list or JSON lines",
  csv: "CSV with a header",
};

/** @throws CliError where the file is not of the format at all; it quotes nothing of it, which has secrets */
export function givenIn(text: string, format: Format): readonly Given[] {
  try {
    return READERS[format](text.replace(/^\uFEFF/, ""));
  } catch {
    throw new CliError(`This is no export of ${format}, which is ${IS[format]}.`);
  }
}
