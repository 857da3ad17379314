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
  /** By issuer, the subject there that opens this account. */
  readonly identities: Readonly<Record<string, string>>;
}

export interface UserWithPassword extends User {
  /** PHC string; empty where the account has no password */
  readonly passwordHash: string;
  /** What an HA1B token is compared with, or null for none. */
  readonly ha1bHash: string | null;
}

/** The form in which e-mails are stored and compared: trimmed, NFKC, lower case. */
export function normalizeEmail(email: string): string {
  return email.normalize("NFKC").trim().toLowerCase();
}
