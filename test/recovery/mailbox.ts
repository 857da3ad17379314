import { env } from "cloudflare:workers";
import * as v from "valibot";
import { afterEach, vi } from "vitest";
import type { Passwords } from "../../src/core/passwords.ts";
import type { Bindings } from "../../src/services.ts";
import { CHEAP, isolate } from "../faults/isolate.ts";
import type { Send } from "../support/client.ts";
import { rules } from "../support/guard.ts";

/** The secret of Standard Webhooks' own example. */
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const SETTINGS = {
  MAIL_WEBHOOK_URL: "https://mail.test/hook",
  MAIL_WEBHOOK_SECRET: SECRET,
};

const token = v.pipe(v.string(), v.startsWith("lk_act_"));
const time = v.pipe(v.string(), v.isoTimestamp());
const Notice = v.strictObject({
  type: v.literal("security_notice"),
  timestamp: time,
  data: v.strictObject({
    to: v.string(),
    notices: v.array(
      v.strictObject({ kind: v.string(), at: time, subject: v.nullable(v.string()) }),
    ),
    undo: v.nullable(v.strictObject({ token, link: v.string(), expires_at: time })),
  }),
});
const Leak = v.strictObject({
  type: v.literal("tokens_leaked"),
  timestamp: time,
  data: v.strictObject({ to: v.string(), tokens: v.array(v.string()) }),
});
type Notice = v.InferOutput<typeof Notice>;
type Leak = v.InferOutput<typeof Leak>;
const Event = v.strictObject({
  type: v.picklist(["password_reset", "verify_email"]),
  timestamp: v.pipe(v.string(), v.isoTimestamp()),
  data: v.strictObject({
    to: v.string(),
    token: v.pipe(v.string(), v.startsWith("lk_act_")),
    link: v.string(),
    expires_at: v.pipe(v.string(), v.isoTimestamp()),
  }),
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

/** Stands where the webhook would be: reads what comes as a receiver must, then answers. */
export function mailbox(
  receive: Receiver = () => new Response(null, { status: 204 }),
  secret = SECRET,
) {
  const deliveries: Delivery[] = [];
  const notices: Notice[] = [];
  const leaks: Leak[] = [];
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
    const event = v.parse(v.union([Event, Notice, Leak]), JSON.parse(body));
    if (event.type === "security_notice") notices.push(event);
    else if (event.type === "tokens_leaked") leaks.push(event);
    else deliveries.push({ id, timestamp, signatures: shown.length, event });
    return receive(deliveries.length + notices.length + leaks.length, init);
  });
  return {
    deliveries,
    /** Security notices and leaks: what came since it was last asked. */
    takeNotices: (): Notice[] => notices.splice(0),
    takeLeaks: (): Leak[] => leaks.splice(0),
    /** The events that came since it was last asked. */
    take: (): Event[] => deliveries.splice(0).map(({ event }) => event),
  };
}
afterEach(() => void vi.restoreAllMocks());

interface Options {
  readonly settings?: Readonly<Record<string, string>>;
  readonly passwords?: Passwords;
  readonly bindings?: Bindings;
}

/** One isolate of the service that sends its mails to the mailbox. */
export function serve({ settings = {}, passwords = CHEAP, bindings = env }: Options = {}) {
  const betweenRequests = rules.secondPasses;
  const place = isolate(bindings, { ...SETTINGS, ...settings }, { passwords, betweenRequests });
  const { send } = place;
  return {
    ...place,
    askReset: (email: string) => send("POST", "/rest/user/password_reset", { json: { email } }),
    run: (token: string, password: unknown, more: Send = {}) =>
      send("POST", "/api/run-action-token", { json: { token, input: { password } }, ...more }),
    verify: (token: string, more: Send = {}) =>
      send("POST", "/api/run-action-token", { json: { token }, ...more }),
    async signUp() {
      const json = { email: `${crypto.randomUUID()}@example.com`, password: "the old password" };
      const id = await place.text("payload.uuid", "POST", "/rest/user", { json });
      return { id, ...json };
    },
  };
}
export type Service = ReturnType<typeof serve>;

/** One of each credential that a user can have. */
export async function everyCredential(
  { text }: Service,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<Readonly<Record<string, Send>>> {
  const basic = { email, password };
  const session = await text("data.token", "POST", "/tokens", {
    json: { email_id: email, password },
  });
  const access = await text("access", "POST", "/api/token/", { json: basic });
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

/** Who of them is somebody. */
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
