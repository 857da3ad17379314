import { AsyncLocalStorage } from "node:async_hooks";
import type { ClientInfo, RequestRecord } from "./request-record.ts";

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
