import type { Device } from "./devices.ts";
import type { AttemptedSubject } from "./fault.ts";
import type { Page, PageRequest } from "./page.ts";

/** `security` is kept for EVENT_DAYS, `routine` for ROUTINE_EVENT_DAYS. */
type Retention = "security" | "routine";

/**
 * Every change, and every failure to authenticate. Each row, with its comment, is one in docs/reference/events.md: `npm
 * run docs`. The database has the number: one that was given is never another kind's, even after its kind is no more.
 */
const KINDS = {
  /** The account was created. */
  "user.created": [1, "security"],
  /** The profile was changed. */
  "user.changed": [2, "security"],
  /** An account at an OpenID issuer was linked: it can now log in to this account. */
  "identity.linked": [3, "security"],
  /** An account at an OpenID issuer was unlinked: it can no longer log in to this account. */
  "identity.unlinked": [4, "security"],
  /** A passkey was added. */
  "passkey.added": [5, "security"],
  /** A passkey was renamed. */
  "passkey.renamed": [6, "security"],
  /** A passkey was removed. */
  "passkey.removed": [7, "security"],
  /** A passkey was refused because its signature counter did not rise: there may be a copy of it. */
  "passkey.refused": [8, "security"],
  /** A second factor was added: log-ins need its code from now on. */
  "second_factor.added": [9, "security"],
  /** The second factor and its recovery codes were removed. */
  "second_factor.removed": [10, "security"],
  /** Recovery codes were created. They replace all older ones. */
  "recovery_codes.created": [11, "security"],
  /** A recovery code was used, to log in or to change the second factor. */
  "recovery_code.used": [12, "security"],
  /** A new email was requested. It takes effect once it is proven. */
  "email.requested": [13, "security"],
  /** The email was changed. */
  "email.changed": [14, "security"],
  /** The former email was restored with a token that was sent to it. */
  "email.restored": [15, "security"],
  /** The email was proven. */
  "email.verified": [16, "security"],
  /** The password was changed or reset. */
  "password.changed": [17, "security"],
  /** A token to reset the password or to prove the email was issued. */
  "mail.issued": [18, "security"],
  /** The account was deleted. */
  "user.deleted": [19, "security"],
  /** An operator disabled the account. */
  "user.disabled": [20, "security"],
  /** An operator enabled the account again. */
  "user.enabled": [21, "security"],
  /** An operator changed the account's role. */
  "role.changed": [22, "security"],
  /** An operator changed the account's metadata. */
  "metadata.changed": [23, "security"],
  /** An operator looked at the account's data. Recorded at most once in ten minutes. */
  "account.viewed": [24, "security"],
  /** An operator revoked all credentials of the account. */
  "credentials.revoked": [25, "security"],
  /** An operator lifted the limits on failed log-in attempts. */
  "throttle.lifted": [26, "security"],
  /** An operator had undelivered events sent again. This event belongs to the operator's own account. */
  "deliveries.replayed": [27, "security"],
  /** A log-in created a session. From a known device and network, in a known way, it is recorded only if there is a receiver. From a new device it is kept as security. */
  "session.created": [28, "routine"],
  /** A session was extended. Recorded only if there is a receiver. */
  "session.extended": [29, "routine"],
  /** A session was revoked. */
  "session.revoked": [30, "routine"],
  /** A log-in was revoked with the link in the notice about it. */
  "login.revoked": [31, "security"],
  /** All log-ins were revoked except the one that asked for it. */
  "logins.revoked_others": [32, "security"],
  /** An API token was created. */
  "token.created": [33, "security"],
  /** An API token's name, expiry, metadata or restrictions were changed. */
  "token.changed": [34, "security"],
  /** An API token was disabled: it is refused until it is enabled. */
  "token.disabled": [35, "security"],
  /** An API token was enabled. */
  "token.enabled": [36, "security"],
  /** An API token was rotated. */
  "token.rotated": [37, "security"],
  /** An API token was revoked. */
  "token.revoked": [38, "security"],
  /** All API tokens were revoked. */
  "tokens.revoked_all": [39, "security"],
  /** A log-in returned a JWT pair, or a JWT was obtained. A known log-in is recorded, and one from a new device kept, as above. */
  "jwt.obtained": [40, "routine"],
  /** A refresh JWT was exchanged for the next one. Recorded only with rotation, and if there is a receiver. */
  "jwt.refreshed": [41, "routine"],
  /** A JWT was revoked. */
  "jwt.revoked": [42, "routine"],
  /** A used refresh JWT was presented again, so it or its successor was stolen. The log-in was revoked. */
  "family.revoked": [43, "security"],
  /** An action token was issued. */
  "action.issued": [44, "routine"],
  /** An action token was run, by the user or by someone else. */
  "action.run": [45, "routine"],
  /** An action token was revoked. */
  "action.revoked": [46, "routine"],
  /** One of two contacts removed the other. */
  "contact.removed": [47, "routine"],
  /** A log-in failed: the password was wrong, or the email has no account. */
  "login.failed": [48, "security"],
  /** Another kind of credential was refused. */
  "credential.refused": [49, "security"],
  /** Requests failed on the service's side (5xx). Counted per isolate and minute, for no account; no receiver gets it. */
  "request.failed": [50, "security"],
} as const satisfies Readonly<Record<string, readonly [number: number, retention: Retention]>>;

export type AuditEvent = keyof typeof KINDS;

/** By name. */
export const EVENT_KINDS: Readonly<
  Record<AuditEvent, readonly [number: number, retention: Retention]>
> = KINDS;

export const isAuditEvent = (name: string): name is AuditEvent => Object.hasOwn(KINDS, name);

export const AUDIT_EVENTS: readonly AuditEvent[] = Object.keys(KINDS).filter(isAuditEvent);

export interface AuditEntry {
  readonly id: string;
  readonly createdAtMs: number;
  /** One of AUDIT_EVENTS, or of an action's own, also of one that is no more. */
  readonly what: string;
  readonly outcome: "done" | "refused";
  /** Who did it; null where that is unknown. */
  readonly actorId: string | null;
  /** The token or JWT that was shown, by its id; null for a password. */
  readonly credentialId: string | null;
  /** What was created, changed or revoked: a token, a JWT, a log-in, a receipt. */
  readonly subjectId: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  /** Then its user is told neither who did it nor from where. */
  readonly isByOperator: boolean;
}

/** What an event was about, by the name that it has now. */
export interface EventObject {
  readonly kind: "api" | "action" | "passkey" | "contact";
  /** Of an action token that someone else issued, null: it has no page here. */
  readonly id: string | null;
  /** Of an action token, its action. */
  readonly name: string;
}

/** An event with what people know its parts by, as far as they still exist. */
export interface NamedEntry extends AuditEntry {
  readonly object: EventObject | null;
  /** Someone else who did it: a contact, or without an id who ran the user's action token; null without a name. */
  readonly actor: { readonly id: string | null; readonly name: string } | null;
  /** The name of the user's API token that was shown. */
  readonly credentialName: string | null;
  /** Of the log-in that it was done in, or that it opened. */
  readonly device: Device | null;
}

/** The events that a user looks for; an event is wanted if nothing speaks against it. */
export interface EventFilter {
  /** These kinds, or all but these. */
  readonly kinds: { readonly names: readonly string[]; readonly isExcluded: boolean } | null;
  readonly outcome: AuditEntry["outcome"] | null;
  /** About what has this id, or done with it. */
  readonly aboutId: string | null;
  /** From this instant on, and before that one. */
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  /** One of these kinds, or a name, device, place or address with this text in it. */
  readonly search: { readonly text: string; readonly kinds: readonly string[] } | null;
}

export const ALL_EVENTS: EventFilter = {
  kinds: null,
  outcome: null,
  aboutId: null,
  fromMs: null,
  untilMs: null,
  search: null,
};

export interface FoundEvents extends Page<NamedEntry> {
  /** False where so many were looked at that the next page goes on in the middle. */
  readonly isWhole: boolean;
}

const ANY_OF = {
  logins: /^(?:session|logins?|jwt|family)\./,
  tokens: /^tokens?\./,
  account:
    /^(?:user|identity|passkey|second_factor|recovery_codes?|email|password|mail|role|metadata|account|credentials|throttle|deliveries|request)\./,
  refused: /refused$|^(?:login\.failed|family\..*)$/,
} as const;

export const EVENT_GROUPS = ["logins", "tokens", "actions", "account", "refused"] as const;
export type EventGroup = (typeof EVENT_GROUPS)[number];

/** Also an action's own events, which no list names, are those of action tokens. */
export function kindsOf(group: EventGroup): NonNullable<EventFilter["kinds"]> {
  const isIn = (of: Exclude<EventGroup, "actions">) => (what: string) => ANY_OF[of].test(what);
  return group === "actions"
    ? {
        names: AUDIT_EVENTS.filter((what) => !/^(?:action|contact)\./.test(what)),
        isExcluded: true,
      }
    : { names: AUDIT_EVENTS.filter(isIn(group)), isExcluded: false };
}

/** At most so many of a user's events are counted or searched, because every row that is read costs. */
export const AUDIT_COUNTED = 5_000;

/** How many events a UTC day had. */
export interface AuditDay {
  readonly startMs: number;
  readonly done: number;
  readonly refused: number;
}

export interface AuditDays {
  /** One for each day, oldest first. */
  readonly days: readonly AuditDay[];
  /** False if there were more events than are counted: then the oldest days show too few. */
  readonly isAll: boolean;
}

export interface EventStore {
  /** A user's own events, newest first. */
  list(userId: string, page: PageRequest): Promise<Page<AuditEntry>>;
  /**
   * Those of them that are wanted, with names, in one call.
   * @param lookedAt among how many a page looks for them; AUDIT_COUNTED if not given
   */
  find(
    userId: string,
    filter: EventFilter,
    page: PageRequest,
    lookedAt?: number,
  ): Promise<FoundEvents>;
  /** How many of them each of the last days had, of at most AUDIT_COUNTED events. */
  perDay(userId: string, days: number, nowMs: number): Promise<AuditDays>;
  /** Records a failure to authenticate: after the answer, and never fails. */
  refused(what: "login.failed" | "credential.refused", attempted: AttemptedSubject): void;
  /** Counts a request that failed on our side. Written after the answer, at most once a minute; never fails. */
  failed(requestId: string): void;
}
