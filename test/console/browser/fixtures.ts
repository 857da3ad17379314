import * as v from "valibot";
import type { RunningServer } from "../../clients/server.ts";
import type { RunningSite } from "./site.ts";
import { PASSWORD } from "./users.ts";
import { storedKind } from "../../../src/storage/event-rows.ts";

/** A user with something on every page. */
export interface Fixtures {
  readonly userId: string;
  readonly email: string;
  /** Links of action tokens: an active one, a revoked one. */
  readonly link: string;
  readonly revokedLink: string;
  readonly actionTokenId: string;
  /** Links of others, in each state that they can have for the user. */
  readonly links: Readonly<Record<"ready" | "already" | "used" | "expired" | "audience", string>>;
  /** Links that came by email: a log-in, a new password, the user's own proof of their email. */
  readonly mailed: Readonly<Record<"login" | "reset" | "verify", string>>;
  /** Of an account with a second factor. */
  readonly guardedEmail: string;
  /** An account that is disabled, locked out, and whose events a receiver refused. */
  readonly disabledId: string;
  /** The link of someone whom the user has not met. */
  newLink(): Promise<string>;
}

const Login = v.object({ access: v.string() });
const SignedUp = v.object({ payload: v.object({ uuid: v.string() }) });
const Issued = v.object({ token: v.object({ token: v.string(), id: v.string() }) });

const DAY_MS = 86_400_000;

export async function newFixtures({ server, mailed }: RunningSite): Promise<Fixtures> {
  const { origin } = server;
  async function post(path: string, json: object, bearer?: string): Promise<unknown> {
    const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const response = await fetch(origin + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization },
      body: JSON.stringify(json),
    });
    return response.status === 204 ? null : response.json();
  }
  async function newUser(first_name: string, last_name: string) {
    const email = `${first_name}.${crypto.randomUUID().slice(0, 4)}@example.com`.toLowerCase();
    const signedUp = await post("/rest/user", { email, password: PASSWORD, first_name, last_name });
    const login = await post("/api/token/", { email, password: PASSWORD });
    return {
      id: v.parse(SignedUp, signedUp).payload.uuid,
      email,
      access: v.parse(Login, login).access,
    };
  }
  const ada = await newUser("Ada", "Lovelace");
  const action = async (max_uses: number, by = ada, audience: string | null = null) => {
    const payload = { contact_id: by.id };
    const body = { action: "addContact", payload, ttl: 86_400, max_uses, audience };
    return v.parse(Issued, await post("/api/generate-action-token", body, by.access)).token;
  };
  const linkOf = ({ token }: { readonly token: string }) => `${origin}/a/${token}`;
  const [active, revoked] = [await action(5), await action(1)];
  for (const [first, last] of [
    ["Grace", "Hopper"],
    ["Alan", "Turing"],
  ] as const) {
    const { access } = await newUser(first, last);
    await post("/api/run-action-token", { token: active.token }, access);
  }
  const [katherine, mary] = [
    await newUser("Katherine", "Johnson"),
    await newUser("Mary", "Jackson"),
  ];
  const [used, expired, other] = [
    await action(1, mary),
    await action(1, katherine),
    await action(1, katherine, mary.id),
  ];
  await post("/api/run-action-token", { token: used.token }, ada.access);
  await server.write("UPDATE tokens SET expires_at = created_at WHERE id = ?1", expired.id);
  const links = {
    ready: linkOf(await action(1, katherine)),
    already: linkOf(await action(5, mary)),
    used: linkOf(used),
    expired: linkOf(expired),
    audience: linkOf(other),
  };
  await post("/rest/login/email", { email: mary.email });
  await post("/rest/user/password_reset", { email: katherine.email });
  await post("/rest/user/verify_email", {}, ada.access);
  const disabled = await newUser("Edward", "Hyde");
  await server.write("UPDATE users SET disabled_on = ?1 WHERE id = ?2", Date.now(), disabled.id);
  await server.write(
    "INSERT OR REPLACE INTO login_attempts (id, drained_at, due_at) VALUES (substr(?1, 2), ?2, ?3)",
    `_${disabled.id}`, // a text here, unlike the ids of other tables
    Date.now() + DAY_MS,
    Math.ceil(Date.now() / DAY_MS) * DAY_MS,
  );
  await server.write(
    "INSERT INTO dead_letters VALUES ('webhook', ?1, ?1, 9, 'the webhook answered 500', ?2)",
    disabled.id,
    Date.now(),
  );
  await fetch(`${origin}/api/action-tokens/${revoked.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${ada.access}` },
  });

  for (const [name, days, scopes] of [
    ["Nightly backup", 90, ["account:read"]],
    ["Deploys from CI", 30, ["tokens:read", "tokens:write"]],
    ["Dashboard", 365, ["account:read", "tokens:read", "actions:issue"]],
    ["Phone", 7, ["actions:issue", "actions:run"]],
  ] as const) {
    await post("/rest/token", { name, ttl: days * 86_400, scopes }, ada.access);
  }
  await server.write(
    `INSERT INTO passkeys (id, user_id, credential_id, public_key, name, transports, counter,
        is_backup_eligible, is_backed_up, created_at)
      VALUES (?1, ?2, hex(?1), hex(?1), 'Laptop in the kitchen', '[]', 0, 1, 1, ?3)`,
    crypto.randomUUID(),
    ada.id,
    Date.now(),
  );
  await ageAccount(server, ada.id);
  await post("/api/token/", { email: ada.email, password: "wrong password" });
  return {
    userId: ada.id,
    email: ada.email,
    link: linkOf(active),
    revokedLink: linkOf(revoked),
    actionTokenId: active.id,
    links,
    mailed: {
      login: await mailed("email_login", mary.email),
      reset: await mailed("password_reset", katherine.email),
      verify: await mailed("verify_email", ada.email),
    },
    guardedEmail: `${crypto.randomUUID()}@example.com`,
    disabledId: disabled.id,
    newLink: async () => linkOf(await action(1, await newUser("Dorothy", "Vaughan"))),
  };
}

/** As if the account were a month old. */
async function ageAccount({ write }: RunningServer, userId: string): Promise<void> {
  const now = Date.now();
  const older = (days: number, name: string) =>
    write(
      `UPDATE tokens SET created_at = created_at - ?1, expires_at = expires_at - ?1
        WHERE user_id = ?2 AND detail ->> '$.name' = ?3`,
      days * DAY_MS,
      userId,
      name,
    );
  await older(87, "Nightly backup");
  await older(11, "Deploys from CI");
  await older(200, "Dashboard");
  for (let day = 1; day < 30; day++) {
    const events = (day * 7) % 11;
    for (let i = 0; i < events; i++) {
      const at = now - day * DAY_MS - i * 60_000;
      const time = at.toString(16).padStart(12, "0");
      const isRefused = (day * i) % 9 === 5;
      await write(
        `INSERT INTO events (user_id, id, kind, refused, done_by, ipv6)
          VALUES (?1, ?2, ?3, ?4, 1, '203.0.113.0/24')`,
        userId,
        `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`,
        storedKind(isRefused ? "credential.refused" : "session.extended"),
        isRefused ? 1 : 0,
      );
    }
  }
}
