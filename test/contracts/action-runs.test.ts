import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Answered,
  at,
  call,
  itemsAt,
  newApiToken,
  newPair,
  newUser,
  type Send,
  type TestUser,
  textAt,
} from "../support/client.ts";

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

interface Person extends TestUser {
  readonly access: string;
}
let issuer: Person;
let runner: Person;
let third: Person;

async function newPerson(first_name: string): Promise<Person> {
  const user = await newUser({ first_name, last_name: "Smith" });
  return { ...user, ...(await newPair(user)) };
}
async function newPeople(): Promise<void> {
  [issuer, runner, third] = [
    await newPerson("Ida"),
    await newPerson("Rob"),
    await newPerson("Tess"),
  ];
}

async function issue(contact: Person, more: object = {}): Promise<string> {
  const json = { action: "addContact", payload: { contact_id: contact.id }, ...more };
  const answer = await call("POST", "/api/generate-action-token", { bearer: issuer.access, json });
  return textAt(answer, "token", "token");
}
const run = (token: string, by: Person | null, headers: Send["headers"] = {}) =>
  call("POST", "/api/run-action-token", {
    json: { token },
    headers,
    ...(by !== null && { bearer: by.access }),
  });
async function contactsOf(person: Person): Promise<unknown[]> {
  const answer = await call("GET", "/api/user/get-contacts", { bearer: person.access });
  return itemsAt(answer, "data", "contacts").map((item) => Object(item).contact.id);
}
function expectRefused(answer: Answered, reason: string): void {
  expect(answer.status).toBe(422);
  expect(answer.json).toEqual({
    status: "action_token_invalid",
    message: expect.stringMatching(/\w/),
    reason,
  });
}

describe("a run", () => {
  beforeEach(newPeople);

  it("answers with its receipt, and links both ways with the issuer", async () => {
    const answer = await run(await issue(issuer), runner);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      status: "action_success",
      action: "addContact",
      data: { contact_id: issuer.id, mutual: true },
      receipt: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        token_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        action: "addContact",
        run_by: runner.id,
        run_at: expect.stringMatching(ISO),
      },
    });
    expect(await contactsOf(runner)).toEqual([issuer.id]);
    expect(await contactsOf(issuer)).toEqual([runner.id]);
  });

  it("links one way with a user who has not agreed", async () => {
    const answer = await run(await issue(third), runner);
    expect(at(answer, "data")).toEqual({ contact_id: third.id, mutual: false });
    expect(await contactsOf(runner)).toEqual([third.id]);
    expect(await contactsOf(third)).toEqual([]);
    expect(await contactsOf(issuer)).toEqual([]);
  });

  it("is for the issuer where nobody is logged in", async () => {
    const answer = await run(await issue(third), null);
    expect(at(answer, "receipt", "run_by")).toBe(issuer.id);
    expect(await contactsOf(issuer)).toEqual([third.id]);
  });

  it("of a contact that there already is changes nothing and succeeds", async () => {
    const token = await issue(issuer, { max_uses: 2 });
    await run(token, runner);
    const before = await call("GET", "/api/user/get-contacts", { bearer: runner.access });
    expect((await run(token, runner)).status).toBe(200);
    const after = await call("GET", "/api/user/get-contacts", { bearer: runner.access });
    expect(after.json).toEqual(before.json);
  });

  it("shows contacts with their names, newest first", async () => {
    await run(await issue(issuer), runner);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 1_000);
    await run(await issue(third), runner);
    const answer = await call("GET", "/api/user/get-contacts", { bearer: runner.access });
    expect(answer.status).toBe(200);
    const contact = ({ id }: Person, first_name: string) => ({
      contact: { id, first_name, last_name: "Smith" },
      created_at: expect.stringMatching(ISO),
    });
    expect(answer.json).toEqual({
      data: { contacts: [contact(third, "Tess"), contact(issuer, "Ida")] },
      next_cursor: null,
    });
  });
});

describe("a run is refused", () => {
  beforeAll(newPeople);

  it("for a token that is unknown or malformed", async () => {
    const token = await issue(issuer);
    for (const each of ["sit", `${token}x`, token.toLowerCase(), issuer.access]) {
      expectRefused(await run(each, runner), "unknown");
    }
  });

  it("when it has expired", async () => {
    const token = await issue(third, { ttl: 60 });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    expectRefused(await run(token, runner), "expired");
    expect(await contactsOf(runner)).not.toContain(third.id);
  });

  it("as expired, not as revoked, when the API token that it was created with has expired", async () => {
    const { secret } = await newApiToken(issuer.access, "short", 60);
    const json = { action: "addContact", payload: { contact_id: third.id } };
    const issued = await call("POST", "/api/generate-action-token", { xAuthToken: secret, json });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    expectRefused(await run(textAt(issued, "token", "token"), runner), "expired");
  });

  it("when it has been used up", async () => {
    const token = await issue(issuer, { max_uses: 2 });
    expect((await run(token, runner)).status).toBe(200);
    expect((await run(token, third)).status).toBe(200);
    expectRefused(await run(token, runner), "used");
  });

  it("and then has had no effect", async () => {
    const token = await issue(third);
    expect((await run(token, issuer)).status).toBe(200);
    expectRefused(await run(token, runner), "used");
    expect(await contactsOf(runner)).not.toContain(third.id);
  });

  it("to all but the first of many at once", async () => {
    const token = await issue(issuer, { max_uses: 3 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => run(token, runner)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(3);
    for (const answer of answers.filter((each) => each.status !== 200)) {
      expectRefused(answer, "used");
    }
  });

  it("to all but the audience", async () => {
    const token = await issue(issuer, { audience: runner.id });
    for (const by of [third, issuer, null]) expectRefused(await run(token, by), "audience");
    expect((await run(token, runner)).status).toBe(200);
  });

  it("by the action: nobody is their own contact", async () => {
    const token = await issue(issuer);
    for (const by of [issuer, null]) expectRefused(await run(token, by), "rejected");
    expect((await run(token, runner)).status).toBe(200);
  });

  it("by the action: the contact is gone", async () => {
    const gone = await newPerson("Gone");
    const token = await issue(gone);
    const json = { password: gone.password };
    await call("DELETE", "/rest/user", { bearer: gone.access, json });
    expectRefused(await run(token, runner), "rejected");
    const list = await call("GET", "/api/action-tokens", { bearer: issuer.access });
    expect(itemsAt(list, "data")).toContainEqual(
      expect.objectContaining({ payload: { contact_id: gone.id }, uses: 0 }),
    );
  });

  // Each line is of one token for which two reasons hold.
  it("for what the token itself says, before what the action thinks", async () => {
    const spent = await issue(issuer);
    expect((await run(spent, runner)).status).toBe(200);
    // By its issuer, who would become their own contact.
    for (const by of [issuer, null]) expectRefused(await run(spent, by), "used");

    const forOne = await issue(issuer, { audience: runner.id });
    for (const by of [issuer, third, null]) expectRefused(await run(forOne, by), "audience");
    expect((await run(forOne, runner)).status).toBe(200);
    for (const by of [issuer, third, null]) expectRefused(await run(forOne, by), "used");

    const made = await call("POST", "/api/generate-action-token", {
      bearer: issuer.access,
      json: { action: "addContact", payload: { contact_id: issuer.id }, audience: runner.id },
    });
    const path = `/api/action-tokens/${textAt(made, "token", "id")}`;
    expect((await call("DELETE", path, { bearer: issuer.access })).status).toBe(204);
    const revoked = textAt(made, "token", "token");
    for (const by of [issuer, runner, third, null])
      expectRefused(await run(revoked, by), "revoked");

    const [own, other] = [await issue(issuer), await issue(third, { audience: runner.id })];
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 3_600_000);
    expectRefused(await run(spent, null), "used");
    expectRefused(await run(revoked, null), "revoked");
    expectRefused(await run(own, null), "expired");
    expectRefused(await run(other, null), "expired");
  });

  it.each([
    [{}, "The token field is required."],
    [{ token: null }, "The token field is required."],
    [{ token: "" }, "The token field is required."],
    [{ token: " " }, "The token field is required."],
    [{ token: 1 }, "The token must be a string."],
  ])("without a token as text: %j", async (json, text) => {
    const answer = await call("POST", "/api/run-action-token", { json });
    expect(answer.status).toBe(422);
    expect(answer.json).toEqual({
      message: "The given data was invalid.",
      errors: { token: [text] },
    });
  });

  it("as GET", async () => {
    const token = await issue(issuer);
    const answer = await call("GET", `/api/run-action-token?token=${token}`, {
      bearer: runner.access,
    });
    expect(answer.status).toBe(405);
    expect((await run(token, runner)).status).toBe(200);
  });
});

describe("Idempotency-Key", () => {
  beforeAll(newPeople);

  it("gets the same receipt again, and no second run", async () => {
    const token = await issue(issuer, { max_uses: 2 });
    const first = await run(token, runner, { "idempotency-key": '"a-key"' });
    // With and without the quotes it is one key.
    const again = await run(token, runner, { "idempotency-key": "a-key" });
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, json: first.json });
    const list = await call("GET", "/api/action-tokens", { bearer: issuer.access });
    expect(at(list, "data", 0, "uses")).toBe(1);
  });

  it("belongs to its caller and its token", async () => {
    const key = { "idempotency-key": "shared" };
    const token = await issue(issuer, { max_uses: 2 });
    expect((await run(token, runner, key)).status).toBe(200);
    for (const mismatch of [
      await run(token, third, key),
      await run(token, null, key),
      await run(await issue(third), runner, key),
    ]) {
      expect(mismatch).toMatchObject({ status: 422, json: { message: expect.any(String) } });
    }
  });

  it.each([
    ['"round 1"', "round 1"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"round 2";v=1; w', "round 2"],
    [`"${"k".repeat(255)}"`, "k".repeat(255)],
    ['  "spaced"  ', "spaced"],
  ])("is a string of RFC 9651, or the same without its quotes: %s", async (quoted, bare) => {
    const token = await issue(issuer, { max_uses: 3 });
    const first = await run(token, runner, { "idempotency-key": quoted });
    expect(first.status).toBe(200);
    expect((await run(token, runner, { "idempotency-key": bare })).text).toBe(first.text);
  });

  it.each([
    '"',
    '""',
    '"open',
    '"a"b"',
    '"a\\n"',
    '"a" b',
    '"tab\t"',
    '"a", "b"',
    "k\u00e9y",
    `"${"k".repeat(256)}"`,
    "k".repeat(256),
  ])("that is neither is 422: %j", async (key) => {
    const token = await issue(issuer);
    const answer = await run(token, runner, { "idempotency-key": key });
    expect(answer).toMatchObject({
      status: 422,
      json: { errors: { "Idempotency-Key": [expect.any(String)] } },
    });
    expect((await run(token, runner)).status).toBe(200);
  });
});
