import { expect, it, vi } from "vitest";
import { call, newCaller, PASSWORD } from "../support/client.ts";
import { service } from "../support/service.ts";

// The answers of a range API that can be reached are in test/clients/pwned-passwords.test.ts.

const json = () => ({ email: `${crypto.randomUUID()}@example.com`, password: PASSWORD });
/** Nothing listens there. */
const UNREACHABLE = "http://127.0.0.1:9";

it("is off by default: nobody outside is asked", async () => {
  const fetch = vi.spyOn(globalThis, "fetch");
  expect((await call("POST", "/rest/user", { json: json() })).status).toBe(201);
  expect(fetch).not.toHaveBeenCalled();
});

it("lets a password pass where the list cannot be asked, with a log line that says nothing of it", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const asking = service({ PWNED_PASSWORDS: "on", PWNED_PASSWORDS_URL: UNREACHABLE });
  expect((await asking("POST", "/rest/user", { json: json() })).status).toBe(201);
  expect(warn.mock.calls.flat().map((line) => JSON.parse(String(line)))).toEqual([
    {
      level: "warn",
      request_id: expect.any(String),
      failed: "ask for leaked passwords",
      cause: "it could not be reached",
    },
  ]);
});

it("asks about a new password only once the current one was shown", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const asking = service({ PWNED_PASSWORDS: "on", PWNED_PASSWORDS_URL: UNREACHABLE });
  const { access } = await newCaller();
  const change = (current_password: string) =>
    asking("PATCH", "/rest/user", {
      bearer: access,
      json: { password: "an entirely new password", current_password },
    });
  expect((await change("not the password")).status).toBe(401);
  expect(warn).not.toHaveBeenCalled();
  expect((await change(PASSWORD)).status).toBe(200);
  expect(warn).toHaveBeenCalledOnce();
});
