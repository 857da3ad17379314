import { describe, expect, it, vi } from "vitest";
import { call, ORIGIN } from "../support/client.ts";
import { linkOnPage, type HtmlPage, textOf } from "./html.ts";
import { signedUpUser, type BrowserUser, newBrowserUser } from "./browser-user.ts";
import { DB } from "../support/database.ts";

const NEW = "/console/actions/new/addContact";
/** Terms of one's own, in place of a preset. */
const CUSTOM = { token_preset: "custom" };

async function issue(person: BrowserUser, filled: Record<string, string> = {}): Promise<HtmlPage> {
  const page = await person.submit(await person.get(NEW), NEW, { ...CUSTOM, ...filled });
  expect(page.status).toBe(200);
  return page;
}

/** The path of the link on the page, as a scanner of the code opens it. */
const linkOf = (page: HtmlPage) => linkOnPage(page, `${ORIGIN}/a/lk_act_`).slice(ORIGIN.length);
const ownOf = (page: HtmlPage) => linkOnPage(page, "/console/actions/").replace("/uses", "");

const named = async (first_name: string) => {
  const person = await signedUpUser();
  const account = await person.get("/console/account");
  await person.submit(account, "/console/account/profile", { first_name });
  return person;
};

const idOf = async (person: BrowserUser): Promise<string> =>
  /aria-label="User ID"><code>([^<]+)/.exec((await person.get("/console/account")).text)?.[1] ?? "";

const tokens = async () =>
  (await DB.prepare("SELECT COUNT(*) AS n FROM tokens WHERE kind = 'action'").first("n")) ?? 0;

describe("two people become contacts over a code", () => {
  it("from sign-up to contact, without JavaScript", async () => {
    const ada = await named("Ada");
    const issued = await issue(ada);
    expect(textOf(issued)).toContain("you won't be able to see it again");
    expect(issued.text).toMatch(/<svg [^>]*viewBox/);
    const link = linkOf(issued);

    // Bob scans it, has no account, creates one, and comes back to the link.
    const bob = newBrowserUser();
    const asked = await bob.get(link);
    expect(textOf(asked)).toContain("You and Ada will be added to each other's contacts");
    expect(textOf(asked)).toContain("Log in to continue");
    const signUp = await bob.get(linkOnPage(asked, "/console/signup"));
    const email = `${crypto.randomUUID()}@example.com`;
    const back = await bob.submit(signUp, "/console/signup", { email, password: "bob's own one" });
    expect(back.path).toBe(link);
    expect(textOf(back)).toContain(
      "From Ada They chose this name themselves. Their email isn't verified. Valid for One use left · expires in 1 hour",
    );
    const done = await bob.submit(back, link);
    expect(textOf(done)).toBe("Add contact You and Ada are now contacts. Go to contacts");

    expect(textOf(await bob.get("/console/contacts"))).toContain("Ada");
    expect(textOf(await ada.get("/console/contacts"))).toMatch(/Unnamed \([0-9a-f]{8}\)/);
    const uses = await ada.get(`${ownOf(issued)}/uses`);
    expect(textOf(uses)).toMatch(/^Used 1 of 1 Used up Someone \(no name set\) \w+ \d/);
    expect(uses.text).not.toContain("<html");
    expect(textOf(await ada.get(ownOf(issued)))).toContain("Used 1 of 1 Used up");
  });

  it("a double click and a reload are one run", async () => {
    const [ada, bob] = [await named("Ada"), await signedUpUser()];
    const link = linkOf(await issue(ada, { token_uses: "5" }));
    const page = await bob.get(link);
    const all = await Promise.all([1, 2, 3].map(() => bob.submit(page, link)));
    all.push(await bob.submit(page, link));
    for (const each of all) expect(textOf(each)).toContain("You and Ada are now contacts");
    expect(textOf(await (await signedUpUser()).get(link))).toContain("4 uses left");
  });

  it("rejects another user's idempotency key and gives them a new one", async () => {
    const [ada, bob, eve] = [await named("Ada"), await signedUpUser(), await signedUpUser()];
    const link = linkOf(await issue(ada, { token_uses: "5" }));
    const page = await bob.get(link);
    await bob.submit(page, link);
    const refused = await eve.submit(page, link);
    expect([refused.status, textOf(refused)]).toEqual([
      422,
      expect.stringContaining("This form was already used. Reload the page and try again."),
    ]);
    expect(textOf(await eve.submit(refused, link))).toContain("You and Ada are now contacts");
  });

  it("opening the link uses nothing up", async () => {
    const [ada, bob] = [await named("Ada"), await signedUpUser()];
    const link = linkOf(await issue(ada));
    for (const site of ["none", "cross-site", "same-origin"]) {
      for (const who of [newBrowserUser(), bob])
        expect((await who.get(link, site)).status).toBe(200);
    }
    expect((await call("HEAD", link)).status).toBe(200);
    const { status } = await bob.submit(await bob.get(link), link);
    expect(status).toBe(200);
    expect(textOf(await bob.get(link))).toContain("You already used this link");
  });

  it("a form of another site runs nothing", async () => {
    const [ada, bob] = [await named("Ada"), await signedUpUser()];
    const link = linkOf(await issue(ada));
    const forged = await call("POST", link, {
      headers: { "sec-fetch-site": "cross-site", cookie: `__Host-latchkey=${bob.session()}` },
      form: { run_key: "forged" },
    });
    expect(forged.status).toBe(403);
    expect(textOf(await bob.get(link))).toContain("One use left");
  });
});

describe("issuing", () => {
  it("the same form sent twice, or at once, creates one token and shows the same code", async () => {
    const ada = await named("Ada");
    const form = await ada.get(NEW);
    const before = await tokens();
    const [first, second] = await Promise.all([ada.submit(form, NEW), ada.submit(form, NEW)]);
    const reloaded = await ada.submit(form, NEW);
    expect(new Set([first, second, reloaded].map(linkOf)).size).toBe(1);
    expect(textOf(reloaded)).toContain("You already submitted this form");
    expect(Number(await tokens()) - Number(before)).toBe(1);
    // Another form creates another token.
    expect(linkOf(await issue(ada))).not.toBe(linkOf(reloaded));
  });

  it("rejects the same form with other values", async () => {
    const ada = await named("Ada");
    const form = await ada.get(NEW);
    await ada.submit(form, NEW);
    const before = await tokens();
    for (const terms of [{ token_uses: "5" }, { token_lifetime: "86400" }]) {
      const other = { ...CUSTOM, ...terms };
      const answer = await ada.submit(form, NEW, other);
      expect([answer.status, textOf(answer)]).toEqual([
        422,
        expect.stringContaining("This form was already used. Reload the page and try again."),
      ]);
      // The new form it shows can be sent.
      expect(textOf(await ada.submit(answer, NEW, other))).toContain("Used 0 of");
    }
    expect(Number(await tokens()) - Number(before)).toBe(2);
  });

  it("rejects the secret of another user's form", async () => {
    const [ada, eve] = [await named("Ada"), await signedUpUser()];
    const link = linkOf(await issue(ada));
    const form = await eve.get(NEW);
    const answer = await eve.submit(form, NEW, { token_secret: link.slice("/a/".length) });
    expect(answer.text).not.toContain("<svg");
    expect(textOf(answer)).toContain("no longer valid");
  });

  it("with a lifetime, a number of uses, and an audience", async () => {
    const [ada, bob, eve] = [await named("Ada"), await named("Bob"), await signedUpUser()];
    // Bob is Ada's contact, but Ada is not Bob's.
    const introduced = linkOf(await issue(bob));
    await ada.submit(await ada.get(introduced), introduced);
    await DB.prepare("DELETE FROM contacts WHERE contact_id = ?")
      .bind(await idOf(ada))
      .run();
    const form = await ada.get(NEW);
    const [, bobsId] = /<option value="([^"]+)">Bob<\/option>/.exec(form.text) ?? [];
    const page = await ada.submit(form, NEW, {
      ...CUSTOM,
      token_lifetime: "86400",
      token_uses: "7",
      token_audience: bobsId ?? "",
    });
    const link = linkOf(page);
    expect(textOf(page)).toContain("Used 0 of 7");
    expect(textOf(await newBrowserUser().get(link))).toContain("For one person");
    const stranger = await eve.get(link);
    expect([stranger.status, textOf(stranger)]).toEqual([
      403,
      expect.stringContaining("This link is for someone else"),
    ]);
    expect(textOf(await bob.get(link))).toContain("7 uses left · expires in 1 day");
  });

  it.each([
    [{ token_uses: "0" }, "Must be a whole number from 1 to 1000."],
    [{ token_uses: "1001" }, "Must be a whole number from 1 to 1000."],
    [{ token_lifetime: "1" }, "Must be one of these."],
    [{ token_preset: "1x1" }, "Must be one of these."],
    [{ token_preset: "1001x600" }, "Must be a whole number from 1 to 1000."],
    [{ contact_id: "nobody" }, "Must be a user's id."],
    [{ contact_id: "00000000-0000-4000-8000-000000000000" }, "This no longer exists."],
    [{ token_audience: "00000000-0000-4000-8000-000000000000" }, "This no longer exists."],
  ])("%o shows the error and creates nothing", async (filled, says) => {
    const ada = await signedUpUser();
    const before = await tokens();
    const answer = await ada.submit(await ada.get(NEW), NEW, { ...CUSTOM, ...filled });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(textOf(answer)).toContain(says);
    expect(await tokens()).toBe(before);
  });

  it("rejects actions that users cannot issue", async () => {
    const ada = await signedUpUser();
    for (const name of ["resetPassword", "verifyEmail", "nothing"]) {
      const page = await ada.get(`/console/actions/new/${name}`);
      expect([page.status, page.text.includes("<svg")]).toEqual([422, false]);
    }
  });
});

it.each([
  ["1x600", "One use left · expires in 10 minutes"],
  ["10x86400", "10 uses left · expires in 1 day"],
])("the preset %s, whatever the other fields hold", async (token_preset, terms) => {
  const ada = await named("Ada");
  const form = await ada.get(NEW);
  expect(form.text).toContain(`name="token_preset" value="${token_preset}"`);
  const page = await ada.submit(form, NEW, { token_preset, token_uses: "7" });
  expect(textOf(await newBrowserUser().get(linkOf(page)))).toContain(terms);
});

describe("the history", () => {
  it("finds tokens by state, action and person, and says who used which", async () => {
    const [ada, bob] = [await named("Ada"), await named("Bob")];
    const used = await issue(ada);
    await bob.submit(await bob.get(linkOf(used)), linkOf(used));
    const [, bobsId = ""] = /<option value="([^"]+)">Bob</.exec((await ada.get(NEW)).text) ?? [];
    const forBob = await issue(ada, { token_audience: bobsId });
    const revoked = await issue(ada, { token_uses: "2" });
    await ada.submit(revoked, `${ownOf(revoked)}/end`);
    const expired = await issue(ada, { token_uses: "3" });
    await DB.prepare("UPDATE tokens SET expires_at = ?1 - 1 WHERE id = ?2")
      .bind(Date.now(), ownOf(expired).split("/").at(-1))
      .run();
    const all = { used, forBob, revoked, expired };
    const found = async (query: string) => {
      const { text, status } = await ada.get(`/console/actions?${query}`);
      expect(status).toBe(200);
      return Object.entries(all).flatMap(([name, page]) =>
        text.includes(`href="${ownOf(page)}"`) ? [name] : [],
      );
    };
    for (const [query, names] of [
      ["", ["forBob"]],
      ["state=used_up", ["used"]],
      ["state=revoked", ["revoked"]],
      ["state=expired", ["expired"]],
      ["state=all", ["used", "forBob", "revoked", "expired"]],
      ["state=all&for=anyone", ["used", "revoked", "expired"]],
      ["state=all&for=person", ["forBob"]],
      [`state=all&for=${bobsId}`, ["forBob"]],
      [`state=all&for=${crypto.randomUUID()}`, []],
      ["state=all&action=addContact", ["used", "forBob", "revoked", "expired"]],
      // What no form sends is left out.
      ["state=x&action=resetPassword&for=x", ["forBob"]],
    ] as const) {
      expect([query, await found(query)]).toEqual([query, names]);
    }
    expect(textOf(await ada.get("/console/actions"))).toContain("Active 0 of 1 Bob in 1 hour");
    const order = async (query: string) => {
      const { text } = await ada.get(`/console/actions?state=all&${query}`);
      const at = (page: HtmlPage) => text.indexOf(`href="${ownOf(page)}"`);
      return Object.entries(all)
        .toSorted(([, a], [, b]) => at(a) - at(b))
        .map(([name]) => name);
    };
    for (const [query, names] of [
      ["", ["expired", "revoked", "forBob", "used"]],
      ["sort=created", ["used", "forBob", "revoked", "expired"]],
      ["sort=expires", ["expired", "used", "forBob", "revoked"]],
      ["sort=-used", ["used", "expired", "revoked", "forBob"]],
      ["sort=x", ["expired", "revoked", "forBob", "used"]],
    ] as const) {
      const found = await order(query);
      // Of the same number of uses, or of one second, the order is of the ids.
      const known = query === "sort=expires" || query === "sort=-used" ? 1 : 4;
      expect([query, found.slice(0, known)]).toEqual([query, names.slice(0, known)]);
    }
    expect(textOf(await ada.get("/console/actions?state=all"))).toContain("4 tokens. Tokens stay");
    expect(textOf(await ada.get("/console/actions"))).toContain("1 token.");
    const uses = await ada.get("/console/actions/uses");
    expect(textOf(uses)).toContain("Who Action When Bob Share my contact just now");
    expect(uses.text).toContain(`href="/console/contacts/${bobsId}"`);
    expect(uses.text).toContain(`href="${ownOf(used)}"`);
    expect(textOf(await bob.get("/console/actions/uses"))).toContain("No uses yet");
    // One who is no contact is not named, whatever the API let the token be for.
    await DB.prepare("DELETE FROM contacts").run();
    expect(textOf(await ada.get("/console/actions"))).toContain("Active 0 of 1 One person");
  });

  it("has no token that was sent by email", async () => {
    const ada = await named("Ada");
    const own = ownOf(await issue(ada));
    expect((await ada.get("/console/actions?state=all")).text).toContain(own);
    await DB.prepare("UPDATE tokens SET detail = json_set(detail, '$.internal', 1)").run();
    expect(textOf(await ada.get("/console/actions?state=all"))).toContain("No action tokens match");
  });
});

describe("the issuer's pages", () => {
  it("list active tokens and revoke them", async () => {
    const ada = await named("Ada");
    const page = await issue(ada);
    const own = ownOf(page);
    const list = await ada.get("/console/actions");
    expect(textOf(list)).toContain(
      "Share my contact Active 0 of 1 Anyone with the link in 1 hour just now",
    );
    const ended = await ada.submit(await ada.get(own), `${own}/end`);
    expect(ended.path).toBe(own);
    expect(textOf(ended)).toContain("Used 0 of 1 Revoked");
    expect(textOf(await ada.get("/console/actions"))).toContain("No active action tokens");
    const gone = await newBrowserUser().get(linkOf(page));
    expect([gone.status, textOf(gone)]).toEqual([
      410,
      expect.stringContaining("This link was revoked"),
    ]);
    const again = await ada.post(`${own}/end`, {});
    expect(again.status).toBe(404);
  });

  it("never show the secret again, refresh without JavaScript, and are the issuer's only", async () => {
    const [ada, eve] = [await named("Ada"), await signedUpUser()];
    const page = await issue(ada);
    const own = ownOf(page);
    const shown = await ada.get(own);
    expect(shown.text).not.toContain("lk_act_");
    expect(shown.text).toContain('<noscript><meta http-equiv="refresh" content="15"/></noscript>');
    // The page that answers the form must not refresh: that would lose the code.
    expect(page.text).not.toContain('http-equiv="refresh"');
    for (const path of [own, `${own}/uses`]) expect((await eve.get(path)).status).toBe(404);
    expect((await eve.post(`${own}/end`, {})).status).toBe(404);
    expect(textOf(await newBrowserUser().get(own))).toContain("Log in");
  });
});

it("the page behind a link has a text for each state", async () => {
  const ada = await named("Ada");
  const link = linkOf(await issue(ada));
  const own = await ada.get(link);
  expect([own.status, textOf(own)]).toEqual([
    422,
    "This is your own code Ask someone else to scan it. See who used it",
  ]);
  const unknown = await newBrowserUser().get(`${link.slice(0, -1)}!`);
  expect([unknown.status, textOf(unknown)]).toEqual([
    404,
    expect.stringContaining("Link not found"),
  ]);
  await DB.prepare("UPDATE tokens SET expires_at = 1 WHERE kind = 'action'").run();
  const late = await newBrowserUser().get(link);
  expect([late.status, textOf(late)]).toEqual([
    410,
    expect.stringContaining("This link has expired"),
  ]);
});

it("polling the uses does not extend the session", async () => {
  const ada = await named("Ada");
  const own = ownOf(await issue(ada));
  const endsIn = () =>
    DB.prepare("SELECT MAX(expires_at) AS at FROM tokens WHERE kind = 'session'").first("at");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 45 * 60_000 });
  const before = await endsIn();
  expect((await ada.get(`${own}/uses`)).status).toBe(200);
  expect(await endsIn()).toBe(before);
  await ada.get(own);
  expect(await endsIn()).not.toBe(before);
});

it("pages load from this origin only and are never cached", async () => {
  const ada = await named("Ada");
  const page = await issue(ada);
  for (const each of [page, await ada.get(ownOf(page)), await newBrowserUser().get(linkOf(page))]) {
    expect(each.headers.get("cache-control")).toBe("no-store, no-transform");
    expect(each.headers.get("referrer-policy")).toMatch(/^(no-referrer|same-origin)$/);
    expect(each.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(each.text).not.toMatch(/ style=|<style|<script>| on[a-z]+="/);
  }
});
