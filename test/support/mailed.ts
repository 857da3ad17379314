import { createSecrets } from "../../src/crypto/secrets.ts";
import { DB } from "./database.ts";

const secrets = createSecrets(["lk"]);

/** A token of the service's own, as it would go out by mail. */
export async function mailed(user: { id: string; email: string }, action: string): Promise<string> {
  const [secret, id] = await newSecret();
  const now = Date.now();
  const detail = { action, payload: { email: user.email }, audience: user.id, internal: true };
  await DB.prepare(
    `INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, max_uses, detail)
     VALUES (?, 'action', ?, 0, ?, ?, ?, 1, ?)`,
  )
    .bind(id, user.id, now, now, now + 900_000, JSON.stringify(detail))
    .run();
  return secret;
}

/** Of a token that there is not. */
export async function newSecret(): Promise<[string, string]> {
  const { secret, id } = await secrets.create("action");
  return [secret, id];
}
