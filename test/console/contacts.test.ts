import { describe, expect, it } from "vitest";
import { textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { textOf } from "./html.ts";
import { idOf } from "./forms.ts";
import { newPageClient, type PageClient } from "./page-client.ts";
import { EVENT_LOG } from "../../src/storage/event-rows.ts";
import { DB } from "../support/database.ts";

const { call } = isolate();

interface Person {
  readonly client: PageClient;
  readonly id: string;
}

async function newPerson(first_name: string, last_name = ""): Promise<Person> {
  const client = await newPageClient(call);
  const id = await idOf(client);
  await DB.prepare("UPDATE users SET first_name = ?, last_name = ? WHERE id = ?")
    .bind(first_name || null, last_name || null, id)
    .run();
  return { client, id };
}

async function codeOf({ client, id }: Person, contact_id = id) {
  const json = { action: "addContact", payload: { contact_id }, max_uses: 50 };
  const answer = await call("POST", "/api/generate-action-token", { xToken: client.secret, json });
  return { link: `/a/${textAt(answer, "token", "token")}`, id: textAt(answer, "token", "id") };
}

const run = ({ client }: Person, link: string) =>
  client.send(link, { run_key: crypto.randomUUID() });
const pageOf = ({ client }: Person, { id }: Person) => client.open(`/console/contacts/${id}`);
const removal = ({ client }: Person, { id }: Person) =>
  client.send(`/console/contacts/${id}/remove`);

const links = async (...people: readonly Person[]) => {
  const ids = JSON.stringify(people.map(({ id }) => id));
  const { results } = await DB.prepare(
    "SELECT user_id FROM contacts WHERE user_id IN (SELECT unhex(value, '-') FROM json_each(?1)) AND contact_id IN (SELECT unhex(value, '-') FROM json_each(?1))",
  )
    .bind(ids)
    .all();
  return results.length;
};

describe("a contact's page", () => {
  it("says how and when they met, to both of them", async () => {
    const [ada, bob, eve] = [await newPerson("Ada"), await newPerson("Bob"), await newPerson("")];
    const code = await codeOf(ada);
    await run(bob, code.link);
    const adas = await pageOf(ada, bob);
    expect(textOf(adas)).toMatch(
      /^Contacts Bob Who has whom You're in each other's .* How you met With a code of yours · \w{3} \d.* · See the code ID /,
    );
    expect(adas.text).toContain(`href="/console/actions/${code.id}"`);
    const bobs = await pageOf(bob, ada);
    expect(textOf(bobs)).toMatch(/How you met With a code of theirs · \w{3} \d.* ID /);
    expect(bobs.text).not.toContain(code.id);
    // Introduced by Bob: Eve gets Ada, Ada does not get Eve.
    await run(eve, (await codeOf(bob, ada.id)).link);
    const introduced = textOf(await pageOf(eve, ada));
    expect(introduced).toMatch(/In your contacts Bob introduced you · \w{3} \d/);
    expect(introduced).toContain("You aren't in theirs, but they see that you have them.");
    const followed = textOf(await pageOf(ada, eve));
    expect(followed).toMatch(/You in theirs Bob introduced you · \w{3} \d/);
    expect(followed).not.toContain("In your contacts");
    // Later Eve shows Ada another code: each direction keeps how it came to be.
    await run(ada, (await codeOf(eve)).link);
    expect(textOf(await pageOf(ada, eve))).toMatch(
      /In your contacts With a code of theirs .* You in theirs Bob introduced you · /,
    );
    // Nothing is known of how; and no one's page is open to those who do not have them.
    await DB.prepare("UPDATE contacts SET issuer_id = NULL, token_id = NULL").run();
    expect(textOf(await pageOf(ada, bob))).toContain("Not recorded how");
    const mallory = await newPerson("Mallory");
    for (const [who, of] of [
      [mallory, ada],
      [ada, mallory],
    ] as const) {
      expect((await pageOf(who, of)).status).toBe(404);
    }
  });

  it("who was introduced sees by whom, and takes themselves out", async () => {
    const [ada, bob, eve] = [
      await newPerson("Ada"),
      await newPerson("Bob"),
      await newPerson("Eve"),
    ];
    await run(eve, (await codeOf(bob, ada.id)).link);
    const list = async ({ client }: Person) =>
      textOf(await client.open("/console/contacts/followers"));
    expect(await list(ada)).toMatch(/Name Introduced by Since Eve Bob \w{3} \d/);
    for (const other of [bob, eve]) expect(await list(other)).toContain("No one else has you");
    expect(textOf(await pageOf(ada, eve))).toContain("Remove me from their contacts");
    await removal(ada, eve);
    expect(await links(ada, eve)).toBe(0);
    expect(await list(ada)).toContain("No one else has you");
  });

  it("removes both from each other, whichever side does it, by page or JSON, once or twice", async () => {
    for (const remove of [
      removal,
      ({ client }: Person, { id }: Person) =>
        call("DELETE", `/api/user/contacts/${id}`, { xToken: client.secret }),
    ]) {
      const [ada, bob] = [await newPerson("Ada"), await newPerson("Bob")];
      const { link } = await codeOf(ada);
      for (const [by, of] of [
        [ada, bob],
        [bob, ada],
      ] as const) {
        await run(bob, link);
        expect(await links(ada, bob)).toBe(2);
        const told = textOf(await pageOf(by, of));
        expect(told).toContain("You'll be removed from each other's contacts immediately.");
        const statuses = await Promise.all([remove(by, of), remove(of, by), remove(by, of)]);
        expect(new Set(statuses.map(({ status }) => status)).size).toBe(1);
        expect(await links(ada, bob)).toBe(0);
        expect((await pageOf(by, of)).status).toBe(404);
      }
      // Each removal is in the events of both once, and not those that removed nothing.
      const events = DB.prepare(
        `SELECT COUNT(*) AS n FROM ${EVENT_LOG.sql} WHERE what = 'contact.removed' AND user_id = ?`,
      );
      for (const { id } of [ada, bob]) expect(await events.bind(id).first("n")).toBe(2);
    }
  });

  it("a removal at the same instant as a run leaves both directions or none", async () => {
    const [ada, bob] = [await newPerson("Ada"), await newPerson("Bob")];
    const { link } = await codeOf(ada);
    for (let i = 0; i < 8; i++) {
      const all = [run(bob, link), removal(ada, bob), removal(bob, ada)];
      await Promise.all(i % 2 === 0 ? all : all.reverse());
      expect([0, 2]).toContain(await links(ada, bob));
    }
  });
});

describe("5,000 contacts", () => {
  it("are read by an index in pages of both directions, and searched by name", async () => {
    const ada = await newPerson("Ada");
    const count = 5_000;
    await DB.batch([
      DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO users (id, email, password, created_on, modified_on, first_name, last_name)
         SELECT unhex(printf('%08d000040008000000000000000', i)), printf('%d@many.example', i), '', 0, 0,
           CASE WHEN i % 100 THEN printf('Number%d', i) END, CASE i WHEN 1 THEN 'Élodie' END FROM n`,
      ).bind(count),
      DB.prepare(
        `INSERT INTO contacts (user_id, contact_id, created_at)
         SELECT ?1, id, CAST(hex(substr(id, 1, 4)) AS INTEGER) FROM users WHERE email LIKE '%@many.example'`,
      ).bind(ada.id),
    ]);
    const open = async (query: string) => {
      const { text } = await ada.client.open(`/console/contacts${query}`);
      expect(text.length).toBeLessThan(15_000);
      const rows = [...text.matchAll(/href="\/console\/contacts\/(\d{8})-/g)].map(([, n]) =>
        Number(n),
      );
      const link = (rel: string) =>
        new RegExp(`rel="${rel}" href="/console/contacts(\\?[^"]+)"`)
          .exec(text)?.[1]
          ?.replaceAll("&amp;", "&");
      return { rows, next: link("next"), previous: link("prev") };
    };
    const first = await open("?limit=25");
    expect(first.rows).toEqual(Array.from({ length: 25 }, (_, i) => count - i));
    expect(first.previous).toBeUndefined();
    const second = await open(`${first.next}&limit=25`);
    expect(second.rows[0]).toBe(count - 25);
    expect((await open(`${second.previous}&limit=25`)).rows).toEqual(first.rows);
    for (const [search, found] of [
      ["%C3%A9lodie", [1]],
      ["number1 %C3%89LODIE", [1]],
      ["number4321", [4321]],
      // Without a name they are shown with the beginning of their id.
      ["000047", [4700]],
      ["nobody", []],
    ] as const) {
      expect([search, (await open(`?search=${search}`)).rows]).toEqual([search, found]);
    }
    const plan = await DB.prepare(
      `EXPLAIN QUERY PLAN SELECT c.contact_id FROM contacts AS c JOIN users AS u ON u.id = c.contact_id
        WHERE c.user_id = ? AND (c.created_at, c.contact_id) < (?, ?) ORDER BY c.created_at DESC, c.contact_id DESC LIMIT 51`,
    )
      .bind(ada.id, 1, "x")
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join("\n")).toMatch(/contacts_list/);
    expect(plan.results.map(({ detail }) => detail).join("\n")).not.toMatch(/SCAN|TEMP B-TREE/);
  });
});

it("an empty list, an empty search, and what was searched, as its user wrote it", async () => {
  const ada = await newPerson("Ada");
  expect(textOf(await ada.client.open("/console/contacts"))).toContain(
    "No contacts yet Create a code and have someone scan it.",
  );
  const page = await ada.client.open("/console/contacts?search=%3Cb%3E%E2%80%AE");
  expect(textOf(page)).toContain("No contacts match “ <b>\u202e ”");
  expect(page.text).toContain("<bdi>&lt;b&gt;\u202e</bdi>");
});
