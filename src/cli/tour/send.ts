import type { Ask } from "./step.ts";

/** A request that has no answer by then has none. */
export const DEADLINE_MS = 15_000;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined where there is no body, or it is not JSON */
  readonly body: unknown;
}

/** Nobody answered. The message is for the user. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** @throws NoAnswerError */
export async function send(origin: string, ask: Ask, deadlineMs: number): Promise<Reply> {
  const body =
    ask.json !== undefined
      ? JSON.stringify(ask.json)
      : ask.form !== undefined
        ? new URLSearchParams(ask.form).toString()
        : undefined;
  const type = ask.form === undefined ? "application/json" : "application/x-www-form-urlencoded";
  try {
    const response = await fetch(origin + ask.path, {
      method: ask.method,
      headers: { ...(body !== undefined && { "Content-Type": type }), ...ask.headers },
      ...(body !== undefined && { body }),
      // A 301 is an answer, and no credential is carried on to another address.
      redirect: "manual",
      signal: AbortSignal.timeout(deadlineMs),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  } catch (error) {
    throw new NoAnswerError(`No answer from ${origin}: ${reason(error, deadlineMs)}.`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reason(error: unknown, deadlineMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `it took longer than ${deadlineMs / 1000} seconds`;
  const cause = error.cause;
  if (!(cause instanceof Error)) return error.message;
  const code = "code" in cause ? String(cause.code) : "";
  return code === "ECONNREFUSED" ? "the connection was refused" : cause.message || code;
}
