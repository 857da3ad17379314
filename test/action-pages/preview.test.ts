import { describe, expect, it } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import { FaultError } from "../../src/core/fault.ts";
import { mailed, newSecret } from "../support/mailed.ts";
import { isolate } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { DB } from "../support/database.ts";

const here = isolate();
const { call, newActionToken, services } = here;
const FIRST = { limit: 50, after: null };

async function newPerson(fields: Readonly<Record<string, string>> = {}) {
  const user = await here.newCaller(fields);
  return { ...user, caller: await here.bearer(user.access) };
}

const preview = (secret: string, caller: Caller | null, nowMs = Date.now()) =>
  services.actionPages.preview(secret, caller, nowMs);
const run = (secret: string, sent: Record<string, string>, caller: Caller | null, key: string) =>
  services.actionPages.run(secret, sent, caller, key, Date.now());
const contactsOf = async (id: string) =>
  (await services.contacts.list(id, FIRST)).items.map((contact) => contact.id);
const faultOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => null,
    (failure: unknown) => failure,
  );
  return error instanceof FaultError ? error.fault : error;
};

describe("the page behind a code", () => {
  it("says what will happen, by whom and until when, and changes nothing", async () => {
    const ada = await newPerson({ first_name: "Ada", last_name: "Lovelace" });
    const bob = await newPerson();
    const { secret, id } = await newActionToken(ada.access, ada.id, { max_uses: 3 });
    const texts: string[] = [];
    const watching = isolate(
      {},
      intercept(({ store, label, statements }, pass) => {
        if (store === "KV") texts.push(label);
        texts.push(...statements.filter((text) => !/^\s*SELECT/.test(text)));
        return pass();
      }),
    );
    for (const caller of [null, bob.caller]) {
      const page = await watching.services.actionPages.preview(secret, caller, Date.now());
      expect(page).toEqual({
        state: "ready",
        title: "Add contact",
        before:
          "You and Ada Lovelace will be added to each other's contacts and see each other's first and last names.",
        issuer: { name: "Ada Lovelace", hasProvenEmail: false },
        isInternal: false,
        expiresAtMs: expect.any(Number),
        usesLeft: 3,
        needsLogin: caller === null,
        fields: [],
        passkeys: [],
      });
    }
    await watching.settled();
    expect(texts).toEqual([]);
    expect(await contactsOf(bob.id)).toEqual([]);
    await run(secret, {}, bob.caller, "first");
    expect(await preview(secret, (await newPerson()).caller)).toMatchObject({ usesLeft: 2 });
    expect(await services.actionPages.describe((await one(ada.caller, id)).token)).toMatchObject({
      before: expect.stringContaining("Ada Lovelace"),
    });
  });

  it("never shows an email, also for a user without a name", async () => {
    const nameless = await newPerson();
    const { secret } = await newActionToken(nameless.access, nameless.id);
    const page = await preview(secret, null);
    expect(page).toMatchObject({
      issuer: { name: null, hasProvenEmail: false },
      before: expect.stringContaining("You and this person will be added"),
    });
    expect(JSON.stringify(page)).not.toContain("@");
  });

  it("never names a third person, who has not agreed to anything", async () => {
    const ada = await newPerson({ first_name: "Ada" });
    const nora = await newPerson({ first_name: "Nora" });
    const { secret } = await newActionToken(ada.access, nora.id);
    expect(await preview(secret, null)).toMatchObject({
      issuer: { name: "Ada" },
      before:
        "Someone will be added to your contacts. You'll see their first and last name, and they'll see yours.",
    });
    const { id } = await newActionToken(ada.access, nora.id);
    const told = await services.actionPages.describe((await one(ada.caller, id)).token);
    const done = await run(secret, {}, (await newPerson()).caller, "key");
    expect(JSON.stringify([told, done])).not.toContain("Nora");
  });

  const refusedState = async (secret: string, caller: Caller | null, nowMs?: number) => {
    const page = await preview(secret, caller, nowMs);
    expect(Object.keys(page).sort()).toEqual(
      ["isFinal", "isInternal", "isOwn", "message", "state"].sort(),
    );
    return page.state;
  };

  it("says expired, used, revoked or unknown, and nothing else", async () => {
    const ada = await newPerson();
    const bob = await newPerson();
    const issue = () => newActionToken(ada.access, ada.id);
    const [expired, used, revoked, dead] = [
      await issue(),
      await issue(),
      await issue(),
      await issue(),
    ];
    await run(used.secret, {}, bob.caller, "key");
    await call("DELETE", `/api/action-tokens/${revoked.id}`, { bearer: ada.access });
    expect(await preview(used.secret, bob.caller)).toEqual({
      state: "used_by_you",
      after: "You and this person are now contacts.",
      atMs: expect.any(Number),
      next: { text: "Go to contacts", href: "/console/contacts" },
    });
    for (const caller of [null, (await newPerson()).caller]) {
      expect(await refusedState(expired.secret, caller, Date.now() + 3_600_001)).toBe("expired");
      expect(await refusedState(used.secret, caller)).toBe("used");
      expect(await refusedState(revoked.secret, caller)).toBe("revoked");
      expect(await refusedState("lk_act_nonsense", caller)).toBe("unknown");
      expect(await refusedState((await newSecret())[0], caller)).toBe("unknown");
    }
    await DB.prepare("UPDATE users SET credential_version = credential_version + 1 WHERE id = ?")
      .bind(ada.id)
      .run();
    expect(await refusedState(dead.secret, bob.caller)).toBe("revoked");
  });

  it("tells another user only that it is not for them, and an anonymous one to log in", async () => {
    const [ada, bob, eve] = [await newPerson(), await newPerson(), await newPerson()];
    const { secret } = await newActionToken(ada.access, ada.id, { audience: bob.id });
    expect(await preview(secret, null)).toEqual({ state: "log_in" });
    expect(await refusedState(secret, eve.caller)).toBe("audience");
    expect((await preview(secret, bob.caller)).state).toBe("ready");
    expect(await preview(secret, ada.caller)).toMatchObject({ state: "audience", isOwn: true });
  });

  it("the issuer's own, and a deleted contact, with the action's message", async () => {
    const [ada, nora, bob] = [await newPerson(), await newPerson(), await newPerson()];
    const own = await newActionToken(ada.access, ada.id);
    expect(await preview(own.secret, ada.caller)).toEqual({
      state: "rejected",
      message: "You can't add yourself as a contact.",
      isOwn: true,
      isFinal: false,
      isInternal: false,
      tokenId: own.id,
    });
    const { secret } = await newActionToken(ada.access, nora.id);
    await DB.prepare("UPDATE users SET deleted_on = 1, email = '' WHERE id = ?")
      .bind(nora.id)
      .run();
    expect(await preview(secret, bob.caller)).toEqual({
      state: "rejected",
      message: "This person no longer has an account.",
      isOwn: false,
      isFinal: true,
      isInternal: false,
    });
  });

  it("rejects a caller whose credential is no longer active", async () => {
    const [ada, bob] = [await newPerson(), await newPerson()];
    const { secret } = await newActionToken(ada.access, ada.id);
    await DB.prepare("UPDATE users SET credential_version = credential_version + 1 WHERE id = ?")
      .bind(bob.id)
      .run();
    expect(await faultOf(preview(secret, bob.caller))).toMatchObject({ code: "token_invalid" });
  });
});

describe("its button", () => {
  it("runs once per key and says what was done", async () => {
    const ada = await newPerson({ first_name: "Ada" });
    const bob = await newPerson();
    const { secret } = await newActionToken(ada.access, ada.id, { max_uses: 5 });
    const first = await run(secret, {}, bob.caller, "one page");
    expect(first).toMatchObject({
      title: "Add contact",
      after: "You and Ada are now contacts.",
    });
    const again = await Promise.all([1, 2, 3].map(() => run(secret, {}, bob.caller, "one page")));
    for (const { receipt } of again) expect(receipt).toEqual(first.receipt);
    expect(await preview(secret, null)).toMatchObject({ usesLeft: 4 });
    expect([await contactsOf(ada.id), await contactsOf(bob.id)]).toEqual([[bob.id], [ada.id]]);
  });

  it("does not run without a login, though the API would run it for its issuer", async () => {
    const [ada, nora] = [await newPerson(), await newPerson()];
    const { secret } = await newActionToken(ada.access, nora.id);
    expect(await faultOf(run(secret, {}, null, "key"))).toMatchObject({
      code: "credentials_missing",
    });
    expect(await contactsOf(ada.id)).toEqual([]);
  });

  it("rejects unknown and used tokens", async () => {
    const [ada, bob, eve] = [await newPerson(), await newPerson(), await newPerson()];
    const { secret } = await newActionToken(ada.access, ada.id);
    await run(secret, {}, bob.caller, "key");
    for (const [token, reason] of [
      [secret, "used"],
      [(await newSecret())[0], "unknown"],
    ] as const) {
      expect(await faultOf(run(token, {}, eve.caller, "another"))).toMatchObject({
        code: "action_refused",
        reason,
      });
    }
  });
});

describe("links in emails", () => {
  it("a new password, with a form for it, whether or not someone is logged in", async () => {
    const [ada, eve] = [await newPerson(), await newPerson()];
    const secret = await mailed(ada, "resetPassword");
    for (const caller of [null, ada.caller, eve.caller]) {
      expect(await preview(secret, caller)).toMatchObject({
        state: "ready",
        isInternal: true,
        needsLogin: false,
        fields: [
          { name: "password", kind: "password", label: "New password", isRequired: true },
          { name: "keep_passkeys", kind: "passkeys", isRequired: false },
        ],
      });
    }
    expect(await faultOf(run(secret, {}, null, "key"))).toMatchObject({ code: "payload_invalid" });
    expect(await faultOf(run(secret, { password: "short" }, null, "key"))).toMatchObject({
      code: "payload_invalid",
      problems: [{ path: "password" }],
    });
    const sent = { password: "a new password of theirs" };
    await run(secret, sent, eve.caller, "key");
    await run(secret, sent, eve.caller, "key");
    expect((await call("GET", "/rest/user", { basic: { ...ada, ...sent } })).status).toBe(200);
    expect(await preview(secret, null)).toMatchObject({ state: "used" });
  });

  it("only its own account can verify an email", async () => {
    const [ada, eve] = [await newPerson(), await newPerson()];
    const secret = await mailed(ada, "verifyEmail");
    expect(await preview(secret, null)).toMatchObject({ state: "ready", needsLogin: true });
    expect(await preview(secret, eve.caller)).toMatchObject({ state: "audience" });
    expect(await preview(secret, ada.caller)).toMatchObject({ state: "ready", needsLogin: false });
    expect(await faultOf(run(secret, {}, null, "key"))).toMatchObject({
      code: "credentials_missing",
    });
    await run(secret, {}, ada.caller, "key");
    const row = DB.prepare("SELECT verified_on FROM users WHERE id = ?").bind(ada.id);
    expect(await row.first("verified_on")).not.toBeNull();
  });
});

const one = (caller: Caller, id: string, nowMs = Date.now()) =>
  services.actionUses.one(caller, id, nowMs);

describe("the issuer's own token", () => {
  it("who ran it and when, by name only, in pages", async () => {
    const ada = await newPerson();
    const { secret, id } = await newActionToken(ada.access, ada.id, { max_uses: 5 });
    const runners = [
      await newPerson({ first_name: "Bob" }),
      await newPerson({ last_name: "Carol" }),
      await newPerson(),
    ];
    for (const { caller, id } of runners) await run(secret, {}, caller, id);
    await DB.prepare(
      "UPDATE receipts SET run_at = run_at + (SELECT COUNT(*) FROM users WHERE id < run_by)",
    ).run();
    const all = await services.actionUses.runs(ada.caller, id, FIRST);
    expect(all.items.map(({ name }) => name).sort()).toEqual(["Bob", "Carol", null]);
    expect(Object.keys(all.items[0] ?? {}).sort()).toEqual([
      "contactId",
      "createdAtMs",
      "id",
      "isOwn",
      "name",
    ]);
    const firstTwo = await services.actionUses.runs(ada.caller, id, { limit: 2, after: null });
    const rest = await services.actionUses.runs(ada.caller, id, { limit: 2, after: firstTwo.next });
    expect([...firstTwo.items, ...rest.items]).toEqual(all.items);
    expect(rest.next).toBeNull();
    const [bob] = runners;
    if (bob === undefined) throw new Error("nobody");
    expect((await services.actionUses.runs(bob.caller, id, FIRST)).items).toEqual([]);
    await DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(bob.id).run();
    const after = await services.actionUses.runs(ada.caller, id, FIRST);
    expect(after.items.map(({ name }) => name).sort()).toEqual(["Carol", null, null]);
  });

  it("its status, never of another user's token or one sent by email", async () => {
    const [ada, bob] = [await newPerson(), await newPerson()];
    const { secret, id } = await newActionToken(ada.access, ada.id);
    expect(await one(ada.caller, id)).toMatchObject({
      status: "active",
      token: { id, uses: 0, maxUses: 1 },
      action: { name: "addContact" },
    });
    expect((await one(ada.caller, id, Date.now() + 3_600_001)).status).toBe("expired");
    await run(secret, {}, bob.caller, "key");
    expect(await one(ada.caller, id)).toMatchObject({ status: "used_up", token: { uses: 1 } });
    const revoked = await newActionToken(ada.access, ada.id);
    await call("DELETE", `/api/action-tokens/${revoked.id}`, { bearer: ada.access });
    expect((await one(ada.caller, revoked.id)).status).toBe("revoked");
    expect(await faultOf(one(bob.caller, id))).toMatchObject({ code: "token_not_found" });
    await mailed(ada, "resetPassword");
    const row = DB.prepare("SELECT id FROM tokens WHERE user_id = ? AND detail LIKE '%internal%'");
    const internal = (await row.bind(ada.id).first<string>("id")) ?? "";
    expect(await faultOf(one(ada.caller, internal))).toMatchObject({ code: "token_not_found" });
  });

  it("only actions with a form that are not internal can be issued", () => {
    const issuable = services.actionUses.issuable();
    expect(issuable.map(({ name }) => name)).toEqual(["addContact"]);
    expect(issuable[0]?.payloadFields).toMatchObject([
      { name: "contact_id", kind: "user", label: "Contact", isRequired: true },
    ]);
  });
});
