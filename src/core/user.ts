import type { Json } from "./token.ts";

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
  /** Wanted instead of `email`, and not proven yet: until then it is compared with nothing. */
  readonly pendingEmail: string | null;
  readonly role: Role;
  /** Raised by a new password, "end everything" and deletion: every credential of an older credential version is dead. */
  readonly credentialVersion: number;
  /** Raised by "end all API tokens". */
  readonly apiTokenVersion: number;
  /** Raised by "log out everywhere else": every older JWT that was obtained with a password alone is dead. */
  readonly loginVersion: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  readonly deletedAtMs: number | null;
  /** When she proved that the e-mail is hers; null where she has not, or has changed it since. */
  readonly emailVerifiedAtMs: number | null;
  /** By issuer, the subject there that opens this account. */
  readonly identities: Readonly<Record<string, string>>;
  /** The deployment's own facts about her. */
  readonly metadata: Json;
}

export interface UserWithPassword extends User {
  /** PHC string; see `hasPassword` */
  readonly passwordHash: string;
  /** What an HA1B token is compared with, or null for none. */
  readonly ha1bHash: string | null;
}

/** Empty where an identity made the account, "!" where an import brought none. */
export const hasPassword = ({ passwordHash }: UserWithPassword): boolean =>
  passwordHash !== "" && passwordHash !== "!";

/**
 * The form in which e-mails are stored and compared, made nowhere else: trimmed, NFKC, lower case, and
 * the domain as DNS has it (`xn--…`), since browsers send that form and apps the other. One fold can
 * give what another one changes again, so it is done until nothing changes.
 */
export function normalizeEmail(email: string): string {
  let folded = email;
  let last: string;
  do {
    last = folded;
    folded = withAsciiDomain(last.normalize("NFKC").trim().toLowerCase());
  } while (folded !== last);
  return folded;
}

/** What would end the host in a URL, or be decoded in it. */
const NO_HOST = /[\s/?#:@\\%[\]]/u;

function withAsciiDomain(email: string): string {
  const at = email.lastIndexOf("@") + 1;
  const domain = email.slice(at);
  if (at === 0 || !/\P{ASCII}/u.test(domain) || NO_HOST.test(domain)) return email;
  const host = URL.parse(`http://${domain}`)?.hostname ?? "";
  return host === "" ? email : email.slice(0, at) + host;
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf("@") + 1);
