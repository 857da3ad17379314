import { env } from "cloudflare:workers";
import type { Passwords } from "../../src/core/passwords.ts";
import { type Answered, type Send, textAt } from "../support/client.ts";
import { CHEAP, isolate } from "../support/service.ts";

export const RIGHT = "correct horse battery";
export const WRONG = "wrong";

/** The rules in `src/storage/login-throttle.ts`, as docs/operations/under-attack.md says them. */
export const TRY_MS = 15 * 60_000;
export const ACCOUNT_TRIES = 80;
export const NETWORK_TRIES = 20;
export const CREDENTIAL_TRIES = 10;

export interface Owner {
  readonly id: string;
  readonly email: string;
}

/** A request from this address. */
export type From = (
  address: string | null,
  method: string,
  path: string,
  send?: Send,
) => Promise<Answered>;

/** The service without rate limits, and with a password hash that costs nothing and is counted. */
export function routeKey() {
  let hashes = 0;
  const counted: Passwords["verify"] = (password, phc) => {
    hashes++;
    return CHEAP.verify(password, phc);
  };
  const { KV, DB } = env;
  const { call, settled } = isolate({}, { KV, DB }, { passwords: { ...CHEAP, verify: counted } });

  const from: From = (address, method, path, send = {}) =>
    call(method, path, {
      ...send,
      headers: { ...send.headers, ...(address !== null && { "cf-connecting-ip": address }) },
    });

  async function newOwner(): Promise<Owner> {
    const json = { email: `${crypto.randomUUID()}@example.com`, password: RIGHT };
    const answer = await call("POST", "/rest/user", { json });
    return { id: textAt(answer, "payload", "uuid"), email: json.email };
  }

  return {
    from,
    settled,
    newOwner,
    login: (address: string | null, email: string, password: string) =>
      from(address, "POST", "/tokens", { json: { email_id: email, password } }),
    /** An owner who has logged in from this address. */
    async newOwnerAt(address: string): Promise<Owner & { readonly session: string }> {
      const owner = await newOwner();
      const json = { email_id: owner.email, password: RIGHT };
      const session = textAt(await from(address, "POST", "/tokens", { json }), "data", "token");
      await settled();
      return { ...owner, session };
    },
    /** @returns how many passwords were hashed to be compared since this was last asked */
    hashes(): number {
      const made = hashes;
      hashes = 0;
      return made;
    },
  };
}

/** The addresses of a botnet, each in a network of its own. */
export const bot = (index: number): string =>
  `100.${64 + Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${index % 256}`;

export const statusesOf = (answers: readonly Answered[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
