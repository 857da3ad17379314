import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";
import {
  call,
  newApiToken,
  newCaller,
  newSession,
  newUser,
  over,
  textAt,
} from "../support/client.ts";
import { isolate, service } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { d1Exhibits, kvExhibits } from "../support/leakage.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

/** An hour later: what was on its way has come by then. */
const housekeeping = async () => {
  rules.secondPasses();
  await isolate({ REVOCATION_LAG_SECONDS: "300" }).services.housekeeping(Date.now() + 3_600_001);
};

/** Where any of these texts is found, in all of D1 and KV. */
async function places(texts: readonly string[]): Promise<string[]> {
  const all = [...(await d1Exhibits()), ...(await kvExhibits())];
  return all
    .filter(([, text]) => texts.some((each) => text.includes(each)))
    .map(([place]) => place);
}

describe.each(["0", "300"])("after DELETE /rest/user, at a revocation lag of %s", (lag) => {
  async function deleted() {
    const mark = crypto.randomUUID().slice(0, 8);
    const personal = {
      email: `${mark}@personal.example`,
      first_name: `Ada ${mark}`,
      last_name: `Love ${mark}`,
      phone_number: `+1555${Math.floor(1e8 + Math.random() * 8e8)}`,
      dob: "1915-12-10",
      gender: `g ${mark}`,
    };
    const background: Promise<unknown>[] = [];
    const send = service(
      { REVOCATION_LAG_SECONDS: lag },
      { waitUntil: (work) => void background.push(work) },
    );
    const user = await newCaller(personal);
    const other = await newCaller();
    const api = await newApiToken(user.access, `name ${mark}`, 86_400);
    const session = await newSession(user);
    await send("GET", "/rest/user", { bearer: api.secret });
    await send("GET", "/tokens", { xToken: session });
    const run = async (by: string, from: string, contact_id: string) => {
      const json = { action: "addContact", payload: { contact_id } };
      const made = await send("POST", "/api/generate-action-token", { bearer: from, json });
      const answer = await send("POST", "/api/run-action-token", {
        bearer: by,
        json: { token: textAt(made, "token", "token") },
        headers: { "idempotency-key": `key-${mark}` },
      });
      expect(answer.status).toBe(200);
    };
    await run(user.access, other.access, other.id);
    await Promise.all(background.splice(0));
    const texts = [mark, personal.phone_number];
    expect(new Set(await places(texts)).size).toBeGreaterThan(5);
    rules.secondPasses();
    const answer = await send("DELETE", "/rest/user", {
      bearer: user.access,
      json: { password: user.password },
    });
    expect(answer.status).toBe(200);
    await Promise.all(background.splice(0));
    return { user, other, texts, send };
  }

  it("the account says nothing of the person at once, but what tokens were named", async () => {
    const { user, texts } = await deleted();
    const left = await places(texts);
    expect(left.filter((place) => !/^D1 tokens\.detail$|^KV value of token:/.test(place))).toEqual(
      [],
    );
    const row = await DB.prepare("SELECT * FROM users WHERE id = ?").bind(user.id).first();
    expect(row).toEqual({
      id: user.id,
      email: "",
      password: "",
      role: "User",
      kind: "person",
      credential_version: 1,
      api_token_version: 1,
      login_version: 0,
      first_name: null,
      last_name: null,
      phone_number: null,
      dob: null,
      gender: null,
      created_on: expect.any(Number),
      modified_on: expect.any(Number),
      deleted_on: expect.any(Number),
      verified_on: null,
      disabled_on: null,
      ha1b: null,
      metadata: "{}",
      pending_email: null,
      undo_email: null,
      undo_until: null,
      identities_revoked_on: null,
      email_login_at: null,
      external_id: null,
    });
    expect(
      await DB.prepare("SELECT COUNT(*) AS n FROM contacts WHERE user_id = ?")
        .bind(user.id)
        .first("n"),
    ).toBe(0);
  });

  it("and a round of housekeeping an hour later, nothing of the person is left anywhere", async () => {
    const { user, other, texts } = await deleted();
    await housekeeping();
    expect(await places(texts)).toEqual([]);
    // Nor are they in another's contacts.
    const found = await DB.prepare("SELECT COUNT(*) AS n FROM contacts WHERE contact_id = ?")
      .bind(user.id)
      .first("n");
    expect(found).toBe(0);
    expect((await call("GET", "/rest/user", { bearer: other.access })).status).toBe(200);
  });

  it("the audit stays, and that a token was used, without what was said", async () => {
    const { user } = await deleted();
    await housekeeping();
    const events = await DB.prepare(
      `SELECT what FROM ${EVENT_LOG.sql} WHERE user_id = ? ORDER BY id`,
    )
      .bind(user.id)
      .all<{ what: string }>();
    expect(events.results.at(-1)?.what).toBe("user.deleted");
    const receipts = await DB.prepare("SELECT data, idempotency_key FROM receipts WHERE run_by = ?")
      .bind(user.id)
      .all();
    expect(receipts.results).toEqual([{ data: "null", idempotency_key: null }]);
  });

  it("the email may sign up again, as another account", async () => {
    const { user } = await deleted();
    const again = await newUser({ email: user.email });
    expect(again.id).not.toBe(user.id);
    await housekeeping();
    expect((await call("GET", "/rest/user", { basic: again })).status).toBe(200);
  });
});

it("a deletion that is refused takes nothing away", async () => {
  const user = await newCaller({ first_name: "Ada" });
  const other = await newCaller();
  await DB.prepare("INSERT INTO contacts VALUES (?, ?, 0, NULL, NULL)")
    .bind(user.id, other.id)
    .run();
  const json = { password: "not theirs" };
  expect((await call("DELETE", "/rest/user", { bearer: user.access, json })).status).toBe(401);
  await housekeeping();
  const row = await DB.prepare(
    `SELECT email, first_name, (SELECT COUNT(*) FROM contacts WHERE user_id = users.id) AS contacts
      FROM users WHERE id = ?`,
  );
  expect(await row.bind(user.id).first()).toEqual({
    email: user.email,
    first_name: "Ada",
    contacts: 1,
  });
});

it("a deletion that comes after a new password takes nothing away", async () => {
  const user = await newCaller({ first_name: "Ada" });
  await DB.prepare("INSERT INTO contacts VALUES (?, ?, 0, NULL, NULL)")
    .bind(user.id, user.id)
    .run();
  const raise = DB.prepare(
    "UPDATE users SET credential_version = credential_version + 1 WHERE id = ?",
  ).bind(user.id);
  // Between the check of the password and the batch.
  const bindings = intercept(async ({ statements }, run) => {
    if (statements[0]?.startsWith("UPDATE users SET deleted_on")) await raise.run();
    return run();
  });
  const { fetch } = app(
    servicesOver(bindings, readConfig({ ...env }), platform),
    readConfig({ ...env }),
  );
  const answer = await over((request) => fetch(request))("DELETE", "/rest/user", {
    bearer: user.access,
    json: { password: user.password },
  });
  expect(answer.status).toBe(401);
  const left = DB.prepare("SELECT COUNT(*) AS n FROM contacts WHERE user_id = ?").bind(user.id);
  expect(await left.first("n")).toBe(1);
  const events = DB.prepare(
    `SELECT COUNT(*) AS n FROM ${EVENT_LOG.sql} WHERE user_id = ? AND what = ?`,
  );
  expect(await events.bind(user.id, "user.deleted").first("n")).toBe(0);
});
