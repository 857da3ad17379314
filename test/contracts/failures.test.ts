import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import {
  type Answered,
  call,
  newApiToken,
  newCaller,
  newSession,
  type TestUser,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

let user: TestUser & { access: string; refresh: string };
let session = "";
let action = "";
let logged: MockInstance<typeof console.error>;

beforeAll(async () => {
  user = await newCaller();
  session = await newSession(user);
  const answer = await call("POST", "/api/generate-action-token", {
    bearer: user.access,
    json: { action: "addContact", payload: { contact_id: user.id } },
  });
  action = textAt(answer, "token", "token");
});
beforeEach(() => {
  logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
});

/** A request of each surface that asks D1, and what the surface says of a defect. What it says of a store that fails is in test/faults. */
const ASKS_D1: readonly [string, () => Promise<Answered>, object][] = [
  [
    "jwt-pair login",
    () => call("POST", "/api/token/", { json: { email: user.email, password: user.password } }),
    { detail: "Internal server error." },
  ],
  [
    "jwt-pair verify",
    () => call("POST", "/api/token/verify/", { json: { token: user.access } }),
    { detail: "Internal server error." },
  ],
  [
    "session-tokens",
    () => call("GET", "/tokens", { xToken: session }),
    { error: "some internal error happened" },
  ],
  [
    "session-tokens extend",
    () => call("PUT", "/tokens", { json: { token: session, extend: true } }),
    { error: "some internal error happened" },
  ],
  [
    "rest-tokens",
    () => call("GET", "/rest/auth", { basic: user }),
    { success: false, message: "Internal server error", status: 500 },
  ],
  [
    "rest-tokens list",
    () => call("GET", "/rest/token/list", { bearer: user.access }),
    { success: false, message: "Internal server error", status: 500 },
  ],
  [
    "action-tokens",
    () => call("GET", "/api/action-tokens", { xAuthToken: user.access }),
    { message: "Server Error" },
  ],
];

describe("KV that does not answer", () => {
  const failing = () => Promise.reject(new Error("KV GET failed: 500"));

  it("gives 503 where KV is asked for the token", async () => {
    vi.spyOn(env.KV, "get").mockImplementation(failing);
    const json = { message: "Service Unavailable", request_id: expect.any(String) };
    const answer = await call("POST", "/api/run-action-token", { json: { token: action } });
    expect(answer).toMatchObject({ status: 503, json });
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  });

  it("gives 503 where KV alone answers", async () => {
    const lagging = service({ REVOCATION_LAG_SECONDS: "60" });
    const { secret } = await newApiToken(user.access);
    vi.spyOn(env.KV, "get").mockImplementation(failing);
    expect((await lagging("GET", "/rest/user", { bearer: secret })).status).toBe(503);
    expect((await lagging("GET", "/tokens", { xToken: session })).status).toBe(503);
  });

  it("fails no request that only copies to it", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(env.KV, "put").mockImplementation(failing);
    const { secret } = await newApiToken(user.access);
    expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(200);
  });
});

describe("an unexpected error gives the fixed text and the request's id", () => {
  it.each(ASKS_D1)("%s", async (_, send, internal) => {
    // A row that is none of ours: a bug, and not a store that fails.
    const statement = env.DB.prepare("SELECT 'secret of the database' AS nonsense");
    vi.spyOn(env.DB, "prepare").mockImplementation(() =>
      Object.assign(Object.create(statement), {
        bind: () => statement,
      }),
    );
    const answer = await send();
    const id = answer.headers.get("x-request-id") ?? "";
    expect(answer.status).toBe(500);
    expect(id).toMatch(/^[0-9a-f-]{16,}$/);
    expect(answer.json).toEqual({ ...internal, request_id: id });
    expect(answer.headers.get("cache-control")).toBe("no-store");

    const lines = logged.mock.calls.flat().map(String);
    expect(lines.filter((line) => line.includes(id))).toHaveLength(1);
    for (const secret of [user.password, user.access, user.refresh, session]) {
      expect(lines.join("\n")).not.toContain(secret);
    }
  });

  it("keeps the id that Cloudflare gave the request", async () => {
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("down");
    });
    const headers = { "cf-ray": "8f0c1d2e3f4a5b6c-AMS" };
    const answer = await call("GET", "/tokens", { xToken: session, headers });
    expect(answer.headers.get("x-request-id")).toBe("8f0c1d2e3f4a5b6c-AMS");
  });
});

it("serves its health without any store", async () => {
  vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("down");
  });
  expect(await call("GET", "/health")).toMatchObject({ status: 200, json: { status: "ok" } });
});

it("without a request's id the answer is the surface's own all the same", async () => {
  vi.spyOn(crypto, "randomUUID").mockImplementation(() => {
    throw new Error("no randomness");
  });
  const answers = await Promise.all([
    call("POST", "/api/token/", { json: {} }),
    call("GET", "/tokens"),
    call("GET", "/rest/user"),
    call("GET", "/nothing"),
  ]);
  expect(answers.map(({ status, json }) => [status, json])).toEqual([
    [500, { detail: "Internal server error.", request_id: "" }],
    [500, { error: "some internal error happened", request_id: "" }],
    [500, { success: false, message: "Internal server error", status: 500, request_id: "" }],
    [500, { type: "about:blank", title: "Internal Server Error", status: 500, request_id: "" }],
  ]);
  for (const { headers } of answers) expect(headers.get("access-control-allow-origin")).toBe("*");
  expect(logged.mock.calls.flat().join()).toContain("no randomness");
});
