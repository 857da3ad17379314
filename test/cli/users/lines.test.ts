import { describe, expect, it } from "vitest";
import { readLines } from "../../../src/cli/users/import.ts";

const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
const HASH = "pbkdf2_sha256$720000$seasalt$FaIzshmIzw0hjXMro3gpiXiW+k5BtxwkHfkq/Z44OeI=";
const good = { email: "ada@example.com", password_hash: HASH };
const read = (...lines: readonly unknown[]) =>
  readLines(lines.map((line) => JSON.stringify(line)).join("\n"), NOW_MS);

describe("a valid line", () => {
  it("needs an email and a hash", () => {
    const { users, errors } = read({ email: " ADA@Example.com ", password_hash: HASH });
    expect(errors).toEqual([]);
    expect(users).toEqual([
      {
        at: "line 1",
        user: {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          email: "ada@example.com",
          password: HASH,
          role: "User",
          first_name: null,
          last_name: null,
          phone_number: null,
          dob: null,
          gender: null,
          created_on: NOW_MS,
          modified_on: NOW_MS,
          verified_on: null,
        },
      },
    ]);
  });

  it("may have more members", () => {
    const more = {
      first_name: "Ada",
      phone_number: "+15551234567",
      dob: "1915-12-10",
      role: "Admin",
    };
    const [line] = read({
      ...good,
      ...more,
      email_verified: true,
      created_on: "2021-05-04T12:00:00Z",
    }).users;
    expect(line?.user).toMatchObject({
      ...more,
      created_on: Date.parse("2021-05-04T12:00:00Z"),
      verified_on: NOW_MS,
    });
  });

  it("may have no hash, and then no password matches", () => {
    expect(read({ ...good, password_hash: null }).users[0]?.user.password).toBe("!");
  });

  it("may be between empty lines, after a byte order mark and before CR LF", () => {
    const { users, errors } = readLines(`\uFEFF${JSON.stringify(good)}\r\n\r\n`, NOW_MS);
    expect([users.length, errors]).toEqual([1, []]);
  });
});

it("every error is listed with its line, and without values", () => {
  const secret = "S3CR3T";
  const { users, errors } = read(
    good,
    secret,
    { email: "x", password_hash: secret },
    { ...good, email: "b@example.com", role: secret, [secret.toLowerCase()]: 1 },
    { ...good, email: "c@example.com", first_name: secret.repeat(9), created_on: "yesterday" },
    { email: "d@example.com" },
    { ...good, email: "e@example.com", password_hash: HASH.replace("720000", "7200000") },
    { ...good, email: "ADA@example.com" },
    { ...good, email: "f@example.com", password_hash: `$2b$14$${"a".repeat(53)}` },
    {
      ...good,
      email: "g@example.com",
      password_hash: `argon2$argon2id$v=19$m=102400,t=2,p=8$${"A".repeat(22)}$${"A".repeat(43)}`,
    },
  );
  expect(users).toHaveLength(1);
  expect(errors).toEqual([
    "line 2: must be an object",
    "line 3: email must be 5 to 80 characters",
    "line 3: email must be an email address",
    "line 3: password_hash is no password hash of Django, bcrypt, better-auth or Argon2 that is known here",
    "line 4: role must be User or Admin",
    "line 4: s3cr3t is not known",
    "line 5: first_name must be 1 to 24 characters",
    "line 5: created_on must be a date and time as 2021-05-04T12:00:00Z",
    "line 6: password_hash is missing",
    "line 7: password_hash asks for 7200000 rounds of PBKDF2; a login can compute at most 1200000",
    "line 8: email is the same as in line 1",
    "line 9: password_hash asks for a bcrypt cost of 14; a login can compute at most 13",
    "line 10: password_hash asks for 102400 KiB of memory for Argon2id; a login can compute at most 65536",
  ]);
});

it("reports a line that is not JSON", () => {
  expect(readLines(`{"email":\n${JSON.stringify(good)}`, NOW_MS)).toMatchObject({
    users: [{ at: "line 2" }],
    errors: ["line 1: is not JSON"],
  });
});
