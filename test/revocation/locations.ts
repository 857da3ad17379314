import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import type { Passwords } from "../../src/core/passwords.ts";
import { type Bindings, servicesOver } from "../../src/services.ts";
import { type Call, over, PASSWORD, textAt } from "../support/client.ts";
import { rules } from "../support/guard.ts";
import { noHa1b } from "../support/no-ha1b.ts";
import { intercept } from "./storage.ts";

/** A hash takes 40 ms, and nothing here is about hashing. */
const cheapPasswords: Passwords = {
  hash: async (password) => `plain:${password}`,
  verify: async (password, phc) => (phc === `plain:${password}` ? "match" : "mismatch"),
  isCommon: () => false,
};

export interface Place {
  readonly call: Call;
  /** Waits for what goes on after answers have gone out. */
  settled(): Promise<void>;
  housekeeping(): Promise<unknown>;
  /** As a page does it. */
  logOutOthers(session: string): Promise<unknown>;
}

/** As if each write came a second after the last: or else a test would take all those seconds. */
function patient(bindings: Bindings): Bindings {
  return intercept(bindings, (_, run) => {
    rules.secondPasses();
    return run();
  });
}

export type Settings = Readonly<Record<string, string>>;

/** One isolate with a memory of its own, over these bindings. */
export function isolate(settings: Settings, bindings: Bindings = env): Place {
  const config = readConfig({ ...env, ...settings });
  let work: Promise<unknown>[] = [];
  const services = servicesOver(patient(bindings), config, {
    waitUntil: (promise) => void work.push(promise),
    passwords: cheapPasswords,
    ha1bHashes: noHa1b,
  });
  const { fetch } = app(services, config);
  return {
    call: over((request) => fetch(request)),
    async settled() {
      while (work.length > 0) {
        const waiting = work;
        work = [];
        await Promise.all(waiting);
      }
    },
    housekeeping: () => services.housekeeping(Date.now()),
    async logOutOthers(token) {
      const caller = await services.authenticate({ method: "session", token }, Date.now());
      return services.logins.revokeOthers(caller, Date.now());
    },
  };
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

export async function signUp(call: Call, password = PASSWORD): Promise<Person> {
  const email = `${crypto.randomUUID()}@example.com`;
  const answer = await call("POST", "/rest/user", { json: { email, password } });
  return { id: textAt(answer, "payload", "uuid"), email, password };
}

export async function logIn(call: Call, { email, password }: Person) {
  const answer = await call("POST", "/api/token/", { json: { email, password } });
  return { access: textAt(answer, "access"), refresh: textAt(answer, "refresh") };
}

export async function openSession(call: Call, { email, password }: Person): Promise<string> {
  const answer = await call("POST", "/tokens", { json: { email_id: email, password } });
  return textAt(answer, "data", "token");
}

export async function apiToken(call: Call, bearer: string, name = "test", ttl?: number) {
  const answer = await call("POST", "/rest/token", { bearer, json: { name, ttl } });
  return { secret: textAt(answer, "payload", "token"), uuid: textAt(answer, "payload", "uuid") };
}

/** An action token whose run makes `contactId` a contact of the runner. */
export async function actionToken(
  call: Call,
  bearer: string,
  contactId: string,
  more: Readonly<Record<string, unknown>> = {},
) {
  const json = { action: "addContact", payload: { contact_id: contactId }, ...more };
  const answer = await call("POST", "/api/generate-action-token", { bearer, json });
  return { secret: textAt(answer, "token", "token"), id: textAt(answer, "token", "id") };
}

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const [, payload = ""] = jwt.split(".");
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}
