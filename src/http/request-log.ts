import { FaultError } from "../core/fault.ts";
import type { RequestRecord } from "./request-record.ts";

/** Whether each request is a line, or only those that fail by our own doing (5xx). */
export const LOGGED = ["requests", "errors"] as const;
export type Logged = (typeof LOGGED)[number];

/** Told of each request once, when its answer is known. */
export type RequestSummary = (record: RequestRecord, status: number) => void;

/** Of Analytics Engine, what is used of it. */
export interface Metrics {
  writeDataPoint(point: DataPoint): void;
}

interface DataPoint {
  indexes: string[];
  blobs: string[];
  doubles: number[];
}

interface Options {
  readonly logged: Logged;
  readonly metrics: Metrics | undefined;
}

/** One line a request in the log, and one data point where Analytics Engine is bound. */
export function requestLog({ logged, metrics }: Options): RequestSummary {
  return (record, status) => {
    const durationMs = Date.now() - record.startedMs;
    if (status >= 500) console.error(lineOf("error", record, status, durationMs));
    else if (logged === "requests") console.log(lineOf("info", record, status, durationMs));
    if (metrics === undefined) return;
    try {
      metrics.writeDataPoint(dataPoint(record, status, durationMs));
    } catch (error) {
      const cause = String(error);
      const { requestId: request_id } = record;
      console.warn(JSON.stringify({ level: "warn", request_id, failed: "write metrics", cause }));
    }
  };
}

function lineOf(
  level: "info" | "error",
  record: RequestRecord,
  status: number,
  durationMs: number,
): string {
  return JSON.stringify({
    level,
    request_id: record.requestId,
    surface: record.surface,
    route: record.route,
    method: record.method,
    status,
    outcome: record.outcome,
    credential: record.credential,
    duration_ms: durationMs,
    kv_reads: record["KV get"],
    kv_writes: record["KV put"],
    kv_deletes: record["KV delete"],
    kv_ms: record.kvMs,
    d1_queries: record.D1,
    d1_ms: record.d1Ms,
    error: level === "error" ? textOf(record.error) : undefined,
  });
}

function textOf(error: unknown): string {
  const cause = error instanceof FaultError ? (error.cause ?? error) : error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

function dataPoint(record: RequestRecord, status: number, durationMs: number): DataPoint {
  return {
    indexes: [record.surface],
    blobs: [record.route, record.method, record.outcome, `${Math.floor(status / 100)}xx`],
    doubles: [durationMs, kvCalls(record), record.D1],
  };
}

/** For a developer's own machine alone: elsewhere it would measure our work for an attacker. */
export function serverTiming(record: RequestRecord): string {
  const totalMs = Date.now() - record.startedMs;
  const kv = `kv;dur=${record.kvMs};desc="calls: ${kvCalls(record)}"`;
  return `total;dur=${totalMs}, ${kv}, d1;dur=${record.d1Ms};desc="queries: ${record.D1}"`;
}

function kvCalls(record: RequestRecord): number {
  return record["KV get"] + record["KV put"] + record["KV delete"];
}
