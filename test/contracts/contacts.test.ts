import { beforeEach, describe, expect, it } from "vitest";
import { call, itemsAt, newApiToken, newCaller, type Send, textAt } from "../support/client.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

type User = Awaited<ReturnType<typeof newCaller>>;

const remove = (send: Send, id: string) => call("DELETE", `/api/user/contacts/${id}`, send);
const contacts = async (user: User) =>
  itemsAt(
    await call("GET", "/api/user/get-contacts", { bearer: user.access }),
    "data",
    "contacts",
  ).map((each) => Reflect.get(Object(Reflect.get(Object(each), "contact")), "id"));

async function link(contact: User, by: User, issuer: User) {
  const json = { action: "addContact", payload: { contact_id: contact.id } };
  const issued = await call("POST", "/api/generate-action-token", { bearer: issuer.access, json });
  const token = textAt(issued, "token", "token");
  const run = await call("POST", "/api/run-action-token", { bearer: by.access, json: { token } });
  expect(run.status).toBe(200);
}

let ann: User;
let ben: User;
let eve: User;
beforeEach(async () => {
  [ann, ben, eve] = [await newCaller(), await newCaller(), await newCaller()];
});

it("a list with a search has those in whose name each word is", async () => {
  await link(ann, ben, ann);
  await DB.prepare("UPDATE users SET first_name = 'Benoît', last_name = 'de Tours' WHERE id = ?")
    .bind(ben.id)
    .run();
  const found = async (search: string) => {
    const path = `/api/user/get-contacts?search=${encodeURIComponent(search)}`;
    const answer = await call("GET", path, { bearer: ann.access });
    return answer.status === 200
      ? itemsAt(answer, "data", "contacts").length
      : [answer.status, answer.json];
  };
  for (const [search, count] of [
    ["", 1],
    ["tours BENO", 1],
    ["BENOÎT", 1],
    ["tours paris", 0],
    ["%", 0],
    ["' OR 1", 0],
  ] as const) {
    expect([search, await found(search)]).toEqual([search, count]);
  }
  expect(await found("x".repeat(101))).toMatchObject([
    422,
    { errors: { search: ["The search must be at most 100 characters."] } },
  ]);
});

describe("DELETE /api/user/contacts/{id}", () => {
  it.each(["who showed the code", "who scanned it"])("%s takes both out", async (who) => {
    await link(ann, ben, ann);
    await link(ann, eve, ann);
    const [by, of] = who === "who scanned it" ? [ben, ann] : [ann, ben];
    const answer = await remove({ bearer: by.access }, of.id.toUpperCase());
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect([await contacts(ann), await contacts(ben)]).toEqual([[eve.id], []]);
  });

  it.each(["who has the link", "who was introduced"])(
    "%s takes a one-way link away",
    async (who) => {
      await link(ben, ann, eve);
      expect([await contacts(ann), await contacts(ben)]).toEqual([[ben.id], []]);
      const [by, of] = who === "who was introduced" ? [ben, ann] : [ann, ben];
      await remove({ bearer: by.access }, of.id);
      expect(await contacts(ann)).toEqual([]);
    },
  );

  it("who was introduced sees by whom, and no one else does", async () => {
    await DB.prepare("UPDATE users SET first_name = 'Eve' WHERE id = ?").bind(eve.id).run();
    await link(ben, ann, eve);
    const followers = async (user: User) => {
      const answer = await call("GET", "/api/user/contacts/followers", { bearer: user.access });
      return itemsAt(answer, "data", "contacts");
    };
    expect(await followers(ben)).toEqual([
      {
        contact: { id: ann.id, first_name: null, last_name: null },
        created_at: expect.any(String),
        introduced_by: "Eve",
      },
    ]);
    expect([await followers(ann), await followers(eve)]).toEqual([[], []]);
    // Whoever is a contact in both directions is in the other list.
    await link(ann, ben, ann);
    expect([await followers(ben), await contacts(ben)]).toEqual([[], [ann.id]]);
  });

  it("is harmless once more, and for a user who is no contact", async () => {
    await link(ann, ben, ann);
    for (const id of [ben.id, ben.id, ann.id, crypto.randomUUID(), "nobody", "%00"]) {
      expect([id, (await remove({ bearer: ann.access }, id)).status]).toEqual([id, 204]);
    }
    const events = DB.prepare(
      `SELECT user_id, actor, subject FROM ${EVENT_LOG.sql} WHERE what = 'contact.removed' AND actor = ? ORDER BY user_id = ?`,
    ).bind(ann.id, ben.id);
    expect((await events.all()).results).toEqual([
      { user_id: ann.id, actor: ann.id, subject: ben.id },
      { user_id: ben.id, actor: ann.id, subject: ann.id },
    ]);
  });

  it("tells the other not from where", async () => {
    await link(ann, ben, ann);
    await remove({ bearer: ann.access, headers: { "cf-connecting-ip": "192.0.2.7" } }, ben.id);
    const address = (user: User) =>
      DB.prepare(
        `SELECT address FROM ${EVENT_LOG.sql} WHERE what = 'contact.removed' AND user_id = ?`,
      )
        .bind(user.id)
        .first("address");
    expect([await address(ann), await address(ben)]).toEqual(["192.0.2.0/24", null]);
  });

  it("is nobody else's to do, nor a program's without the scope", async () => {
    await link(ann, ben, ann);
    await remove({ bearer: eve.access }, ben.id);
    expect((await remove({}, ben.id)).status).toBe(401);
    const { secret } = await newApiToken(ann.access, "reader", 60, ["account:read"]);
    expect((await remove({ bearer: secret }, ben.id)).status).toBe(403);
    expect(await contacts(ann)).toEqual([ben.id]);
  });
});
