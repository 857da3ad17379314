import type { Revoker, SentAt, Span } from "./credential.ts";
import { SETTLED_AFTER_MS } from "./model.ts";

/** A request that gives it another value. */
export interface Change<T> extends Pick<SentAt, "sentMs" | "sentTick"> {
  readonly to: T;
  state: Revoker["state"];
  endMs: number;
  endTick: number;
}

/** What is true of a person until something changes it, and may be two things while nobody knows. */
export interface Register<T> {
  /** To be called when the request is sent. */
  begin(to: T, at: Pick<SentAt, "sentMs" | "sentTick">): Change<T>;
  finish(change: Change<T>, state: "done" | "void" | "unsure", span: Span): void;
  /** All that it may have been since a request was sent, the newest last. @param but is left out */
  during(since: Pick<SentAt, "sentMs" | "sentTick">, but?: Change<T> | null): readonly T[];
  ever(): readonly T[];
}

export function register<T>(first: T, { endMs, endTick }: Span): Register<T> {
  const at = { sentMs: endMs, sentTick: endTick, endMs, endTick };
  const changes: Change<T>[] = [{ to: first, ...at, state: "done" }];

  /** Whether another certainly came after it, and before the request. */
  const isOver = (change: Change<T>, sentTick: number, but: Change<T> | null) =>
    changes.some(
      (later) =>
        later !== but &&
        later.state === "done" &&
        later.endTick < sentTick &&
        (change.state === "unsure"
          ? later.sentMs > change.endMs + SETTLED_AFTER_MS
          : change.state === "done" && later.sentTick > change.endTick),
    );

  return {
    begin(to, { sentMs, sentTick }) {
      const change = { to, sentMs, sentTick, state: "in flight" as const, endMs: 0, endTick: 0 };
      changes.push(change);
      return change;
    },
    finish(change, state, span) {
      change.state = state;
      change.endMs = span.endMs;
      change.endTick = span.endTick;
    },
    during: ({ sentTick }, but = null) =>
      changes
        .filter((each) => each !== but && each.state !== "void" && !isOver(each, sentTick, but))
        .map(({ to }) => to),
    ever: () => changes.filter(({ state }) => state !== "void").map(({ to }) => to),
  };
}
