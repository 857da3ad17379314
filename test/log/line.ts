import * as v from "valibot";
import { vi } from "vitest";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const id = v.pipe(v.string(), v.nonEmpty());

/** All that a request's line may say: anyone who adds a field says here that it holds nothing secret. */
const Line = v.strictObject({
  level: v.picklist(["info", "error"]),
  request_id: id,
  surface: id,
  route: v.pipe(v.string(), v.regex(/^(?:\*|(?:\/[\w.:-]*)+)$/)),
  method: v.picklist(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
  status: count,
  outcome: v.pipe(v.string(), v.regex(/^[a-z][a-z_]*$/)),
  credential: v.picklist([
    "none",
    "api",
    "session",
    "jwt",
    "password",
    "identity",
    "ha1b",
    "bearer",
    "malformed",
  ]),
  duration_ms: count,
  kv_reads: count,
  kv_writes: count,
  kv_deletes: count,
  kv_ms: count,
  d1_queries: count,
  d1_ms: count,
  error: v.optional(v.string()),
});
export type Line = v.InferOutput<typeof Line>;

/** The lines of requests from now on, which no terminal sees; `onLine` is told of each as it is written. */
export function captureLines(onLine: () => void = () => {}): Line[] {
  const lines: Line[] = [];
  for (const method of ["log", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((text) => {
      const line = v.parse(Line, JSON.parse(String(text)));
      if ((line.level === "error") !== (method === "error")) throw new Error(`console.${method}`);
      lines.push(line);
      onLine();
    });
  }
  return lines;
}
