import { call, itemsAt } from "../support/client.ts";

/** An event as `GET /rest/audit` shows it. */
export interface Event {
  readonly uuid: string;
  readonly when: string;
  readonly what: string;
  readonly outcome: string;
  readonly actor_uuid: string | null;
  readonly address: string | null;
  readonly token_uuid: string | null;
  readonly subject_uuid: string | null;
  readonly request_id: string | null;
}

/** A user's own events, newest first, as they see them. */
export async function eventsOf(bearer: string, query = "?limit=100"): Promise<Event[]> {
  const answer = await call("GET", `/rest/audit${query}`, { bearer });
  return itemsAt(answer, "payload").map(toEvent);
}

function toEvent(item: unknown): Event {
  const text = (name: string) => {
    const value: unknown = Reflect.get(Object(item), name);
    return typeof value === "string" ? value : null;
  };
  return {
    uuid: text("uuid") ?? "",
    when: text("when") ?? "",
    what: text("what") ?? "",
    outcome: text("outcome") ?? "",
    actor_uuid: text("actor_uuid"),
    address: text("address"),
    token_uuid: text("token_uuid"),
    subject_uuid: text("subject_uuid"),
    request_id: text("request_id"),
  };
}

/** The `jti` (or another claim) of a JWT, unverified. */
export function claimOf(jwt: string, name: string): string {
  const [, payload = ""] = jwt.split(".");
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  return String(Reflect.get(JSON.parse(new TextDecoder().decode(bytes)), name));
}
