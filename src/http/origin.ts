import type { Context } from "hono";
import { contextStorage, tryGetContext } from "hono/context-storage";
import type { RequestOrigin } from "../core/ports.ts";
import type { RequestRecord } from "./request-record.ts";

type Kept = { Variables: { record: RequestRecord } };

const keep = contextStorage();
const NOWHERE: RequestOrigin = { address: "", requestId: "" };

/** Runs `work` so that all it leads to finds the record of its request. */
export async function withRecord<T>(
  c: Context,
  record: RequestRecord,
  work: () => Promise<T>,
): Promise<T> {
  c.set("record", record);
  let result: T | undefined;
  await keep(c, async () => {
    result = await work();
  });
  return result as T;
}

/** Of the request that is being served; null where none is, as in a cron trigger's run. */
export function presentRecord(): RequestRecord | null {
  return tryGetContext<Kept>()?.get("record") ?? null;
}

/** Where the request that is being served came from; of no request, nothing. */
export function requestOrigin(): RequestOrigin {
  return presentRecord() ?? NOWHERE;
}
