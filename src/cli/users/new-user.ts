import type { Role } from "../../core/user.ts";
import { literal } from "./literal.ts";

/** A row of `users` that is to be made. */
export interface NewUser {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly role: Role;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly phone_number: string | null;
  readonly dob: string | null;
  readonly gender: string | null;
  readonly created_on: number;
  readonly modified_on: number;
  readonly verified_on: number | null;
  readonly disabled_on?: number;
}

/** Does nothing where the e-mail has an account. */
export function insertion(user: NewUser): string {
  const entries = Object.entries(user);
  const names = entries.map(([name]) => name).join(", ");
  const values = entries.map(([, value]) => literal(value)).join(", ");
  return `INSERT INTO users (${names}) VALUES (${values})
    ON CONFLICT (email) WHERE deleted_on IS NULL DO NOTHING`;
}
