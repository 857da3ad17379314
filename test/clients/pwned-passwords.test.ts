import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "./server.ts";

const PASSWORD = "a leaked but uncommon one";
const digest = createHash("sha1").update(PASSWORD).digest("hex").toUpperCase();
const [prefix, suffix] = [digest.slice(0, 5), digest.slice(5)];
const OTHER = "0018A45C4D1DEF81644B54AB7F969B88D65";

interface Asked {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingMessage["headers"];
}

/** Have I Been Pwned as it answers on loopback, and what it was asked. */
let answer: (response: ServerResponse) => void;
let asked: Asked[];
const list = createServer(({ url, method, headers }, response) => {
  asked.push({ url, method, headers });
  answer(response);
});

const lines =
  (...each: readonly string[]) =>
  (response: ServerResponse) =>
    response.end(each.join("\r\n"));

let server: RunningServer;
beforeAll(async () => {
  await new Promise<void>((resolve) => list.listen(0, "127.0.0.1", resolve));
  const address = list.address();
  if (typeof address !== "object" || address === null) throw new Error("it does not listen");
  server = await startServer({
    PWNED_PASSWORDS: "on",
    PWNED_PASSWORDS_URL: `http://127.0.0.1:${address.port}`,
  });
});
afterAll(async () => {
  await server.close();
  list.closeAllConnections();
  list.close();
});
beforeEach(() => {
  asked = [];
});

const send = (method: string, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${server.origin}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const email = () => `${crypto.randomUUID()}@example.com`;
const signUp = (password = PASSWORD) => send("POST", "/rest/user", { email: email(), password });

const REFUSED = {
  success: false,
  message: "password is known to have leaked elsewhere: choose another",
  status: 400,
};

describe("with PWNED_PASSWORDS on", () => {
  it("a leaked password is refused at sign-up, and five characters of its digest are all that is told", async () => {
    answer = lines(`${OTHER}:3`, `${suffix}:42`);
    const refused = await signUp();
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual(REFUSED);
    expect(asked).toHaveLength(1);
    const [{ url, method, headers }] = asked as [Asked];
    expect([method, url]).toEqual(["GET", `/range/${prefix}`]);
    expect(headers["add-padding"]).toBe("true");
    expect(JSON.stringify(asked)).not.toContain(suffix.slice(0, 6));
    expect(JSON.stringify(asked)).not.toContain("leaked but");
  });

  it("a leaked password is refused at a change, and what was stays", async () => {
    answer = lines(`${suffix}:1`);
    const person = { email: email(), password: "another one that nobody has" };
    expect((await send("POST", "/rest/user", person)).status).toBe(201);
    const basic = `Basic ${btoa(`${person.email}:${person.password}`)}`;
    const change = { password: PASSWORD, current_password: person.password };
    const refused = await send("PATCH", "/rest/user", change, { authorization: basic });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual(REFUSED);
    const own = await fetch(`${server.origin}/rest/user`, { headers: { authorization: basic } });
    expect(own.status).toBe(200);
  });

  it("a common one is refused before anybody is asked", async () => {
    expect((await signUp("password1")).status).toBe(400);
    expect(asked).toEqual([]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["does not list it", lines(`${OTHER}:3`)],
    ["lists it as padding", lines(`${suffix}:0`, `${OTHER}:3`)],
    ["lists nothing", lines("")],
    ["answers 500", (response) => response.writeHead(500).end(`${suffix}:42`)],
    ["answers 429", (response) => response.writeHead(429).end()],
    ["answers without end", (response) => response.write(`${OTHER}:3\r\n`)],
    ["does not answer", () => {}],
    ["breaks off", (response) => response.destroy()],
    ["answers a page", lines("<html>".repeat(50_000))],
  ])("a password passes where the list %s", async (_, answers) => {
    answer = answers;
    const startMs = performance.now();
    expect((await signUp()).status).toBe(201);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(asked).toHaveLength(1);
  });
});
