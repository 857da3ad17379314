import type { Context } from "hono";
import { contextStorage, tryGetContext } from "hono/context-storage";
import type { RequestOrigin } from "../core/ports.ts";

type Kept = { Variables: { origin: RequestOrigin } };

const keep = contextStorage();

/** Runs `work` so that all it leads to finds with `requestOrigin` where the request came from. */
export async function withOrigin<T>(c: Context, work: () => Promise<T>): Promise<T> {
  const origin: RequestOrigin = {
    // Cloudflare sets both, whatever a client sends.
    address: c.req.header("cf-connecting-ip") ?? "",
    requestId: c.req.header("cf-ray") ?? crypto.randomUUID(),
  };
  c.set("origin", origin);
  let result: T | undefined;
  await keep(c, async () => {
    result = await work();
  });
  return result as T;
}

/** Where the request that is being served came from; of no request, nothing. */
export function requestOrigin(): RequestOrigin {
  return tryGetContext<Kept>()?.var.origin ?? { address: "", requestId: "" };
}
