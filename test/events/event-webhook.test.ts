import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LatchkeyEvent, ReceiverGoneError } from "../../src/core/deliveries.ts";
import { createLatchkey } from "../../src/latchkey.ts";
import { eventWebhook } from "../../src/mail/webhook.ts";
import { EventBody } from "../../src/openapi/webhook.ts";
import { viaQueue } from "../../src/storage/deliveries.ts";
import { SECRET, signatureOf } from "../recovery/mailbox.ts";
import { isolate } from "../support/service.ts";
import { count, dying, kinds, listening, standstill } from "./listener.ts";
import { DB } from "../support/database.ts";

/** Events over HTTP, and through Cloudflare Queues. */

const URL = "https://events.test/hook?key=of-the-operator";
const SETTINGS = { EVENTS_WEBHOOK_URL: URL, EVENTS_WEBHOOK_SECRET: SECRET };
const NEW_SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgd2ViaG9vayBmb3IgYSB0ZXN0";

let time: ReturnType<typeof standstill>;
beforeEach(async () => {
  const tables = ["events", "deliveries", "dead_letters"];
  await DB.batch(tables.map((table) => DB.prepare(`DELETE FROM ${table}`)));
  time = standstill();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Answer = (init: RequestInit) => Response | Promise<Response>;

/** Stands where the webhook would be: checks the signature as a receiver must, then answers. */
function endpoint(answer: Answer = () => new Response(null, { status: 204 }), secret = SECRET) {
  const received: { id: string; signatures: number; event: LatchkeyEvent }[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init = {}) => {
    const request = new Request(input, init);
    expect([request.method, request.url, request.redirect]).toEqual(["POST", URL, "manual"]);
    const body = await request.text();
    const header = (name: string) => request.headers.get(name) ?? "";
    const [id, timestamp] = [header("webhook-id"), header("webhook-timestamp")];
    const signatures = header("webhook-signature").split(" ");
    expect(signatures).toContain(await signatureOf(secret, id, timestamp, body));
    received.push({ id, signatures: signatures.length, event: JSON.parse(body) });
    return answer(init);
  });
  return received;
}

describe("EVENTS_WEBHOOK_URL", () => {
  it("gets each event, signed, with its id", async () => {
    const received = endpoint();
    const place = isolate(SETTINGS);
    const user = await place.newUser();
    await place.settled();
    await place.newSession(user);
    await place.settled();
    expect(kinds(received.map(({ event }) => event))).toEqual(["user.created", "session.created"]);
    for (const { id, event } of received) {
      expect(id).toBe(event.id);
      // As /openapi.json says, and nothing beside it.
      expect(v.parse(v.strictObject(EventBody.entries), event)).toEqual(event);
    }
    expect(await count("deliveries")).toBe(0);
  });

  it.each([SECRET, NEW_SECRET])("may know either secret while it is rotated", async (known) => {
    const received = endpoint(undefined, known);
    const place = isolate({ ...SETTINGS, EVENTS_WEBHOOK_SECRET: `${NEW_SECRET} ${SECRET}` });
    await place.newUser();
    await place.settled();
    expect(received).toMatchObject([{ signatures: 2, event: { type: "user.created" } }]);
  });

  it.each([
    ["500", () => new Response(null, { status: 500 }), "answered 500"],
    ["400", () => new Response(null, { status: 400 }), "answered 400"],
    ["429", () => new Response(null, { status: 429 }), "answered 429"],
    ["a redirect", () => Response.redirect("https://elsewhere.test/", 302), "answered 302"],
    [
      "nothing, because it cannot be reached",
      () => Promise.reject(new TypeError(`cannot connect to ${URL}`)),
      "could not be reached in time",
    ],
  ] as const)("is asked again after %s", async (_, answer, cause) => {
    const replies: Answer[] = [answer, () => new Response("ok")];
    const received = endpoint((init) => (replies.shift() ?? answer)(init));
    const place = isolate(SETTINGS);
    await place.newUser();
    await place.settled();
    expect([received.length, await count("deliveries")]).toEqual([1, 1]);
    time.pass(5_000);
    await place.housekeeping();
    expect([received.length, await count("deliveries")]).toEqual([2, 0]);
    expect(received[1]?.id).toBe(received[0]?.id);
    expect(time.warnings.map((line) => JSON.parse(line))).toMatchObject([
      { failed: "deliver events", cause: `Error: the webhook ${cause}` },
    ]);
    expect(time.warnings.join()).not.toContain("of-the-operator");
  });

  it("is not asked again after 410: the event is a dead letter, and the next one follows", async () => {
    const received = endpoint(() => new Response(null, { status: 410 }));
    const user = await dying().newUser();
    await DB.prepare("UPDATE deliveries SET receiver = 'webhook'").run();
    const place = isolate(SETTINGS);
    await place.newSession(user);
    await place.settled();
    expect(kinds(received.map(({ event }) => event))).toEqual(["user.created", "session.created"]);
    const { results } = await DB.prepare("SELECT reason, attempts FROM dead_letters").all();
    const reason = "Error: the webhook answered 410";
    expect(results).toEqual(Array(2).fill({ reason, attempts: 1 }));
  });

  it("may answer without end: nobody reads it", async () => {
    let isCancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel() {
        isCancelled = true;
      },
    });
    endpoint(() => new Response(endless));
    const place = isolate(SETTINGS);
    await place.newUser();
    await place.settled();
    expect([isCancelled, await count("deliveries")]).toEqual([true, 0]);
  });

  it("is left after 15 seconds, and the signal ends the request", async () => {
    const patience: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      patience.push(ms);
      return AbortSignal.abort();
    });
    endpoint(({ signal }) => Promise.reject(signal?.reason));
    const place = isolate(SETTINGS);
    await place.newUser();
    await place.settled();
    expect([patience, await count("deliveries")]).toEqual([[15_000], 1]);
  });

  it("is another receiver than `on`: one that is down does not hold up the other", async () => {
    const received = endpoint(() => new Response(null, { status: 500 }));
    const place = listening(undefined, undefined, {}, SETTINGS);
    await place.newUser();
    await place.settled();
    time.pass(5_000);
    await place.housekeeping();
    expect([kinds(place.accepted), received.length]).toEqual([["user.created"], 2]);
    expect(await count("deliveries")).toBe(1);
  });

  it("knows an effect that must happen once by its receipt", async () => {
    const received = endpoint();
    const event = { type: "coupon.redeemed", subject: "a receipt", id: "an id" };
    const secrets = [Uint8Array.fromBase64(SECRET.slice("whsec_".length))];
    const { send } = eventWebhook({ url: URL, secrets });
    const rest = { at: "", user_id: null, actor: null, credential: null, outcome: "done" as const };
    await send({ ...event, ...rest });
    await send({ ...event, ...rest, type: "action.run" });
    expect(received.map(({ id }) => id)).toEqual(["a receipt", "an id"]);
    vi.restoreAllMocks();
    endpoint(() => new Response(null, { status: 410 }));
    await expect(send({ ...event, ...rest })).rejects.toBeInstanceOf(ReceiverGoneError);
  });
});

describe("EVENTS_QUEUE", () => {
  /** Keeps what is sent; a message of over 128 kB is refused, as in production. */
  function queue() {
    const sent: unknown[] = [];
    const send = async (body: unknown) => {
      if (JSON.stringify(body).length > 128_000) throw new Error("too large");
      sent.push(body);
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    };
    return { sent, queue: { send } };
  }

  it("gets the user, and its consumer sends their events", async () => {
    const { sent, queue: EVENTS_QUEUE } = queue();
    const place = listening(undefined, { KV: env.KV, DB: env.DB, EVENTS_QUEUE });
    const user = await place.newUser();
    await place.settled();
    expect([sent, place.accepted]).toEqual([[{ user_ids: [user.id] }], []]);
    const accepted: LatchkeyEvent[] = [];
    const worker = createLatchkey({ on: (event) => void accepted.push(event) });
    const message = (id: string, body: unknown) => ({
      id,
      timestamp: new Date(),
      attempts: 1,
      body,
    });
    // Twice, as Queues may deliver it, and beside one that is not ours.
    const messages = [message("a", sent[0]), message("b", sent[0]), message("c", "?")];
    const batch = createMessageBatch("latchkey-events", messages);
    await worker.queue(batch);
    await worker.queue(batch);
    expect(kinds(accepted)).toEqual(["user.created"]);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect([explicitAcks, retryMessages]).toEqual([[], []]);
  });

  it("may lose the message, or refuse it: the cron trigger delivers", async () => {
    const EVENTS_QUEUE = { send: () => Promise.reject(new Error("down")) };
    const place = listening(undefined, { KV: env.KV, DB: env.DB, EVENTS_QUEUE });
    await place.newUser();
    await place.settled();
    expect(time.warnings.join()).toContain("queue a delivery of events");
    await place.housekeeping();
    expect(kinds(place.accepted)).toEqual(["user.created"]);
  });

  it("gets no message that is too large, however many users there are", async () => {
    const { sent, queue: many } = queue();
    await viaQueue(many)(Array.from({ length: 5_001 }, () => crypto.randomUUID()));
    expect(sent).toHaveLength(6);
  });
});
