export type Role = "User" | "Admin";

/** What a person may say about herself. */
export interface Profile {
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** E.164 */
  readonly phoneNumber: string | null;
  /** YYYY-MM-DD */
  readonly dob: string | null;
  readonly gender: string | null;
}

export interface User extends Profile {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  /** Raised by a new password, "end everything" and deletion: every credential of an older epoch is dead. */
  readonly epoch: number;
  /** Raised by "end all API tokens". */
  readonly apiEpoch: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly deletedAtMs: number | null;
  /** When she proved that the e-mail is hers; null where she has not, or has changed it since. */
  readonly emailVerifiedAtMs: number | null;
}

export interface UserWithPassword extends User {
  /** PHC string */
  readonly passwordHash: string;
}

/** The form in which e-mails are stored and compared: trimmed, NFKC, lower case. */
export function normalizeEmail(email: string): string {
  return email.normalize("NFKC").trim().toLowerCase();
}
