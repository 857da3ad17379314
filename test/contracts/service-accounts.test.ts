import { beforeAll, describe, expect, it } from "vitest";
import { call, newApiToken, newCaller, PASSWORD } from "../support/client.ts";
import { DB } from "../support/database.ts";

const EMAIL = `service:${crypto.randomUUID().slice(0, 8)}`;
const id = crypto.randomUUID();
let bearer: string;

/** As `npm run users -- create-service` makes it. */
beforeAll(async () => {
  const { access } = await newCaller();
  const { secret, uuid } = await newApiToken(access);
  bearer = secret;
  await DB.batch([
    DB.prepare(
      "INSERT INTO users (id, kind, email, password, created_on, modified_on) VALUES (?, 'service', ?, '', 1, 1)",
    ).bind(id, EMAIL),
    DB.prepare("UPDATE tokens SET user_id = ?, parents = NULL WHERE id = ?").bind(id, uuid),
  ]);
});

it("a service account has API tokens, and JWTs obtained with them", async () => {
  const own = await call("GET", "/rest/user", { bearer });
  expect(own).toMatchObject({ status: 200, json: { payload: { uuid: id } } });
  expect((await call("GET", "/rest/auth", { bearer })).status).toBe(200);
  const child = await newApiToken(bearer, "customer");
  const verified = await call("POST", "/rest/token/verify", {
    bearer,
    json: { token: child.secret },
  });
  expect(verified).toMatchObject({ json: { payload: { active: true, owner: { uuid: id } } } });
  // Nobody logs in to it, so nobody can say that they just did.
  expect((await call("GET", "/rest/user/export", { bearer })).status).toBe(403);
});

describe("no log-in", () => {
  it.each(["", "!", PASSWORD])("by the password %j", async (password) => {
    const email = EMAIL;
    const answers = await Promise.all([
      call("GET", "/rest/auth", { basic: { email, password } }),
      call("POST", "/api/token/", { json: { email, password: password || " " } }),
      call("POST", "/tokens", { json: { email_id: email, password } }),
    ]);
    for (const { status } of answers) expect([400, 401]).toContain(status);
  });

  it("by sign-up, or by mail", async () => {
    const signUp = await call("POST", "/rest/user", { json: { email: EMAIL, password: PASSWORD } });
    expect(signUp.status).toBe(400);
    const reset = await call("POST", "/rest/user/password_reset", { json: { email: EMAIL } });
    expect(reset.status).toBe(400);
    expect((await call("POST", "/rest/user/verify_email", { bearer })).status).toBe(200);
    const mails = await DB.prepare(
      "SELECT count(*) AS n FROM tokens WHERE user_id = ? AND kind = 'action'",
    )
      .bind(id)
      .first("n");
    expect(mails).toBe(0);
  });

  it("by a password or an email of its own", async () => {
    for (const json of [
      { password: "another password" },
      { email: "service@example.com" },
      { password: "another password", current_password: "a guess" },
      { email: "service@example.com", current_password: PASSWORD },
    ]) {
      const { status } = await call("PATCH", "/rest/user", { bearer, json });
      expect([401, 403]).toContain(status);
    }
    expect((await call("DELETE", "/rest/user", { bearer, json: {} })).status).toBe(403);
    const row = await DB.prepare("SELECT email, password, kind FROM users WHERE id = ?")
      .bind(id)
      .first();
    expect(row).toEqual({ email: EMAIL, password: "", kind: "service" });
    const set = DB.prepare("UPDATE users SET password = 'x' WHERE id = ?").bind(id).run();
    await expect(set).rejects.toThrow("CHECK");
  });
});
