import type { AttemptedSubject } from "./fault.ts";
import type { Page, PageRequest } from "./ports.ts";
import type { Json } from "./token.ts";

/** Everything that is written down: each change, and each failure to say who one is. */
export const AUDIT_EVENTS = [
  "user.created",
  "user.changed",
  /** An OpenID issuer's account opens this one from now on. */
  "identity.linked",
  "identity.unlinked",
  /** A new one is wanted: it counts once it is proven. */
  "email.requested",
  "email.changed",
  /** By the mailbox of the e-mail before. */
  "email.restored",
  "email.verified",
  "password.changed",
  /** A mail with a token was made out to her: for a forgotten password, or to prove her e-mail. */
  "mail.issued",
  "user.deleted",
  /** By an operator, as a user may be made by one. */
  "user.disabled",
  "user.enabled",
  "role.changed",
  "session.created",
  "session.extended",
  "session.revoked",
  /** All logins but the one that was shown. */
  "logins.revoked_others",
  "token.created",
  "token.changed",
  "token.rotated",
  "token.revoked",
  "tokens.revoked_all",
  "jwt.obtained",
  "jwt.refreshed",
  "jwt.revoked",
  /** A spent refresh token was shown: it was stolen, or its successor was. */
  "family.revoked",
  "action.issued",
  "action.run",
  "action.revoked",
  /** By either of the two. */
  "contact.removed",
  /** A wrong password, or no such account. */
  "login.failed",
  /** Any other credential that lets nobody in. */
  "credential.refused",
] as const;

export type AuditEvent = (typeof AUDIT_EVENTS)[number];

export interface AuditEntry {
  readonly id: string;
  readonly createdAtMs: number;
  readonly what: AuditEvent;
  readonly outcome: "done" | "refused";
  /** Who did it, or null where nobody knows. */
  readonly actorId: string | null;
  /** The token or JWT that was shown, by its id; null for a password. */
  readonly credentialId: string | null;
  /** What was made, changed or ended: a token, a JWT, a login, a receipt. */
  readonly subjectId: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
}

/** More of a user's own events are not counted: reading them is paid by the row. */
export const AUDIT_COUNTED = 5_000;

/** How many events a day had, by the calendar of UTC. */
export interface AuditDay {
  readonly startMs: number;
  readonly done: number;
  readonly refused: number;
}

export interface AuditDays {
  /** One for each day, oldest first, today last. */
  readonly days: readonly AuditDay[];
  /** False where there were more events than are counted: then the oldest days have too few. */
  readonly isAll: boolean;
}

export interface AuditLog {
  /** A user's own events, newest first. */
  list(userId: string, page: PageRequest): Promise<Page<AuditEntry>>;
  /** How many of them the last days had, of at most AUDIT_COUNTED events. */
  perDay(userId: string, days: number, nowMs: number): Promise<AuditDays>;
  /** Writes down a failure to authenticate: after the answer, and without failing it. */
  refused(what: "login.failed" | "credential.refused", attempted: AttemptedSubject): void;
}

/** Where an export goes on: after this row of this section. */
export interface ExportCursor {
  readonly section: number;
  readonly after: string;
}

export interface PersonalData {
  /**
   * Everything that is held about a user, nothing of it secret: rows by the name of their section,
   * as many as one answer takes. What changes between two pages may be in both, or in neither.
   */
  read(
    userId: string,
    from: ExportCursor | null,
  ): Promise<{
    readonly sections: Readonly<Record<string, readonly Json[]>>;
    readonly next: ExportCursor | null;
  }>;
}
