import { writeFileSync } from "node:fs";
import { createWaves } from "../budget/waves.ts";
import { sqliteD1 } from "../simulation/sqlite-d1.ts";

/** `node test/bench/trips.ts` counts better-auth's trips to D1, one after another, as test/budget does ours. */
const waves = createWaves();
// By a variable: the types of Workers and those of Node do not go together.
const path: string = "./workers/better-auth.ts";
const worker: { fetch(request: Request, env: unknown): Promise<Response> } = (await import(path))
  .default;
const d1 = sqliteD1("").binding((_, work) => waves.through(async () => work(), true));
/** By `exec` better-auth knows a D1. */
const DB = { ...d1, exec: () => Promise.reject(new Error("not used")) };

async function ask(path: string, body?: unknown, headers: Record<string, string> = {}) {
  waves.begin();
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const request = new Request(`http://localhost${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { origin: "http://localhost", ...json, ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const response = await worker.fetch(request, { DB });
  const { trips } = waves.count();
  const answer = { trips, headers: response.headers, text: await response.text() };
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${answer.text}`);
  return answer;
}

const login = { email: "ada@example.com", password: "correct horse battery" };
await ask("/migrate");
// The first request of an isolate asks for the tables.
await ask("/api/auth/sign-up/email", { name: "Ada", ...login });
const signUp = await ask("/api/auth/sign-up/email", {
  ...login,
  name: "Ben",
  email: "ben@example.com",
});
const signIn = await ask("/api/auth/sign-in/email", login);
const bearer = { authorization: `Bearer ${signIn.headers.get("set-auth-token")}` };
await ask("/api/auth/get-session", undefined, bearer);
const session = await ask("/api/auth/get-session", undefined, bearer);
// The first one creates the keys.
await ask("/api/auth/token", undefined, bearer);
const jwt = await ask("/api/auth/token", undefined, bearer);
const verified = await ask("/verify", undefined, {
  authorization: `Bearer ${JSON.parse(jwt.text).token}`,
});
const found = { signUp, signIn, session, jwt, verified };
const trips = Object.fromEntries(Object.entries(found).map(([name, each]) => [name, each.trips]));
console.log(trips);
writeFileSync(
  new URL("results/better-auth-trips.json", import.meta.url),
  `${JSON.stringify(trips).replaceAll(/[:,{]/g, "$& ").replace("}", " }")}\n`,
);
