import { beforeAll, beforeEach, expect, it } from "vitest";
import { passwordsOver } from "../../src/crypto/passwords.ts";
import { type Answered, newUser, PASSWORD, type Send } from "../support/client.ts";
import { service } from "../support/service.ts";
import { quickArgon2id } from "../support/quick-hashes.ts";

/** The work that each Argon2id hash asks for. */
const hashes: number[] = [];
const passwords = passwordsOver((params) => {
  hashes.push(params.memorySize * params.passes);
  return quickArgon2id(params);
});
const call = service({}, { passwords });

let emails: Record<"wrong password" | "unknown email" | "deleted account", string>;

beforeAll(async () => {
  const [living, gone] = [await newUser(), await newUser()];
  const json = { password: PASSWORD };
  expect((await call("DELETE", "/rest/user", { basic: gone, json })).status).toBe(200);
  emails = {
    "wrong password": living.email,
    "unknown email": "nobody@example.com",
    "deleted account": gone.email,
  };
});
beforeEach(() => {
  hashes.length = 0;
});

type Login = (email: string, password: string) => Promise<Answered>;
const basic =
  (method: string, path: string, more: Send = {}): Login =>
  (email, password) =>
    call(method, path, { ...more, basic: { email, password } });

const LOGINS: readonly (readonly [string, Login, number])[] = [
  [
    "POST /tokens",
    (email_id, password) => call("POST", "/tokens", { json: { email_id, password } }),
    400,
  ],
  [
    "POST /api/token/",
    (email, password) => call("POST", "/api/token/", { json: { email, password } }),
    401,
  ],
  ["Basic at GET /rest/auth", basic("GET", "/rest/auth"), 401],
  ["Basic at POST /rest/token", basic("POST", "/rest/token", { json: { name: "x" } }), 401],
  [
    "Basic at POST /api/generate-action-token",
    basic("POST", "/api/generate-action-token", { json: {} }),
    401,
  ],
  [
    "Basic at POST /api/run-action-token",
    basic("POST", "/api/run-action-token", { json: { token: "x" } }),
    401,
  ],
  ["Basic at GET /tokens", basic("GET", "/tokens"), 401],
];

it.each(LOGINS)("%s does not say whether there is an account", async (_, login, status) => {
  const seen: unknown[] = [];
  for (const email of Object.values(emails)) {
    hashes.length = 0;
    const { headers, text, status } = await login(email, "wrong password");
    seen.push({ status, text, headers: Object.fromEntries(headers), work: [...hashes] });
  }
  // One hash of OWASP's m=19 MiB and t=2, and the same answer to the last byte.
  expect(seen[0]).toMatchObject({ status, work: [19 * 1024 * 2] });
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

it("a deleted account's own password is a wrong one", async () => {
  const own = await basic("GET", "/rest/auth")(emails["deleted account"], PASSWORD);
  expect(own).toMatchObject({ status: 401, json: { message: "Wrong credentials" } });
  expect(hashes).toHaveLength(1);
});

it("a right password costs the same hash", async () => {
  const answer = await basic("GET", "/rest/auth")(emails["wrong password"], PASSWORD);
  expect(answer.status).toBe(200);
  expect(hashes).toEqual([19 * 1024 * 2]);
});
