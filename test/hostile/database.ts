import { env } from "cloudflare:workers";

const COUNTED = ["users", "tokens", "receipts", "contacts", "identities", "passkeys"]
  .map((table) => `(SELECT count(*) FROM ${table})`)
  .join(", ");

const FINGERPRINT = `SELECT json_array(${COUNTED},
  (SELECT total(modified_on) + total(deleted_on) + total(credential_version) FROM users),
  (SELECT total(api_token_version) FROM users),
  (SELECT total(modified_at) + total(expires_at) FROM tokens),
  (SELECT total(revoked_at) + total(uses) + total(credential_version) FROM tokens)) AS fingerprint`;

/** Changes with every row that is added, ended, extended or changed: a refused request leaves it alone. */
export async function fingerprint(): Promise<unknown> {
  return env.DB.prepare(FINGERPRINT).first("fingerprint");
}

/** The same, and the next probe is as the first one: how many wrong passwords are too many is told elsewhere. */
export async function fingerprintAndForget(): Promise<unknown> {
  const [found] = await env.DB.batch<{ fingerprint: unknown }>([
    env.DB.prepare(FINGERPRINT),
    env.DB.prepare("DELETE FROM login_attempts"),
  ]);
  return found?.results[0]?.fingerprint;
}
