import { describe, expect, it } from "vitest";
import { call, newUser } from "../support/client.ts";
import { mailed } from "../support/mailed.ts";
import { linkOnPage, textOf } from "./html.ts";
import { signedUpUser, newBrowserUser } from "./browser-user.ts";
import { DB } from "../support/database.ts";

const NEW = "a new password of theirs";

describe("the link of a forgotten password", () => {
  it.each([
    ["nobody", async () => newBrowserUser()],
    ["somebody else", signedUpUser],
  ])("sets a new one, where %s is logged in", async (_, who) => {
    const user = await newUser();
    const person = await who();
    const path = `/a/${await mailed(user, "resetPassword")}`;
    const page = await person.get(path, "cross-site");
    // From the mail's site: the page opens itself once more.
    expect(page.text).toContain('http-equiv="refresh"');
    const form = await person.get(path);
    expect(textOf(form)).toContain("From Sent by Latchkey by email Valid for One use left");
    const short = await person.submit(form, path, { password: "short" });
    expect([short.status, textOf(short)]).toEqual([
      422,
      expect.stringContaining("Must be 8 to 255 characters."),
    ]);
    expect(short.text).not.toContain('value="short"');
    const common = await person.submit(short, path, { password: "password123" });
    expect(textOf(common)).toContain("among the most common ones");
    const done = await person.submit(common, path, { password: NEW });
    expect(textOf(done)).toContain("Password changed. Log in");
    // A double click, or a reload.
    expect((await person.submit(common, path, { password: NEW })).status).toBe(200);
    // Back, and another one: it is not set, and nothing says that it was.
    for (const password of ["another password of theirs", "short"]) {
      const late = await person.submit(common, path, { password });
      expect([late.status, textOf(late)]).toEqual([
        422,
        expect.stringContaining("This link has already been used"),
      ]);
    }
    const basic = { email: user.email, password: NEW };
    expect((await call("GET", "/rest/user", { basic })).status).toBe(200);
    const again = await person.get(path);
    expect([again.status, textOf(again)]).toEqual([
      410,
      "This link has already been used Links in emails work once. Request a new link",
    ]);
  });

  it("ends the session of its own account, wherever it is", async () => {
    const ada = await signedUpUser();
    const row = DB.prepare("SELECT id FROM users WHERE email = ?").bind(ada.email);
    const id = (await row.first<string>("id")) ?? "";
    const path = `/a/${await mailed({ id, email: ada.email }, "resetPassword")}`;
    await ada.submit(await ada.get(path), path, { password: NEW });
    expect((await ada.get("/console/account")).path).toMatch(/^\/console\/login/);
  });
});

it("the link of a forgotten password asks which passkeys to keep, and remembers it when the password is refused", async () => {
  const user = await newUser();
  const add = (id: string, name: string, usedAt: number | null) =>
    DB.prepare(
      `INSERT INTO passkeys (id, user_id, credential_id, public_key, name, transports, counter, is_backup_eligible, is_backed_up, created_at, used_at)
        VALUES (?1, ?2, hex(?1), 'x', ?3, '[]', 0, 0, 0, ?4, ?5)`,
    ).bind(id, user.id, name, Date.now() - 3 * 86_400_000, usedAt);
  const [kept, gone] = [crypto.randomUUID(), crypto.randomUUID()];
  await DB.batch([
    DB.prepare("UPDATE users SET verified_on = 1 WHERE id = ?").bind(user.id),
    add(kept, "My <phone>", Date.now() - 7_200_000),
    add(gone, "iPhone", null),
  ]);
  const path = `/a/${await mailed(user, "resetPassword")}`;
  const person = newBrowserUser();
  const form = await person.get(path);
  expect(textOf(form)).toContain("My <phone> added 3 days ago , last used 2 hours ago");
  expect(textOf(form)).toContain("iPhone added 3 days ago , never used");
  expect(form.text).toContain("<bdi>My &lt;phone&gt;</bdi>");
  const checked = ({ text }: { text: string }) =>
    [...text.matchAll(/name="keep_passkeys" value="([^"]*)"( checked)?/g)].map(
      ([, id, mark]) => mark !== undefined && id,
    );
  expect(checked(form)).toEqual([false, false]);
  const again = await person.submit(form, path, { password: "short", keep_passkeys: kept });
  expect(checked(again).filter(Boolean)).toEqual([kept]);
  await person.submit(again, path, { password: NEW, keep_passkeys: kept });
  const left = DB.prepare("SELECT id FROM passkeys WHERE user_id = ?").bind(user.id);
  expect((await left.all()).results).toEqual([{ id: kept }]);
  // A link that was used shows nothing of the account.
  expect((await person.get(path)).text).not.toContain("phone");
});

describe("the link that confirms an email", () => {
  it("asks its account to log in, leads back, and confirms", async () => {
    const user = await newUser();
    const path = `/a/${await mailed(user, "verifyEmail")}`;
    const person = newBrowserUser();
    const asked = await person.get(path);
    expect(textOf(asked)).toContain("Log in to continue");
    // Nothing to press before that.
    expect(asked.text).not.toContain(`action="${path}"`);
    const login = await person.get(linkOnPage(asked, "/console/login?"));
    const { email, password } = user;
    const back = await person.submit(login, "/console/login", { email, password });
    expect(back.path).toBe(path);
    const done = await person.submit(back, path);
    expect(textOf(done)).toContain("is confirmed as your email address.");
    expect(textOf(await person.get("/console/account"))).toContain("Verified");
  });

  it("is nobody else's, also where the button's request is made by hand", async () => {
    const user = await newUser();
    const path = `/a/${await mailed(user, "verifyEmail")}`;
    const eve = await signedUpUser();
    expect((await eve.get(path)).status).toBe(403);
    const byHand = await eve.post(path, { run_key: "any" });
    expect([byHand.status, textOf(byHand)]).toEqual([
      422,
      expect.stringContaining("This link is for someone else"),
    ]);
    const nobody = await newBrowserUser().post(path, { run_key: "any" });
    expect([nobody.status, textOf(nobody)]).toEqual([401, expect.stringContaining("Log in")]);
    const row = DB.prepare("SELECT verified_on FROM users WHERE id = ?").bind(user.id);
    expect(await row.first("verified_on")).toBeNull();
  });
});
