import { isAuditEvent } from "./events.ts";
import type { AfterResponse } from "./mail.ts";
import type { Json } from "./token.ts";

/** An event as receivers get it. Ids only: no secret, no address, and nothing that a profile says. */
export interface LatchkeyEvent {
  /** A UUIDv7; the same in every repetition. */
  readonly id: string;
  /** What happened. */
  readonly type: string;
  /** When it happened: ISO 8601 in UTC. */
  readonly at: string;
  /** The user whose event it is; null where none is known. */
  readonly user_id: string | null;
  /** The user who did it; null where that is unknown. */
  readonly actor: string | null;
  /** The id of what was created, changed or revoked. Of an action's own event: its receipt, the key for effects that must happen once. */
  readonly subject: string | null;
  /** The id of the token or JWT that was shown; null for a password. */
  readonly credential: string | null;
  /** `done`, or `refused` for a failure to authenticate. */
  readonly outcome: "done" | "refused";
  /** What an action answered, with its own event; `count` where refused credentials were counted together. */
  readonly data?: Json;
}

/** Whether an action named it. Its subject is then the receipt of the run. */
export const isOwnEvent = (type: string): boolean => !isAuditEvent(type);

/** `on` of createLatchkey, and EVENTS_WEBHOOK_URL. */
export const RECEIVERS = ["handler", "webhook"] as const;

export type ReceiverName = (typeof RECEIVERS)[number];

export interface Receiver {
  readonly name: ReceiverName;
  /** Resolves once it has the event. @throws why not: it is sent again; ReceiverGoneError: not again */
  send(event: LatchkeyEvent): Promise<void>;
}

/** The receiver says that it takes no more. */
export class ReceiverGoneError extends Error {}

export interface Waiting {
  /** Among the user's events, in the order in which their changes were committed. */
  readonly position: number;
  readonly eventId: string;
  readonly attempts: number;
  readonly queuedAtMs: number;
  /** Null if it was deleted meanwhile. */
  readonly event: LatchkeyEvent | null;
}

/** The next events of a user, in order. While the lease lasts nobody else sends them. */
export interface ClaimedQueue {
  readonly userId: string;
  readonly leaseId: string;
  readonly waiting: readonly Waiting[];
}

/** What became of them. The first that was not accepted stops those behind it. */
export interface Delivered {
  readonly accepted: readonly Waiting[];
  readonly failed:
    | (Waiting & { readonly reason: string; readonly retryAtMs: number | null })
    | null;
}

export interface DeliveryReport {
  /** At most 10,001, because every row that is counted is read. */
  readonly deliveriesPending: number;
  readonly deliveriesDead: number;
}

/**
 * The outbox of events. An event is in it if, and only if, its change was committed, once for each receiver,
 * until the receiver has accepted it or it is a dead letter.
 */
export interface DeliveryStore {
  /** Hears, after the commit, of users whose events were queued. It may miss some: the cron trigger finds them. */
  onQueued(listener: (userIds: readonly string[]) => void): void;
  /** The next users whose first event is due, from where the last call ended. */
  due(
    receiver: ReceiverName,
    nowMs: number,
  ): Promise<{ readonly userIds: readonly string[]; readonly isLast: boolean }>;
  /** Leases the queues of those users whose first event is due. */
  claim(
    receiver: ReceiverName,
    userIds: readonly string[],
    leaseUntilMs: number,
    nowMs: number,
  ): Promise<ClaimedQueue[]>;
  /** @returns whether more of the user's events wait */
  finish(
    receiver: ReceiverName,
    queue: ClaimedQueue,
    delivered: Delivered,
    nowMs: number,
  ): Promise<boolean>;
  report(): Promise<DeliveryReport>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How long a receiver may take. */
export const SEND_MS = 15_000;
/** No delivery begins later than this after a claim, so that it ends before the lease does. */
const SENDING_MS = 30_000;
const LEASE_MS = 60_000;
/** The waits after a failure; from then on the last one. */
const WAITS_MS = [5_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS];
/** After so long a failure is the last. */
const GIVE_UP_MS = 72 * HOUR_MS;
/** Users at once: the runtime opens six connections. */
const AT_ONCE = 5;
/** `waitUntil` allows 30 s, of which the last delivery may take half. */
const AFTER_ANSWER_MS = 10_000;
const RUN_MS = 40_000;
/** Each event is a request, and each user takes four statements: an invocation may have 1,000 of either. */
const SENT_A_RUN = 500;
const USERS_A_RUN = 150;
const PAGES_A_RUN = 10;
/** So many failures in a row are the receiver's, not an event's: the others wait for the next run. */
const FAILURES_IN_A_ROW = 10;

interface Deps {
  readonly store: DeliveryStore;
  readonly receivers: readonly Receiver[];
  readonly afterResponse: AfterResponse;
  /** Asks another invocation to deliver; null where there is no queue. */
  readonly enqueue: ((userIds: readonly string[]) => Promise<void>) | null;
  /** Milliseconds since 1970, now. */
  readonly clock: () => number;
}

interface Run {
  readonly untilMs: number;
  sent: number;
  users: number;
  failuresInARow: number;
  firstFailure: unknown;
}

export type Deliveries = ReturnType<typeof deliveries>;

/** Hands every event to every receiver: at least once, and each user's in order. */
export function deliveries({ store, receivers, afterResponse, enqueue, clock }: Deps) {
  const begin = (ms: number): Run => ({
    untilMs: clock() + ms,
    sent: 0,
    users: 0,
    failuresInARow: 0,
    firstFailure: null,
  });
  const goesOn = ({ untilMs, sent, users, failuresInARow }: Run) =>
    clock() < untilMs &&
    sent < SENT_A_RUN &&
    users < USERS_A_RUN &&
    failuresInARow < FAILURES_IN_A_ROW;

  /** @returns whether more of the user's events can be sent now */
  async function deliver(
    receiver: Receiver,
    queue: ClaimedQueue,
    untilMs: number,
    run: Run,
  ): Promise<boolean> {
    const accepted: Waiting[] = [];
    let failed: Delivered["failed"] = null;
    for (const waiting of queue.waiting) {
      if (clock() >= untilMs) break;
      try {
        if (waiting.event !== null) await inTime(receiver.send(waiting.event));
        run.sent += 1;
        run.failuresInARow = 0;
        accepted.push(waiting);
      } catch (error) {
        run.failuresInARow += 1;
        run.firstFailure ??= error;
        failed = { ...waiting, ...failureOf(error, waiting, clock()) };
        // guard: later-events-wait
        break;
      }
    }
    // Only now: an isolate that ends before it leaves them to the next, which sends them again.
    const hasMore = await store.finish(receiver.name, queue, { accepted, failed }, clock());
    return hasMore && (failed === null || failed.retryAtMs === null);
  }

  /** Sends the next events of these users. @returns those of whom more can be sent now */
  async function round(receiver: Receiver, userIds: readonly string[], run: Run) {
    const nowMs = clock();
    const queues = await store.claim(receiver.name, userIds, nowMs + LEASE_MS, nowMs);
    const untilMs = Math.min(nowMs + SENDING_MS, run.untilMs);
    run.users += queues.length;
    const results = await Promise.allSettled(
      queues.map((queue) => deliver(receiver, queue, untilMs, run)),
    );
    for (const each of results) if (each.status === "rejected") run.firstFailure ??= each.reason;
    return queues.flatMap(({ userId }, index) => {
      const result = results[index];
      return result?.status === "fulfilled" && result.value ? [userId] : [];
    });
  }

  /** @throws the first failure, to be logged */
  async function toEach(ms: number, work: (receiver: Receiver, run: Run) => Promise<void>) {
    const runs = receivers.map(async (receiver) => {
      const run = begin(ms);
      await work(receiver, run);
      if (run.firstFailure !== null) throw run.firstFailure;
    });
    const failure = (await Promise.allSettled(runs)).find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }

  const toUsers = (userIds: readonly string[], ms: number) =>
    toEach(ms, async (receiver, run) => {
      for (const some of inParts(userIds, AT_ONCE)) {
        let left: readonly string[] = some;
        while (left.length > 0 && goesOn(run)) left = await round(receiver, left, run);
      }
    });

  store.onQueued((userIds) => {
    if (enqueue === null) afterResponse("deliver events", toUsers(userIds, AFTER_ANSWER_MS));
    else afterResponse("queue a delivery of events", enqueue(userIds));
  });

  return {
    /** Delivers the events of these users, as a message of the queue asks. @throws the first failure, to be logged */
    toUsers: (userIds: readonly string[]) => toUsers([...new Set(userIds)], RUN_MS),

    /** A cron run: delivers what is due, as much as fits into one run. @throws the first failure, to be logged */
    housekeeping: () =>
      toEach(RUN_MS, async (receiver, run) => {
        for (let page = 0; page < PAGES_A_RUN && goesOn(run); page++) {
          const { userIds, isLast } = await store.due(receiver.name, clock());
          for (const some of inParts(userIds, AT_ONCE)) {
            if (goesOn(run)) await round(receiver, some, run);
          }
          if (isLast && userIds.length === 0) return;
        }
      }),

    /** Nothing where there is no receiver. */
    report: async (): Promise<Partial<DeliveryReport>> =>
      receivers.length === 0 ? {} : store.report(),
  };
}

function failureOf(error: unknown, { attempts, queuedAtMs }: Waiting, nowMs: number) {
  const waitMs = WAITS_MS[Math.min(attempts, WAITS_MS.length - 1)] ?? HOUR_MS;
  const isLast = error instanceof ReceiverGoneError || nowMs - queuedAtMs >= GIVE_UP_MS;
  return {
    reason: String(error).slice(0, 200),
    retryAtMs: isLast ? null : Math.min(nowMs + waitMs, queuedAtMs + GIVE_UP_MS),
  };
}

async function inTime(sending: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer in time")), SEND_MS);
  try {
    await Promise.race([sending, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function inParts<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
