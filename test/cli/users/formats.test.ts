import { describe, expect, it } from "vitest";
import { accountsOf, type Fix, FIXES } from "../../../src/cli/users/import.ts";
import { type Format, givenIn } from "../../../src/cli/users/import-formats.ts";
import { CliError } from "../../../src/cli/cli-error.ts";

const NOW_MS = Date.parse("2026-11-30T12:00:00Z");
const PBKDF2 = "pbkdf2_sha256$720000$seasalt$FaIzshmIzw0hjXMro3gpiXiW+k5BtxwkHfkq/Z44OeI=";
const BCRYPT = "$2y$12$abcdefghijklmnopqrstuurByPinJWI/V/0c5apkEb2KJQv7f.gZO";
const UUID = "3f0c1d2e-4b5a-4c6d-8e7f-a0b1c2d3e4f5";

const read = (
  format: Format,
  file: unknown,
  fixes: readonly Fix[] = [],
  metadata: readonly string[] = [],
) =>
  accountsOf(
    givenIn(typeof file === "string" ? file : JSON.stringify(file), format),
    new Set(fixes),
    NOW_MS,
    metadata,
  );

const person = (pk: unknown, fields: object) => ({
  model: "people.user",
  pk,
  fields: {
    password: PBKDF2,
    email: `p${pk}@example.com`,
    first_name: "",
    last_name: "",
    phone: "",
    birth_date: null,
    is_active: true,
    date_joined: "2021-05-04T12:00:00.123Z",
    plan: "gold",
    ...fields,
  },
});

describe("what dumpdata prints", () => {
  it("gives ids, blank fields, states and times", () => {
    const dump = [
      { model: "people.plan", pk: 1, fields: { name: "gold" } },
      person(17, { first_name: " Ada ", phone: "+49 170 1234567", birth_date: "1990-02-28" }),
      person(UUID.toUpperCase(), { email: "UPPER.Case@Example.COM", is_active: false }),
      person(18, { password: "!unusable", username: "ignored" }),
      person(19, { email: undefined, username: "by-name@example.com", password: "" }),
    ];
    const { users, errors } = read("django", dump, [], ["plan"]);
    expect(errors).toEqual([]);
    expect(users.map(({ at, user }) => ({ at, ...user }))).toMatchObject([
      {
        at: "people.user 17",
        external_id: "17",
        email: "p17@example.com",
        password: PBKDF2,
        first_name: "Ada",
        last_name: null,
        phone_number: "+491701234567",
        dob: "1990-02-28",
        role: "User",
        created_on: Date.parse("2021-05-04T12:00:00.123Z"),
        verified_on: null,
        metadata: '{"plan":"gold"}',
      },
      { id: UUID, email: "upper.case@example.com", disabled_on: NOW_MS },
      { external_id: "18", password: "!" },
      { external_id: "19", email: "by-name@example.com", password: "!" },
    ]);
    expect(users[1]?.user).not.toHaveProperty("external_id");
  });

  const ODD: readonly (readonly [Fix, object, object | null])[] = [
    ["email", { email: `${"x".repeat(90)}@example.com` }, null],
    [
      "password_hash",
      { password: "argon2$argon2id$v=19$m=102400,t=2,p=8$YWJjZGVmZ2g$AAAAAAAAAAAAAAAAAAAAAA" },
      { password: "!" },
    ],
    [
      "first_name",
      { first_name: "Wolfeschlegelsteinhausenbergerdorff" },
      { first_name: "Wolfeschlegelsteinhausen" },
    ],
    ["last_name", { last_name: "a\u202eb" }, { last_name: null }],
    ["phone_number", { phone: "0170 1234567" }, { phone_number: null }],
    ["dob", { birth_date: "2999-01-01" }, { dob: null }],
    ["gender", { gender: "x".repeat(30) }, { gender: null }],
  ];

  it.each(ODD)("%s: an error, and what --fix makes of it", (fix, fields, made) => {
    const dump = [person(1, fields)];
    const refused = read("django", dump);
    expect(refused.users).toEqual([]);
    expect(refused.errors).toHaveLength(1);
    expect([...(refused.wanted ?? [])]).toEqual([fix]);
    const { users, errors, fixed } = read("django", dump, [fix]);
    expect(errors).toEqual([]);
    expect(fixed).toEqual([expect.stringMatching(/^people\.user 1: /)]);
    expect(users.map(({ user }) => user)).toMatchObject(made === null ? [] : [made]);
  });

  it("two people with one email in two cases are told, and the first is taken", () => {
    const dump = [
      person(33, { email: "Dup@example.com" }),
      person(34, { email: "dup@example.com" }),
    ];
    expect(read("django", dump).errors).toEqual([
      "people.user 34: email is the same as in people.user 33",
    ]);
    expect(read("django", dump, ["twin"]).users.map(({ at }) => at)).toEqual(["people.user 33"]);
  });

  it("an id that comes twice is never fixed", () => {
    const dump = [person(1, {}), person(1, { email: "other@example.com" })];
    const { errors, wanted } = read("django", dump, Object.keys(FIXES) as Fix[]);
    expect(errors).toEqual(["people.user 1: id is the same as in people.user 1"]);
    expect(wanted).toBeNull();
  });
});

it("a table of Laravel", () => {
  const rows = [
    {
      id: 5,
      name: "Ada King Lovelace",
      email: "ada@example.com",
      password: BCRYPT,
      email_verified_at: "2020-01-01 00:00:00",
      created_at: "2019-12-31 23:00:00",
    },
    {
      id: UUID,
      name: "Plato",
      email: "plato@example.com",
      password: BCRYPT,
      email_verified_at: null,
      created_at: null,
    },
  ];
  for (const text of [JSON.stringify(rows), rows.map((row) => JSON.stringify(row)).join("\n")]) {
    const { users, errors } = read("laravel", text);
    expect(errors).toEqual([]);
    expect(users.map(({ user }) => user)).toMatchObject([
      {
        external_id: "5",
        first_name: "Ada King",
        last_name: "Lovelace",
        password: BCRYPT,
        verified_on: NOW_MS,
        created_on: Date.parse("2019-12-31T23:00:00Z"),
      },
      { id: UUID, first_name: "Plato", last_name: null, verified_on: null, created_on: NOW_MS },
    ]);
  }
});

it("the tables of better-auth", () => {
  const hash = `${"0a".repeat(16)}:${"1b".repeat(64)}`;
  const { users, errors } = read("better-auth", {
    user: [
      {
        id: "aBcD",
        name: "Ada",
        email: "ada@example.com",
        emailVerified: true,
        createdAt: "2024-01-02T03:04:05.000Z",
      },
      { id: "eFgH", name: "", email: "bob@example.com", emailVerified: 0, banned: 1 },
    ],
    account: [
      { userId: "aBcD", providerId: "google", password: null },
      { userId: "aBcD", providerId: "credential", password: hash },
      { userId: "eFgH", providerId: "google" },
    ],
  });
  expect(errors).toEqual([]);
  expect(users.map(({ user }) => user)).toMatchObject([
    {
      external_id: '"aBcD"',
      password: hash,
      verified_on: NOW_MS,
      created_on: Date.parse("2024-01-02T03:04:05Z"),
    },
    {
      external_id: '"eFgH"',
      password: "!",
      first_name: null,
      verified_on: null,
      disabled_on: NOW_MS,
    },
  ]);
});

it("both exports of Auth0", () => {
  const lines = [
    {
      user_id: "auth0|5f7c8ec7c33c6c004bbafe82",
      email: "ada@example.com",
      email_verified: true,
      given_name: "Ada",
      family_name: "Lovelace",
      created_at: "2020-10-06T15:31:03.000Z",
      blocked: false,
    },
    {
      _id: { $oid: "60425dc43519d90068f82973" },
      email: "bob@example.com",
      email_verified: false,
      passwordHash: "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu",
      tenant: "acme",
    },
  ];
  const { users, errors } = read("auth0", lines.map((line) => JSON.stringify(line)).join("\n"));
  expect(errors).toEqual([]);
  expect(users.map(({ user }) => user)).toMatchObject([
    {
      external_id: '"auth0|5f7c8ec7c33c6c004bbafe82"',
      first_name: "Ada",
      last_name: "Lovelace",
      verified_on: NOW_MS,
      password: "!",
    },
    {
      external_id: '"auth0|60425dc43519d90068f82973"',
      password: expect.stringMatching(/^\$2b\$10/),
      verified_on: null,
    },
  ]);
});

it("CSV with quotes, commas and line breaks in it", () => {
  const text = `email,password_hash,first_name,last_name,email_verified,disabled,external_id\r
ada@example.com,"${PBKDF2}","O""Brien","King, jr",true,false,7\r
bob@example.com,,,,,,\r
`;
  const { users, errors } = read("csv", text);
  expect(errors).toEqual([]);
  expect(users.map(({ user }) => user)).toMatchObject([
    {
      email: "ada@example.com",
      password: PBKDF2,
      first_name: 'O"Brien',
      last_name: "King, jr",
      verified_on: NOW_MS,
      external_id: '"7"',
    },
    { email: "bob@example.com", password: "!", verified_on: null },
  ]);
  expect(read("csv", "email,surname\nada@example.com,King\n").errors).toEqual([
    "account 1: surname is not known",
  ]);
});

it.each<[Format, string]>([
  ["django", '{"secret-value":1}'],
  ["laravel", "secret-value"],
  ["better-auth", "[]"],
  ["auth0", '["secret-value"]'],
  ["csv", 'a,"secret-value'],
])("what is no export of %s is an error that quotes nothing", (format, text) => {
  let error: unknown;
  try {
    givenIn(text, format);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CliError);
  expect(String(error)).not.toContain("secret-value");
});
