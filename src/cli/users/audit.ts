import { literal } from "./literal.ts";

/** What an operator did to an account: names that `core/events.ts` knows. */
export type OperatorEvent = "user.created" | "user.disabled" | "user.enabled" | "role.changed";

/**
 * The event of an operator's change, for the accounts of `users` that are now as the change leaves
 * them. Nobody of the service's own did it, so it names no actor and no address.
 * @param changed a condition that holds for what was changed in this run, and for nothing else
 */
export function audited(what: OperatorEvent, changed: string, nowMs: number): string {
  // A UUIDv7 (RFC 9562 section 5.7), by which a user's events stand in the order of their time.
  const time = nowMs.toString(16).padStart(12, "0");
  const start = `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15, 24)}`;
  return `INSERT INTO audit (user_id, id, at, what, outcome)
    SELECT id, ${literal(start)} || lower(hex(randomblob(6))), ${literal(nowMs)}, ${literal(what)}, 'done'
    FROM users WHERE ${changed}`;
}
