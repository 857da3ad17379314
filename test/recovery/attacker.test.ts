import { describe, expect, it, vi } from "vitest";
import { type Answered, at, textAt } from "../support/client.ts";
import { CHEAP } from "../support/service.ts";
import { type StorageCall, intercept } from "../support/stores.ts";
import { statuses, track } from "../races/racers.ts";
import { leaks, d1Exhibits, kvExhibits } from "../support/leakage.ts";
import {
  alive,
  clock,
  everyCredential,
  expectRefused,
  mailbox,
  only,
  scene,
  serve,
  SETTINGS,
} from "./mailbox.ts";

const NEW = "a new password";

const shown = ({ status, text, headers }: Answered) => [status, text, [...headers]];

describe("someone who asks for a reset of another's password", () => {
  it("gets the same answer, before any store was asked, for the same work after it", async () => {
    mailbox();
    let hashes = 0;
    const counted = <T>(work: Promise<T>) => {
      hashes++;
      return work;
    };
    const passwords = {
      ...CHEAP,
      hash: (password: string) => counted(CHEAP.hash(password)),
      verify: (password: string, phc: string | null) => counted(CHEAP.verify(password, phc)),
    };
    const plain = serve();
    const [living, deleted] = [await plain.newUser(), await plain.newUser()];
    const json = { password: deleted.password };
    await plain.send("DELETE", "/rest/user", { basic: deleted, json });

    const seen: unknown[] = [];
    for (const email of [living.email, "nobody@example.com", deleted.email, living.email]) {
      const calls: string[] = [];
      const opened = Promise.withResolvers<void>();
      const bindings = intercept(async ({ label }: StorageCall, run) => {
        calls.push(label);
        await opened.promise;
        return run();
      });
      const { call, settled } = serve({ passwords, bindings });
      // No store answers before the route has.
      const reply = await call("POST", "/rest/user/password_reset", { json: { email } });
      opened.resolve();
      await settled();
      seen.push([shown(reply), calls]);
    }
    expect(seen[0]).toEqual([
      [200, '{"success":true,"payload":{}}', expect.anything()],
      ["D1 INSERT mails + INSERT tokens + INSERT events"],
    ]);
    for (const each of seen) expect(each).toEqual(seen[0]);
    expect(hashes).toBe(0);
  });

  it("is answered the same while D1 is down", async () => {
    const post = mailbox();
    vi.spyOn(console, "warn").mockReturnValue();
    const user = await serve().newUser();
    const bindings = intercept(() => Promise.reject(new Error("D1_ERROR: down")));
    const down = await serve({ bindings }).askReset(user.email);
    const up = await serve().askReset(user.email);
    expect(shown(down)).toEqual(shown(up));
    expect(post.take()).toHaveLength(1);
  });

  it("fills nobody's mailbox: one email a minute, whatever they send from wherever", async () => {
    const post = mailbox();
    const tick = clock();
    const places = [serve(), serve(), serve()];
    const user = await places[0]?.newUser();
    const email = user?.email ?? "";
    const spellings = [email, ` ${email}`, email.toUpperCase(), `${email}\n`];
    const flood = async () => {
      const all = spellings.flatMap((each) => places.map(({ askReset }) => askReset(each)));
      expect(statuses(await Promise.all(all))).toEqual(all.map(() => 200));
      return post.take().length;
    };
    expect(await flood()).toBe(1);
    tick(59.999);
    expect(await flood()).toBe(0);
    tick(60);
    expect(await flood()).toBe(1);
    // Nor does a mail that was answered make room for another.
    tick(119);
    expect(await flood()).toBe(0);
  });

  it.each([{}, { email: 1 }, { email: "no address" }, { email: null }, []])(
    "is told what is wrong with the request: %j",
    async (json) => {
      const answer = await serve().send("POST", "/rest/user/password_reset", { json });
      expect(answer).toMatchObject({ status: 400, json: { success: false, status: 400 } });
    },
  );
});

describe("someone who has stolen an emailed token", () => {
  it.each([
    ["the owner has chosen a new password", "PATCH"],
    ["the owner has answered a later mail", "RESET"],
    ["the owner has deleted the account", "DELETE"],
  ])("has nothing once %s", async (_, method) => {
    const { post, tick, place, user } = await scene({ isProven: false });
    await place.askReset(user.email);
    const stolen = only(post.take()).data.token;
    if (method === "RESET") {
      tick(60);
      await place.askReset(user.email);
      expect((await place.run(only(post.take()).data.token, NEW)).status).toBe(200);
    } else {
      const { password } = user;
      const json =
        method === "PATCH" ? { password: NEW, current_password: password } : { password };
      expect((await place.send(method, "/rest/user", { basic: user, json })).status).toBe(200);
    }
    expectRefused(await place.run(stolen, "the thief's password"), "revoked");
    const login = { ...user, password: "the thief's password" };
    expect(await alive(place, { password: { basic: login } })).toEqual([]);
  });

  it("has nothing once the email is another", async () => {
    const { post, tick, place, user } = await scene({ isProven: false });
    await place.send("POST", "/rest/user/verify_email", { basic: user });
    tick(60);
    await place.askReset(user.email);
    const [verify, reset] = post.take();
    const json = { email: `new.${user.email}`, current_password: user.password };
    await place.send("PATCH", "/rest/user", { basic: user, json });
    const proof = only(post.take());
    expect(proof.data.to).toBe(json.email);
    expect((await place.verify(proof.data.token, { basic: user })).status).toBe(200);
    expectRefused(await place.run(reset?.data.token ?? "", NEW), "rejected");
    const basic = { ...user, email: json.email };
    expectRefused(await place.verify(verify?.data.token ?? "", { basic }), "rejected");
    expect(await alive(place, { password: { basic } })).toEqual(["password"]);
  });

  it("causes no password hash with one that is used up or over", async () => {
    const post = mailbox();
    const tick = clock();
    let hashes = 0;
    const hash = (password: string) => {
      hashes++;
      return CHEAP.hash(password);
    };
    const place = serve({ passwords: { ...CHEAP, hash } });
    const [one, two] = [await place.newUser(), await place.newUser()];
    for (const { email } of [one, two]) await place.askReset(email);
    const [used, over] = post.take().map(({ data }) => data.token);
    await place.run(used ?? "", NEW);
    tick(600);
    hashes = 0;
    const key = { headers: { "idempotency-key": "another" } };
    expectRefused(await place.run(used ?? "", NEW, key), "used");
    expectRefused(await place.run(used ?? "", "short", key), "used");
    expectRefused(await place.run(over ?? "", NEW), "expired");
    expect(hashes).toBe(0);
  });

  it("is refused while logged in as someone else", async () => {
    const post = mailbox();
    const place = serve();
    const [user, mallory] = [await place.newUser(), await place.newUser()];
    await place.askReset(user.email);
    const { token } = only(post.take()).data;
    expectRefused(await place.run(token, NEW, { basic: mallory }), "audience");
    expect((await place.run(token, NEW)).status).toBe(200);
  });
});

it("of two runs at once one wins, and its password is the one that counts", async () => {
  const post = mailbox();
  for (const [seed, lag] of [1, 2, 3, 4, 5, 6].map(
    (each) => [each, each % 2 ? "0" : "300"] as const,
  )) {
    const { call, race } = track(3, seed, { ...SETTINGS, REVOCATION_LAG_SECONDS: lag });
    const email = `racer${seed}@example.com`;
    await call("POST", "/rest/user", { json: { email, password: "the old password" } });
    await call("POST", "/rest/user/password_reset", { json: { email } });
    await vi.waitFor(() => expect(post.deliveries).toHaveLength(1));
    const { token } = only(post.take()).data;
    const passwords = ["the first password", "the second password", "the third password"];
    const answers = await race(
      passwords.map(
        (password) => (over) =>
          over("POST", "/api/run-action-token", { json: { token, input: { password } } }),
      ),
    );
    expect(statuses(answers)).toEqual([200, 422, 422]);
    for (const [index, password] of [...passwords.entries(), [-1, "the old password"] as const]) {
      const { status } = await call("GET", "/rest/user", { basic: { email, password } });
      expect(status === 200).toBe(answers[index]?.status === 200);
    }
  }
});

describe("nobody can issue, list or find what only a mail may carry", () => {
  it.each(["resetPassword", "verifyEmail"])("%s is no action to be had", async (action) => {
    mailbox();
    const place = serve();
    const user = await place.newUser();
    for (const shown of Object.values(await everyCredential(place, user))) {
      const json = { action, payload: { email: user.email } };
      const answer = await place.send("POST", "/api/generate-action-token", { ...shown, json });
      expect(answer.status).toBe(422);
      expect(at(answer, "errors")).toEqual({ action: ["The selected action is invalid."] });
    }
  });

  it("its tokens are in no list and in no store, and nothing is logged of them", async () => {
    const lines: unknown[] = [];
    for (const level of ["log", "info", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(line));
    }
    const post = mailbox(() => new Response(null, { status: 400 }));
    const tick = clock();
    const place = serve({ settings: { REVOCATION_LAG_SECONDS: "300" } });
    const user = await place.newUser();
    await place.askReset(user.email);
    tick(60);
    await place.send("POST", "/rest/user/verify_email", { basic: user });
    const tokens = post.take().map(({ data }) => data.token);
    expect(tokens).toHaveLength(2);
    const list = await place.send("GET", "/api/action-tokens", { basic: user });
    expect(list.json).toEqual({ data: [], next_cursor: null });
    const secrets = Object.fromEntries(tokens.entries());
    const logged = lines.map((line) => ["a line", String(line)] as const);
    expect(logged).toHaveLength(2);
    expect(
      await leaks([...logged, ...(await kvExhibits()), ...(await d1Exhibits())], secrets),
    ).toEqual([]);
    expect(lines.join("\n")).not.toContain(user.email);
  });
});

it("someone who signs up with another's email cannot have its owner verify it for them", async () => {
  const post = mailbox();
  const place = serve();
  const [squatter, owner] = [await place.newUser(), await place.newUser()];
  await place.send("POST", "/rest/user/verify_email", { basic: squatter });
  const { token } = only(post.take()).data;
  const nobody = await place.verify(token);
  expect([nobody.status, textAt(nobody, "message")]).toEqual([401, "Unauthenticated."]);
  expectRefused(await place.verify(token, { basic: owner }), "audience");
  expect((await place.verify(token, { basic: squatter })).status).toBe(200);
});

it("who is no longer logged in has no mail sent, not even where that is not known yet", async () => {
  const post = mailbox();
  const settings = { REVOCATION_LAG_SECONDS: "300" };
  const [here, elsewhere] = [serve({ settings }), serve({ settings })];
  const shown = await everyCredential(here, await here.newUser());
  expect(await alive(elsewhere, shown)).toContain("session");
  await here.send("DELETE", "/tokens", shown.session);
  expect(await alive(elsewhere, shown)).toContain("session");
  const answer = await elsewhere.send("POST", "/rest/user/verify_email", shown.session);
  expect(answer.status).toBe(401);
  expect(post.take()).toEqual([]);
});
