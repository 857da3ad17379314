import { env } from "cloudflare:workers";
import * as v from "valibot";
import { expect, vi } from "vitest";
import type { Passwords } from "../../src/core/passwords.ts";
import type { Bindings } from "../../src/services.ts";
import { type Answered, at, type Login, type Send, type TestUser } from "../support/client.ts";
import { CHEAP, isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

/** The secret of Standard Webhooks' own example. */
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const SETTINGS = {
  MAIL_WEBHOOK_URL: "https://mail.test/hook",
  MAIL_WEBHOOK_SECRET: SECRET,
};

const token = v.pipe(v.string(), v.startsWith("lk_act_"));
const time = v.pipe(v.string(), v.isoTimestamp());
const link = v.nullable(v.strictObject({ token, link: v.string(), expires_at: time }));
const place = v.nullable(v.string());
const login = v.strictObject({
  browser: place,
  system: place,
  country: place,
  city: place,
  way: v.string(),
});
const Notice = v.strictObject({
  type: v.literal("security_notice"),
  timestamp: time,
  data: v.strictObject({
    to: v.string(),
    notices: v.array(
      v.strictObject({
        kind: v.string(),
        at: time,
        subject: v.nullable(v.string()),
        login: v.optional(login),
      }),
    ),
    undo: link,
    revoke: link,
  }),
});
const Leak = v.strictObject({
  type: v.literal("tokens_leaked"),
  timestamp: time,
  data: v.strictObject({ to: v.string(), tokens: v.array(v.string()) }),
});
const LoginMail = v.strictObject({
  type: v.literal("email_login"),
  timestamp: time,
  data: v.strictObject({
    to: v.string(),
    token,
    link: v.string(),
    expires_at: time,
    code: v.pipe(v.string(), v.regex(/^\d{6}$/)),
    device: v.record(v.string(), v.nullable(v.string())),
  }),
});
export type LoginMail = v.InferOutput<typeof LoginMail>["data"];
type Notice = v.InferOutput<typeof Notice>;
type Leak = v.InferOutput<typeof Leak>;
const Event = v.strictObject({
  type: v.picklist(["password_reset", "verify_email"]),
  timestamp: time,
  data: v.strictObject({ to: v.string(), token, link: v.string(), expires_at: time }),
});
export type Event = v.InferOutput<typeof Event>;

export interface Delivery {
  readonly id: string;
  readonly timestamp: string;
  /** How many stood in the header. */
  readonly signatures: number;
  readonly event: Event;
}

/** What a receiver computes, from the specification: HMAC-SHA256 of `id.timestamp.body`. */
export async function signatureOf(
  secretText: string,
  id: string,
  timestamp: string,
  body: string,
): Promise<string> {
  const secret = Uint8Array.fromBase64(secretText.slice("whsec_".length));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const text = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  return `v1,${new Uint8Array(await crypto.subtle.sign("HMAC", key, text)).toBase64()}`;
}

type Receiver = (attempt: number, init: RequestInit) => Response | Promise<Response>;

/** Replaces the webhook: reads what comes as a receiver must, then answers. */
export function mailbox(
  receive: Receiver = () => new Response(null, { status: 204 }),
  secret = SECRET,
) {
  const deliveries: Delivery[] = [];
  const notices: Notice[] = [];
  const leaks: Leak[] = [];
  const logins: LoginMail[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init = {}) => {
    const request = new Request(input, init);
    const body = await request.text();
    const header = (name: string) => request.headers.get(name) ?? "";
    const [id, timestamp] = [header("webhook-id"), header("webhook-timestamp")];
    if (request.url !== SETTINGS.MAIL_WEBHOOK_URL) throw new Error(`fetched ${request.url}`);
    const shown = header("webhook-signature").split(" ");
    if (!shown.includes(await signatureOf(secret, id, timestamp, body))) {
      throw new Error("the signature is wrong");
    }
    const event = v.parse(v.union([Event, Notice, Leak, LoginMail]), JSON.parse(body));
    if (event.type === "security_notice") notices.push(event);
    else if (event.type === "tokens_leaked") leaks.push(event);
    else if (event.type === "email_login") logins.push(event.data);
    else deliveries.push({ id, timestamp, signatures: shown.length, event });
    return receive(deliveries.length + notices.length + leaks.length, init);
  });
  return {
    deliveries,
    /** Security notices and leaks: what came since it was last asked. */
    takeNotices: (): Notice[] => notices.splice(0),
    takeLeaks: (): Leak[] => leaks.splice(0),
    takeLogins: (): LoginMail[] => logins.splice(0),
    /** The events that came since it was last asked. */
    take: (): Event[] => deliveries.splice(0).map(({ event }) => event),
  };
}

/** Stops the clock. @returns sets it to so many seconds from now */
export function clock(): (seconds: number) => void {
  vi.useFakeTimers({ toFake: ["Date"] });
  const startMs = Date.now();
  return (seconds) => void vi.setSystemTime(startMs + seconds * 1000);
}

interface Options {
  readonly settings?: Readonly<Record<string, string>>;
  readonly passwords?: Passwords;
  readonly bindings?: Bindings;
}

/** One isolate of the service that sends its mails to the mailbox. */
export function serve({ settings = {}, passwords = CHEAP, bindings = env }: Options = {}) {
  const place = isolate({ ...SETTINGS, ...settings }, bindings, { passwords });
  const { send } = place;
  return {
    ...place,
    askReset: (email: string) => send("POST", "/rest/user/password_reset", { json: { email } }),
    askLogin: (email: string, more: Send = {}) =>
      send("POST", "/rest/login/email", { json: { email }, ...more }),
    /** @param fields `challenge`, `code` and what else there is */
    useCode: (fields: object) => send("POST", "/rest/login/email/verify", { json: fields }),
    askToVerify: (shown: Send) => send("POST", "/rest/user/verify_email", shown),
    run: (token: string, password: unknown, more: Send = {}) =>
      send("POST", "/api/run-action-token", { json: { token, input: { password } }, ...more }),
    verify: (token: string, more: Send = {}) =>
      send("POST", "/api/run-action-token", { json: { token }, ...more }),
    /** Someone whose email is proven. */
    async newProvenUser(): Promise<TestUser> {
      const user = await place.newUser();
      await DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id).run();
      return user;
    },
  };
}
export type Service = ReturnType<typeof serve>;

interface Scene extends Options {
  readonly receive?: Receiver;
  /** Whether the user's email is proven. */
  readonly isProven?: boolean;
}

/** A mailbox, a service that sends to it, one user, and a clock that is stopped. */
export async function scene({ receive, isProven = true, ...options }: Scene = {}) {
  const post = mailbox(receive);
  const tick = clock();
  const place = serve(options);
  const user = await (isProven ? place.newProvenUser() : place.newUser());
  return { post, tick, place, user };
}

export function expectRefused(answer: Answered, reason: string): void {
  expect([answer.status, at(answer, "reason")]).toEqual([422, reason]);
}

/** One of each credential that a user can have. */
export async function everyCredential(
  { text, newSession, newPair }: Service,
  { email, password }: Login,
): Promise<Readonly<Record<string, Send>>> {
  const basic = { email, password };
  const session = await newSession(basic);
  const { access } = await newPair(basic);
  const auth = await text("payload.token", "GET", "/rest/auth", { basic });
  const api = await text("payload.token", "POST", "/rest/token", { basic, json: { name: "x" } });
  return {
    password: { basic },
    session: { xToken: session },
    "access JWT": { bearer: access },
    "JWT of /rest/auth": { bearer: auth },
    "API token": { bearer: api },
  };
}

/** Which of them have an account. */
export async function alive(
  { send }: Service,
  credentials: Readonly<Record<string, Send>>,
): Promise<string[]> {
  const found: string[] = [];
  for (const [name, shown] of Object.entries(credentials)) {
    if ((await send("GET", "/rest/user", shown)).status === 200) found.push(name);
  }
  return found;
}

/** The only one; anything else is a failure of the test. */
export function only<T>(items: readonly T[]): T {
  const [item, ...others] = items;
  if (item === undefined || others.length > 0) throw new Error(`${items.length} and not one`);
  return item;
}
