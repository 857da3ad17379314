import { describe, expect, it } from "vitest";
import { newBrowserUser } from "../console/browser-user.ts";
import { hiddenValues, inputsOf, textOf } from "../console/html.ts";
import { statuses, track } from "../races/racers.ts";
import { turnOn } from "../second-factor/authenticator.ts";
import { at, PASSWORD, textAt } from "../support/client.ts";
import { type StorageCall, intercept } from "../support/stores.ts";
import {
  alive,
  clock,
  everyCredential,
  type LoginMail,
  mailbox,
  only,
  type Service,
  serve,
  SETTINGS,
} from "./mailbox.ts";
import { DB } from "../support/database.ts";

const MAC =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const DAY = 86_400;
const STEP = "/console/login/code";
const UNKNOWN = () => `${crypto.randomUUID()}@example.com`;

const other = (code: string, by: number) =>
  String((Number(code) + by) % 1_000_000).padStart(6, "0");
const pathOf = ({ link }: LoginMail) => new URL(link).pathname;
const first = (sql: string, ...values: readonly unknown[]) =>
  DB.prepare(sql)
    .bind(...values)
    .first();

/** A mailbox, a stopped clock, a service, and one who asks for log-ins. */
function scene(settings: Readonly<Record<string, string>> = {}) {
  const post = mailbox();
  const tick = clock();
  const place = serve({ settings });
  async function ask(email: string) {
    const asked = await place.askLogin(email, { headers: { "user-agent": MAC } });
    const challenge = textAt(asked, "payload", "challenge");
    const [mail] = post.takeLogins();
    return { challenge, mail };
  }
  return {
    post,
    tick,
    place,
    ask,
    /** Where an email must come. */
    async mailed(email: string) {
      const { challenge, mail } = await ask(email);
      if (mail === undefined) throw new Error("no email came");
      return { challenge, code: mail.code, mail };
    },
  };
}

/** Presses the button of the page behind the link. */
async function press({ call }: Service, mail: LoginMail) {
  const person = newBrowserUser(call);
  const page = await person.get(pathOf(mail));
  return { person, page, after: await person.submit(page, pathOf(mail)) };
}

describe("the answer", () => {
  it("is the same whoever's email it is, before any store was asked, for the same calls", async () => {
    const post = mailbox();
    clock();
    const plain = serve();
    const [living, deleted, disabled] = [
      await plain.newUser(),
      await plain.newUser(),
      await plain.newUser(),
    ];
    await plain.send("DELETE", "/rest/user", {
      basic: deleted,
      json: { password: deleted.password },
    });
    await DB.prepare("UPDATE users SET disabled_on = 1 WHERE id = ?").bind(disabled.id).run();
    const seen: unknown[] = [];
    for (const signUp of ["open", "closed"]) {
      for (const email of [living.email, deleted.email, disabled.email, UNKNOWN()]) {
        const calls: string[] = [];
        const opened = Promise.withResolvers<void>();
        const bindings = intercept(async ({ label }: StorageCall, run) => {
          if (label !== "D1 INSERT events") calls.push(label);
          await opened.promise;
          return run();
        });
        const { call, settled } = serve({ bindings, settings: { SIGN_UP: signUp } });
        const reply = await call("POST", "/rest/login/email", { json: { email } });
        opened.resolve();
        await settled();
        const challenge = textAt(reply, "payload", "challenge");
        // Nor does the code's answer say more.
        const [mail] = post.takeLogins();
        const json = { challenge, code: other(mail?.code ?? "0", 1) };
        const wrong = await call("POST", "/rest/login/email/verify", { json });
        const headers = [...reply.headers];
        const text = reply.text.replace(challenge, "");
        seen.push([reply.status, text, headers, wrong.status, wrong.text, calls]);
      }
    }
    expect(seen[0]).toEqual([
      200,
      expect.stringContaining("expires_on"),
      expect.anything(),
      401,
      '{"success":false,"message":"Wrong credentials","status":401}',
      [
        "D1 INSERT mails + INSERT email_logins + INSERT events",
        expect.stringMatching(/^D1 UPDATE email_logins \+ UPDATE mails/),
      ],
    ]);
    for (const each of seen) expect(each).toEqual(seen[0]);
  });
});

describe("one email", () => {
  it.each(["jwt", "pair", "session", undefined] as const)(
    "gives what is asked: %s",
    async (issue) => {
      const { place, mailed } = scene();
      const email = UNKNOWN();
      const { challenge, code } = await mailed(email);
      const { status, json } = await place.useCode({ challenge, code, issue });
      const text = expect.any(String);
      const expected = {
        jwt: { email, email_verified: true, token: text },
        pair: { refresh: text, access: text },
        session: { email, token: text, expires: expect.any(Number) },
      };
      expect([status, json]).toMatchObject([200, { payload: expected[issue ?? "jwt"] }]);
      expect(await first("SELECT email_login_at FROM users WHERE email = ?", email)).toEqual({
        email_login_at: Date.now(),
      });
    },
  );

  it.each(["link", "code"])("is spent by either; first the %s", async (way) => {
    const { place, mailed } = scene();
    const { challenge, code, mail } = await mailed(UNKNOWN());
    if (way === "code") expect((await place.useCode({ challenge, code })).status).toBe(200);
    else expect((await press(place, mail)).person.session()).not.toBeNull();
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    expect((await newBrowserUser(place.call).get(pathOf(mail))).status).toBe(410);
  });

  it("works for ten minutes", async () => {
    const { tick, place, mailed } = scene();
    const { challenge, code, mail } = await mailed(UNKNOWN());
    tick(599.999);
    expect((await newBrowserUser(place.call).get(pathOf(mail))).status).toBe(200);
    tick(600.001);
    expect((await newBrowserUser(place.call).get(pathOf(mail))).status).toBe(410);
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    await place.housekeeping();
    expect(await first("SELECT id FROM email_logins WHERE email = ?", mail.to)).toBeNull();
  });

  it("stores nothing that logs in, and says where it was asked in words of its own", async () => {
    const { place, post, mailed } = scene();
    const { challenge, code, mail } = await mailed(UNKNOWN());
    const row = JSON.stringify(await first("SELECT * FROM email_logins WHERE email = ?", mail.to));
    for (const secret of [challenge, code, mail.token]) expect(row).not.toContain(secret);
    expect(mail.device).toMatchObject({ browser: "Chrome", system: "macOS" });
    await place.askLogin(UNKNOWN(), { headers: { "user-agent": "Win-a-prize-at-evil/1.0" } });
    expect(only(post.takeLogins()).device).toMatchObject({ browser: null });
  });
});

describe("the link", () => {
  it("is opened by a mail scanner, with GET and HEAD and all redirects: nobody is logged in", async () => {
    const { place, mailed } = scene();
    const { mail } = await mailed(UNKNOWN());
    const before = await first("SELECT * FROM email_logins WHERE email = ?", mail.to);
    for (const method of ["GET", "HEAD", "GET"]) {
      for (const site of ["none", "cross-site", "same-origin"]) {
        let path: string | null = pathOf(mail);
        while (path !== null) {
          const answer = await place.call(method, path, { headers: { "sec-fetch-site": site } });
          expect([answer.status, answer.headers.get("set-cookie")]).toEqual([200, null]);
          path = answer.headers.get("location");
        }
      }
    }
    expect(await first("SELECT * FROM email_logins WHERE email = ?", mail.to)).toEqual(before);
    expect(await first("SELECT id FROM users WHERE email = ?", mail.to)).toBeNull();
    expect((await press(place, mail)).after.path).toBe("/console");
  });

  it("shows who logs in and where it was asked, and takes no form of another site", async () => {
    const { place, mailed } = scene();
    const { mail } = await mailed(UNKNOWN());
    const page = await newBrowserUser(place.call).get(pathOf(mail));
    expect(textOf(page)).toMatch(new RegExp(`as ${mail.to} ?\\? Requested from Chrome on macOS`));
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    const forged = await place.call("POST", pathOf(mail), { headers, form: {} });
    expect([forged.status, forged.headers.get("set-cookie")]).toEqual([403, null]);
  });

  it("when forwarded logs in the browser that presses it, and not the one that asked", async () => {
    const { place, mailed, tick } = scene();
    const { challenge, code, mail } = await mailed(UNKNOWN());
    const { person } = await press(place, mail);
    expect(textOf(await person.get("/console/account"))).toContain(mail.to);
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    tick(60);
    expect((await mailed(mail.to)).mail.to).toBe(mail.to);
  });
});

describe("the code", () => {
  it("dies after five wrong tries; the link goes on", async () => {
    const { place, mailed } = scene();
    const { challenge, code, mail } = await mailed(UNKNOWN());
    for (let by = 1; by <= 5; by++) {
      expect((await place.useCode({ challenge, code: other(code, by) })).status).toBe(401);
    }
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    expect((await press(place, mail)).person.session()).not.toBeNull();
  });

  it("pauses after ten wrong ones for an address in a day; links go on", async () => {
    const { place, mailed, tick } = scene();
    const user = await place.newUser();
    for (const round of [0, 1]) {
      tick(round * 60);
      const { challenge, code } = await mailed(user.email);
      for (let by = 1; by <= 5; by++) await place.useCode({ challenge, code: other(code, by) });
    }
    tick(120);
    const { challenge, code, mail } = await mailed(user.email);
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    expect((await press(place, mail)).person.session()).not.toBeNull();
    tick(DAY + 61);
    const later = await mailed(user.email);
    expect((await place.useCode(later)).status).toBe(200);
  });

  it("is of no use where it was not asked, as to one who phishes it", async () => {
    const { place, ask, mailed } = scene();
    const { code, challenge } = await mailed(UNKNOWN());
    const thiefs = await ask(UNKNOWN());
    expect((await place.useCode({ challenge: thiefs.challenge, code })).status).toBe(401);
    expect((await place.useCode({ challenge: "lk_act_nothing", code })).status).toBe(401);
    expect((await place.useCode({ challenge, code })).status).toBe(200);
  });

  it("among fifty racers logs in once, and is compared with no more than five", async () => {
    const { mailed, place } = scene();
    const many = track(50, 1, SETTINGS);
    const { email } = await place.newProvenUser();
    const tries = async (right: number, to = UNKNOWN()) => {
      const { challenge, code } = await mailed(to);
      const answers = await many.race(
        Array.from(
          { length: 50 },
          (_, lane) => (call) =>
            call("POST", "/rest/login/email/verify", {
              json: {
                challenge,
                code: lane < right ? code : other(code, lane + 1),
                issue: ["jwt", "pair", "session"][lane % 3],
              },
            }),
        ),
      );
      const id =
        "SELECT tries, used_at IS NOT NULL AS used FROM email_logins ORDER BY created_at DESC, rowid";
      return { answers: statuses(answers).filter((status) => status === 200).length, id };
    };
    expect((await tries(50)).answers).toBe(1);
    expect((await tries(50, email)).answers).toBe(1);
    expect((await tries(0)).answers).toBe(0);
    const most = await first("SELECT MAX(tries) AS tries FROM email_logins");
    expect(most).toEqual({ tries: 5 });
  });
});

describe("an account", () => {
  it("whose email a stranger signed up with keeps nothing of theirs", async () => {
    const { place, mailed } = scene();
    const stranger = await place.newUser({ first_name: "Eve" });
    const theirs = await everyCredential(place, stranger);
    const { challenge, code } = await mailed(stranger.email);
    const answer = await place.useCode({ challenge, code });
    expect(answer).toMatchObject({
      status: 200,
      json: { payload: { uuid: stranger.id, first_name: null, email_verified: true } },
    });
    expect(await alive(place, theirs)).toEqual([]);
    expect(await alive(place, { jwt: { bearer: textAt(answer, "payload", "token") } })).toEqual([
      "jwt",
    ]);
  });

  it("that had proven its email keeps everything, and its network is known from now on", async () => {
    const { place, mailed } = scene();
    const user = await place.newProvenUser();
    const theirs = await everyCredential(place, user);
    const headers = { "cf-connecting-ip": "203.0.113.7" };
    const { challenge, code } = await mailed(user.email);
    const json = { challenge, code };
    await place.send("POST", "/rest/login/email/verify", { headers, json });
    const known = await first(
      "SELECT networks FROM devices WHERE user_id = ? AND way = 'email'",
      user.id,
    );
    const hour = Math.floor(Date.now() / 3_600_000);
    expect(Object.values(JSON.parse(String(known?.networks)))).toEqual([hour]);
    expect(await alive(place, theirs)).toEqual(Object.keys(theirs));
  });

  it.each(["jwt", "pair", "session"])(
    "that gets a second factor while an email logs in gives no %s: the next try asks for a code",
    async (issue) => {
      const { place, mailed } = scene();
      const user = await place.newProvenUser();
      const email = await mailed(user.email);
      const json = { challenge: email.challenge, code: email.code, issue };
      let app: Awaited<ReturnType<typeof turnOn>> | null = null;
      const bindings = intercept(async ({ statements }, run) => {
        const spends = statements.some((each) => each.includes("UPDATE email_logins SET used_at"));
        if (spends) app ??= await turnOn(place, user);
        return run();
      });
      const racing = serve({ bindings });
      expect((await racing.useCode(json)).status).toBe(401);
      expect(app).not.toBeNull();
      expect(at(await racing.useCode(json), "code")).toBe("otp_required");
    },
  );

  it.each(["jwt", "pair", "session"])(
    "with a second factor gives no %s for an email alone, which is not spent by that",
    async (issue) => {
      const { place, mailed } = scene();
      const user = await place.newProvenUser();
      const app = await turnOn(place, user);
      const email = await mailed(user.email);
      const json = { challenge: email.challenge, code: email.code, issue };
      const asked = await place.useCode(json);
      expect([asked.status, at(asked, "code")]).toEqual([401, "otp_required"]);
      const otp = await app.fresh();
      expect((await place.useCode({ ...json, otp: other(otp, 1) })).status).toBe(401);
      expect((await place.useCode({ ...json, otp })).status).toBe(200);
      expect((await place.useCode({ ...json, otp: await app.fresh() })).status).toBe(401);
    },
  );

  it.each(["link", "code"])(
    "with a second factor is led from the %s to the page that asks for it; the email is spent before that",
    async (way) => {
      const { place, post } = scene();
      const user = await place.newProvenUser();
      const app = await turnOn(place, user);
      await DB.prepare("DELETE FROM devices").run();
      const person = newBrowserUser(place.call);
      const asking = await person.get("/console/login/email?next=/console/tokens");
      const [byMail, typed] = ["/console/login/email", "/console/login/email/code"];
      const answer = await person.submit(asking, byMail, { email: user.email });
      await place.settled();
      const mail = only(post.takeLogins());
      const enter = (code: string) => person.submit(answer, typed, { code });
      // What is wrong leads to no half.
      await enter(other(mail.code, 1));
      expect(textOf(await person.get(STEP))).toContain("Log in");
      expect((await person.post(pathOf(mail).replace(/.{4}$/, "AAAA"), {})).path).not.toBe(STEP);

      const half =
        way === "code"
          ? await enter(mail.code)
          : await person.submit(await person.get(pathOf(mail)), pathOf(mail));
      expect([half.path.split("?")[0], person.session()]).toEqual([STEP, null]);
      const stranger = newBrowserUser(place.call);
      expect((await stranger.get(pathOf(mail))).status).toBe(410);
      expect((await stranger.submit(answer, typed, { code: mail.code })).status).toBe(401);
      const { challenge } = inputsOf(answer, typed);
      expect((await place.useCode({ challenge, code: mail.code })).status).toBe(401);
      // An email alone makes no network known, which would have tries of its own.
      expect(await first("SELECT 1 FROM devices")).toBeNull();

      const wrong = await person.submit(half, STEP, { otp: other(await app.fresh(), 1) });
      expect([wrong.status, person.session()]).toEqual([401, null]);
      const after = await person.submit(wrong, STEP, { otp: await app.fresh() });
      expect(after.path).toBe(way === "code" ? "/console/tokens" : "/console");
      await place.settled();
      expect(await first("SELECT 1 FROM devices")).not.toBeNull();
      const logins = await place.send("GET", "/rest/user/logins", {
        xToken: person.session() ?? "",
      });
      expect(logins.json).toMatchObject({ payload: [{ way: "email", kind: "session" }] });
    },
  );

  it("that a stranger has put a second factor on is its owner's by email, without it", async () => {
    const { place, mailed } = scene();
    const stranger = await place.newUser();
    await turnOn(place, stranger);
    const { mail } = await mailed(stranger.email);
    expect((await press(place, mail)).after.path).toBe("/console");
  });

  it.each([
    [
      "has a new password",
      "UPDATE users SET credential_version = credential_version + 1 WHERE id = ?",
    ],
    ["is disabled", "UPDATE users SET disabled_on = 1 WHERE id = ?"],
    ["has another email", "UPDATE users SET email = 'x' || email WHERE id = ?"],
  ])("that %s since is not opened by what was sent before", async (_, change) => {
    const { place, mailed } = scene({ SIGN_UP: "closed" });
    const user = await serve().newProvenUser();
    const { challenge, code, mail } = await mailed(user.email);
    await DB.prepare(change).bind(user.id).run();
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    expect((await newBrowserUser(place.call).get(pathOf(mail))).status).toBe(410);
  });

  it("that came after an email was asked for, and has a new password since, is not opened by it", async () => {
    const { place, mailed } = scene();
    const user = { email: UNKNOWN(), password: "correct horse battery" };
    const { challenge, code, mail } = await mailed(user.email);
    await place.send("POST", "/rest/user", { json: user });
    const json = { password: "another horse battery", current_password: user.password };
    expect((await place.send("PATCH", "/rest/user", { basic: user, json })).status).toBe(200);
    expect((await place.useCode({ challenge, code })).status).toBe(401);
    expect((await newBrowserUser(place.call).get(pathOf(mail))).status).toBe(410);
  });

  it("is not created where sign-up is closed, nor for an email that may come back to another", async () => {
    const closed = scene({ SIGN_UP: "closed" });
    expect((await closed.ask(UNKNOWN())).mail).toBeUndefined();
    const open = scene();
    const user = await open.place.newProvenUser();
    const former = UNKNOWN();
    await DB.prepare("UPDATE users SET undo_email = ?, undo_until = ? WHERE id = ?")
      .bind(former, Date.now() + 1_000, user.id)
      .run();
    expect((await open.ask(former)).mail).toBeUndefined();
  });
});

describe("strangers", () => {
  it("fill no mailbox and no table: one email a minute, of all kinds, twenty a day", async () => {
    const { place, post, tick, ask } = scene();
    const user = await place.newUser();
    await place.askReset(user.email);
    expect((await ask(user.email)).mail).toBeUndefined();
    let mails = post.take().length;
    for (let minute = 1; minute <= 40; minute++) {
      tick(minute * 60);
      for (let i = 0; i < 2; i++) mails += (await ask(user.email)).mail === undefined ? 0 : 1;
    }
    expect(mails).toBe(20);
    const rows = await first("SELECT COUNT(*) AS n FROM email_logins WHERE email = ?", user.email);
    expect(rows).toEqual({ n: 19 });
  });
});

describe("in the browser, without JavaScript", () => {
  it("the email is asked for, the code entered, and the page opened that was wanted", async () => {
    const { place, post } = scene();
    const email = UNKNOWN();
    const person = newBrowserUser(place.call);
    const login = await person.get("/console/login?next=/console/tokens");
    const asking = await person.get(
      /href="([^"]*login\/email[^"]*)"/.exec(login.text)?.[1]?.replaceAll("&amp;", "&") ?? "",
    );
    const code = await person.submit(asking, "/console/login/email", { email });
    await place.settled();
    const mail = only(post.takeLogins());
    const wrong = await person.submit(code, "/console/login/email/code", {
      code: other(mail.code, 1),
    });
    expect([wrong.status, textOf(wrong)]).toEqual([401, expect.stringContaining("code is wrong")]);
    const spaced = `${mail.code.slice(0, 3)} ${mail.code.slice(3)}`;
    const after = await person.submit(wrong, "/console/login/email/code", { code: spaced });
    expect([after.path, after.status]).toEqual(["/console/tokens", 200]);
  });
});

describe("PASSWORDS=off", () => {
  const OFF = { ...SETTINGS, PASSWORDS: "off", HA1B: "on" };

  it("answers every password as a wrong one, and hashes none", async () => {
    const post = mailbox();
    const tick = clock();
    const user = await serve().newProvenUser();
    await serve().askReset(user.email);
    const reset = only(post.take()).data.token;
    tick(60);
    const never = async () => {
      throw new Error("hashed");
    };
    const calls: string[] = [];
    const place = serve({
      settings: OFF,
      passwords: { hash: never, verify: never, isCommon: () => false },
      bindings: intercept(async ({ label }, run) => {
        calls.push(label);
        return run();
      }),
    });
    const { email, password } = user;
    const body = { email, password };
    expect([
      (await place.send("GET", "/rest/auth", { basic: body })).status,
      (await place.send("POST", "/tokens", { json: { email_id: email, password } })).text,
      (await place.send("POST", "/api/token/", { json: body })).status,
      (await place.send("GET", "/rest/auth", { headers: { "x-auth-ha1b-token": "0".repeat(32) } }))
        .status,
    ]).toEqual([401, expect.stringContaining("password does not match"), 401, 401]);
    expect(calls.filter((each) => !each.includes("INSERT events"))).toEqual([]);
    const { challenge, code } = await asked(place, post, email);
    const bearer = textAt(await place.useCode({ challenge, code }), "payload", "token");
    const json = { password: "a new password of theirs", current_password: password };
    const change = await place.send("PATCH", "/rest/user", { bearer, json });
    expect([change.status, at(change, "message")]).toEqual([401, "Wrong credentials"]);
    const { status } = await place.send("PATCH", "/rest/user", {
      bearer,
      json: { password: json.password },
    });
    expect(status).toBe(401);
    expect((await place.askReset(email)).status).toBe(200);
    expect(post.take()).toEqual([]);
    expect((await place.run(reset, "a new password of theirs")).status).toBe(422);
  });

  it("creates accounts by the first log-in, and has no field for a password", async () => {
    const post = mailbox();
    const tick = clock();
    const place = serve({ settings: OFF });
    const email = UNKNOWN();
    for (const json of [{ email, password: PASSWORD }, { email }]) {
      const refused = await place.send("POST", "/rest/user", { json });
      expect([refused.status, at(refused, "message")]).toEqual([
        400,
        expect.stringContaining("/rest/login/email"),
      ]);
    }
    const person = newBrowserUser(place.call);
    for (const path of ["/console/login", "/console/signup", "/console/forgotten"]) {
      const page = await person.get(path);
      expect([page.path, page.text.includes('type="password"')]).toEqual(["/console/login", false]);
    }
    const code = await person.submit(await person.get("/console/login"), "/console/login/email", {
      email,
    });
    await place.settled();
    const mail = only(post.takeLogins());
    await person.submit(code, "/console/login/email/code", { code: mail.code });
    expect((await person.get("/console/account")).text).not.toContain('type="password"');

    // A fresh log-in is one more email, which leads back to what it was for.
    tick(660);
    const confirm = await person.get("/console/account/data/export");
    const out = await person.post("/console/logout", {
      next: hiddenValues(confirm.text, "next")[0] ?? "",
    });
    const again = await person.submit(out, "/console/login/email", { email });
    await place.settled();
    const fresh = only(post.takeLogins());
    const back = await person.submit(again, "/console/login/email/code", { code: fresh.code });
    expect([back.path, back.status]).toEqual(["/console/account/data", 200]);
  });
});

async function asked(place: Service, post: ReturnType<typeof mailbox>, email: string) {
  const challenge = textAt(await place.askLogin(email), "payload", "challenge");
  return { challenge, code: only(post.takeLogins()).code };
}
