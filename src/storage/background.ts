import { waitUntil } from "cloudflare:workers";
import { FaultError } from "../core/fault.ts";

/** Work whose failure is logged and hurts nobody: D1 has the truth, this is a copy or a courtesy. */
export async function bestEffort(what: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const cause = error instanceof FaultError ? error.cause : error;
    console.warn(JSON.stringify({ level: "warn", failed: what, cause: String(cause) }));
  }
}

/** The same, after the answer has gone out. */
export function inBackground(what: string, work: Promise<unknown>): void {
  waitUntil(bestEffort(what, work));
}
