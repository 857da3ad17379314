import { AsyncLocalStorage } from "node:async_hooks";
import type { HonoRequest } from "hono";
import type { Caller, Credential, WayIn } from "../core/caller.ts";
import type { Fault } from "../core/fault.ts";
import type { RequestFault } from "./request-fault.ts";

/** Where a request came from, for rate limits and for the event log. */
export interface ClientInfo {
  /** The client's IP address; empty where it is not known. */
  readonly address: string;
  readonly requestId: string;
}

/** Longer ones are cut: the record lives as long as the request and what it leaves behind. */
const MAX_USER_AGENT = 300;

/**
 * One request while it is served: where it came from, how it ends, and what it has asked of the
 * stores, which storage counts in here. One object a request, made once with all that it will have.
 */
export interface RequestRecord extends ClientInfo {
  readonly startedMs: number;
  /** Of the Worker that sent it, where one of another zone did. */
  readonly zone: string;
  /** As the client sent it, cut; empty for none. */
  readonly userAgent: string;
  /** Cloudflare's words for where the request came from, unchecked. */
  readonly country: unknown;
  readonly city: unknown;
  readonly surface: string;
  /** The route's pattern. Never the URL: a contract may put a token there. */
  readonly route: string;
  /** The runtime takes no method that HTTP does not know. */
  readonly method: string;
  /** By what the caller says who it is; `bearer` where it was refused before its kind was known. */
  credential: Credential["method"] | WayIn | "api" | "jwt" | "none";
  /** As the browser of a page's reader says, unchecked; empty for none. */
  timeZone: string;
  outcome: (Fault | RequestFault)["code"] | "ok" | "redirected" | "misdirected";
  /** What a 5xx comes from. */
  error: unknown;
  "KV get": number;
  "KV put": number;
  "KV delete": number;
  D1: number;
  kvMs: number;
  d1Ms: number;
}

export const requestRecord = (request: HonoRequest, surface: string, route: string) =>
  newRecord({
    // Cloudflare sets both, whatever a client sends.
    address: request.header("cf-connecting-ip") ?? "",
    zone: request.header("cf-worker") ?? "",
    userAgent: (request.header("user-agent") ?? "").slice(0, MAX_USER_AGENT),
    ...placeIn(Reflect.get(request.raw, "cf")),
    requestId: request.header("cf-ray") ?? crypto.randomUUID(),
    surface,
    route,
    method: request.method,
  });

const placeIn = (cf: unknown): Pick<RequestRecord, "country" | "city"> => {
  const { country, city } = Object(cf);
  return { country, city };
};

/** Of a call by another Worker, which comes from no address. */
export const rpcRecord = (route: string) =>
  newRecord({
    address: "",
    zone: "",
    userAgent: "",
    country: undefined,
    city: undefined,
    requestId: crypto.randomUUID(),
    surface: "rpc",
    route,
    method: "RPC",
  });

type Origin =
  | "address"
  | "zone"
  | "userAgent"
  | "country"
  | "city"
  | "requestId"
  | "surface"
  | "route"
  | "method";

function newRecord(origin: Pick<RequestRecord, Origin>): RequestRecord {
  return {
    ...origin,
    startedMs: Date.now(),
    credential: "none",
    timeZone: "",
    outcome: "ok",
    error: null,
    "KV get": 0,
    "KV put": 0,
    "KV delete": 0,
    D1: 0,
    kvMs: 0,
    d1Ms: 0,
  };
}

export function credentialOf({ by }: Caller): RequestRecord["credential"] {
  return by.method === "token" ? by.token.kind : by.method;
}

// Not Hono's context-storage: it keeps the whole context, and what is kept here outlives its request
// until the next collection of everything. Nearly a third of what a request left behind was that.
const served = new AsyncLocalStorage<RequestRecord>();
const UNKNOWN_CLIENT: ClientInfo = { address: "", requestId: "" };

/** Runs `work` so that all it leads to finds the record of its request. */
export function withRequestRecord<T>(record: RequestRecord, work: () => Promise<T>): Promise<T> {
  return served.run(record, work);
}

/** Of the request that is being served; null where none is, as in a cron trigger's run. */
export function currentRecord(): RequestRecord | null {
  return served.getStore() ?? null;
}

/** Where the request that is being served came from; of no request, nothing. */
export function clientInfo(): ClientInfo {
  return currentRecord() ?? UNKNOWN_CLIENT;
}
