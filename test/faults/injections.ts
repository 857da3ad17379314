import { vi } from "vitest";
import type { StorageCall } from "../support/stores.ts";

/** STORAGE_DEADLINE_MS as it is by default. */
const DEADLINE_MS = 3_000;
/** Waits between two tries are shortened by this. */
const SPEED = 50;

type Run = () => Promise<unknown>;

/** What goes wrong at one call, once for each cell. */
export interface Injection {
  /** The call that is hit, and, if `lasts`, every later one like it. */
  at(call: StorageCall, run: Run): Promise<unknown>;
  /** Lets what hangs happen after all. */
  release(): Promise<void>;
}

export interface FaultKind {
  readonly name: string;
  readonly lasts?: true;
  /** Whether the store did what was asked, although nobody was told. */
  readonly commits?: true;
  /** When what hangs happens after all. */
  readonly late?: "before the retry" | "after the retry";
  hits(call: StorageCall): boolean;
  inject(world: { readonly previous: ReadonlyMap<string, string | null> }): Injection;
}

const everywhere = () => true;
const onKv = ({ store }: StorageCall) => store === "KV";
const onKvRead = ({ operation }: StorageCall) => operation === "get";
/** What only reads has nothing to commit: to whom asked, it failed before. */
const changes = ({ store, operation, label }: StorageCall) =>
  store === "KV" ? operation !== "get" : /\b(?:INSERT|UPDATE|DELETE) /.test(label);
/** An attempted password is no change that anyone asked for. */
export const isWrite = ({ operation, label }: StorageCall) =>
  ["put", "delete"].includes(operation) ||
  /\b(INSERT|UPDATE|DELETE) (?!login_attempts)/.test(label);

const broken = ({ store, operation }: StorageCall) =>
  new Error(store === "KV" ? `KV ${operation.toUpperCase()} failed: 500` : "D1_ERROR: injected");
const busy = ({ operation }: StorageCall) =>
  new Error(`KV ${operation.toUpperCase()} failed: 429 Too Many Requests`);

const plain = (at: Injection["at"]): Injection => ({ at, release: async () => {} });

/** Never answers, and the caller's deadline for it passes at once. */
function hanging(): Injection {
  const { promise: released, resolve } = Promise.withResolvers<void>();
  let late: Promise<unknown> = Promise.resolve();
  return {
    at(_, run) {
      expireDeadline();
      late = released.then(run);
      return new Promise(() => {});
    },
    async release() {
      resolve();
      await late;
    },
  };
}

/** As KV answers: one value for one key, a Map for a list. */
function stale({ keys, isBulk }: StorageCall, value: (key: string) => string | null) {
  const [first = ""] = keys;
  return isBulk ? new Map(keys.map((key) => [key, value(key)])) : value(first);
}

export const FAULTS: readonly FaultKind[] = [
  {
    name: "throws before",
    hits: everywhere,
    inject: () => plain((call) => Promise.reject(broken(call))),
  },
  {
    name: "throws after commit",
    commits: true,
    hits: changes,
    inject: () =>
      plain(async (call, run) => {
        await run();
        throw broken(call);
      }),
  },
  { name: "hangs", hits: everywhere, inject: hanging },
  {
    name: "hangs, commits late",
    commits: true,
    late: "before the retry",
    hits: isWrite,
    inject: hanging,
  },
  {
    name: "hangs, commits after the retry",
    late: "after the retry",
    hits: isWrite,
    inject: hanging,
  },
  {
    name: "answers 429 once",
    hits: onKv,
    inject: () => plain((call) => Promise.reject(busy(call))),
  },
  {
    name: "answers 429 until the deadline",
    lasts: true,
    hits: onKv,
    inject: () => {
      let tries = 0;
      let expire = () => {};
      return plain((call) => {
        tries++;
        if (tries === 1) expire = deadlineOfThisCall();
        if (tries === 3) expire();
        return Promise.reject(busy(call));
      });
    },
  },
  {
    name: "answers stale: nothing yet",
    hits: onKvRead,
    inject: () => plain(async (call) => stale(call, () => null)),
  },
  {
    name: "answers stale: the value before",
    hits: onKvRead,
    inject: ({ previous }) =>
      plain(async (call) => stale(call, (key) => previous.get(key) ?? null)),
  },
];

let latest: (() => void) | null = null;

/** A deadline passes when a fault says so, and a wait between two tries passes quickly. */
export function holdDeadlines(): void {
  const real = globalThis.setTimeout.bind(globalThis);
  schedule = real;
  vi.stubGlobal("setTimeout", (callback: () => void, ms = 0) => {
    if (ms !== DEADLINE_MS) return real(callback, ms / SPEED);
    latest = callback;
    return real(callback, ms);
  });
}

let schedule: (callback: () => void, ms: number) => unknown = setTimeout;

/** Each call to a store is made right after its deadline was set. */
function deadlineOfThisCall(): () => void {
  const expire = latest;
  return () => void schedule(expire ?? (() => {}), 0);
}

const expireDeadline = () => deadlineOfThisCall()();
