import { describe, expect, it, vi } from "vitest";
import { FaultError } from "../../src/core/fault.ts";
import type { OwnLogin } from "../../src/core/logins.ts";
import type { Page, PageRequest } from "../../src/core/page.ts";
import { claimsOf, type Call, textAt, peopleOf } from "../support/client.ts";
import { isolate, type Isolate } from "../support/service.ts";
import { intercept, atLocation } from "../support/stores.ts";
import { rules } from "../support/guard.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 30_000 });

const FIRST = { limit: 50, after: null };
const FROM = { "cf-connecting-ip": "203.0.113.77" };

const here = isolate();

async function person({ call } = here) {
  const user = await peopleOf(call).newUser();
  return {
    user,
    ...(await peopleOf(call).newPair(user)),
    session: await peopleOf(call).newSession(user),
  };
}

const sidOf = (jwt: string) => String(claimsOf(jwt).sid);

const listed = async (caller: Awaited<ReturnType<Isolate["bearer"]>>) =>
  (await here.services.logins.list(caller, FIRST, Date.now())).items;

/** What of these still opens something. */
async function open(call: Call, held: Readonly<Record<string, string>>): Promise<string[]> {
  const names: string[] = [];
  for (const [name, token] of Object.entries(held)) {
    const { status } = token.startsWith("lk_ses_")
      ? await call("GET", "/tokens", { xToken: token })
      : name.startsWith("refresh")
        ? await call("POST", "/api/token/refresh/", { json: { refresh: token } })
        : await call("GET", "/rest/user", { bearer: token });
    if (status === 200) names.push(name);
  }
  return names;
}

const faultOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => null,
    (failure: unknown) => failure,
  );
  return error instanceof FaultError ? error.fault.code : error;
};

describe("where a user is logged in", () => {
  it("this one first, then the newest, with from where and until when", async () => {
    const user = await here.newUser();
    const json = { email: user.email, password: user.password };
    const pair = await here.call("POST", "/api/token/", { json, headers: FROM });
    const session = await here.newSession(user);
    const access = textAt(pair, "access");
    const byJwt = await listed(await here.bearer(access));
    const device = { browser: null, system: null, country: null, city: null, way: "password" };
    expect(byJwt).toEqual([
      expect.objectContaining({
        kind: "family",
        id: sidOf(access),
        address: "203.0.113.0/24",
        isCurrent: true,
      }),
      {
        kind: "session",
        id: expect.any(String),
        createdAtMs: expect.any(Number),
        modifiedAtMs: expect.any(Number),
        expiresAtMs: expect.any(Number),
        address: null,
        ...device,
        deviceSinceMs: expect.any(Number),
        isCurrent: false,
      },
    ]);
    const bySession = await listed(await here.session(session));
    expect(bySession.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
  });

  it("without an address where none may be kept", async () => {
    const silent = isolate({ EVENT_ADDRESS: "none" });
    const user = await silent.newUser();
    const json = { email: user.email, password: user.password };
    const pair = await silent.call("POST", "/api/token/", { json, headers: FROM });
    const [login] = await listed(await here.bearer(textAt(pair, "access")));
    expect(login?.address).toBeNull();
  });

  it("says when it was last extended, and until when it is", async () => {
    const { session } = await person();
    const atMs = Date.now() + 600_000;
    vi.useFakeTimers({ toFake: ["Date"], now: atMs });
    await here.call("PUT", "/tokens", { json: { token: session, extend: true } });
    const [login] = await listed(await here.session(session));
    expect(login).toMatchObject({ modifiedAtMs: atMs, expiresAtMs: atMs + 3_600_000 });
  });

  it("page by page, both kinds in one order, none twice", async () => {
    const { user, access } = await person();
    for (let i = 0; i < 3; i++) {
      await here.newPair(user);
      await here.newSession(user);
    }
    const caller = await here.bearer(access);
    const all = await listed(caller);
    expect(all).toHaveLength(8);
    const paged: string[] = [];
    const page = async (from: Omit<PageRequest, "limit">) =>
      here.services.logins.list(caller, { limit: 3, ...from }, Date.now());
    const idsOf = ({ items }: Page<OwnLogin>) => items.map(({ id }) => id);
    let shown = await page({ after: null });
    paged.push(...idsOf(shown));
    while (shown.next !== null) {
      shown = await page({ after: shown.next });
      paged.push(...idsOf(shown));
    }
    expect(paged).toEqual(all.map(({ id }) => id));
    const back: string[] = [];
    while (shown.previous !== null) {
      shown = await page({ after: null, before: shown.previous });
      back.unshift(...idsOf(shown));
    }
    // The same pages, and the caller's own log-in is the first again.
    expect(back).toEqual(paged.slice(0, 6));
    expect(all[0]?.isCurrent).toBe(true);
    const times = all.slice(1).map(({ createdAtMs }) => createdAtMs);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it("none that was ended, has expired, is of an older credential version, or another's", async () => {
    const { user, access, session } = await person();
    const other = await person();
    await here.call("DELETE", "/tokens", { xToken: session });
    const expired = await here.newSession(user);
    await DB.prepare("UPDATE tokens SET expires_at = ? WHERE user_id = ? AND kind = 'session'")
      .bind(Date.now() - 1, user.id)
      .run();
    expect((await here.call("GET", "/tokens", { xToken: expired })).status).toBe(400);
    const caller = await here.bearer(access);
    expect((await listed(caller)).map(({ id }) => id)).toEqual([sidOf(access)]);
    expect((await listed(await here.bearer(other.access))).length).toBe(2);
    await DB.prepare("UPDATE users SET credential_version = credential_version + 1 WHERE id = ?")
      .bind(user.id)
      .run();
    expect(await listed(caller)).toEqual([]);
  });
});

describe("the end of one", () => {
  it("takes its JWTs with it, for exactly one of many callers", async () => {
    const { access, refresh, session } = await person();
    const caller = await here.session(session);
    const codes = await Promise.all(
      Array.from({ length: 6 }, () =>
        faultOf(here.services.logins.revoke(caller, sidOf(access), Date.now())),
      ),
    );
    expect(codes.filter((code) => code === null)).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set([null, "token_not_found"]));
    expect(await open(here.call, { access, refresh, session })).toEqual(["session"]);
  });

  it("is for its owner alone, and only while the caller's credential is active", async () => {
    const { user, access, session } = await person();
    const other = await person();
    const { logins } = here.services;
    const id = sidOf(access);
    expect(await faultOf(logins.revoke(await here.bearer(other.access), id, Date.now()))).toBe(
      "token_not_found",
    );
    const gone = await here.session(session);
    await here.call("DELETE", "/tokens", { xToken: session });
    expect(await faultOf(logins.revoke(gone, id, Date.now()))).toBe("token_not_found");
    expect(await logins.revokeOthers(gone, Date.now())).toEqual({ revoked: 0, isAll: true });
    // No other kind of token ends by it either.
    const { uuid } = await here.newApiToken(access);
    expect(await faultOf(logins.revoke(await here.bearer(access), uuid, Date.now()))).toBe(
      "token_not_found",
    );
    expect(await open(here.call, { access })).toEqual(["access"]);
    expect(user.id).not.toBe(other.user.id);
  });

  it("is written down, of either kind", async () => {
    const { access, session } = await person();
    const { access: later } = await person();
    const caller = await here.bearer(access);
    const [second, first] = await listed(caller);
    await here.services.logins.revoke(caller, first?.id ?? "", Date.now());
    const { items } = await here.services.audit.list(caller.userId, { limit: 1, after: null });
    expect(items[0]).toMatchObject({ what: "session.revoked", subjectId: first?.id });
    await here.services.logins.revoke(caller, second?.id ?? "", Date.now());
    const after = await here.services.audit.list(caller.userId, { limit: 1, after: null });
    expect(after.items[0]).toMatchObject({ what: "jwt.revoked", subjectId: second?.id });
    expect(await open(here.call, { access, session, later })).toEqual(["later"]);
  });
});

describe("the end of all others", () => {
  it("spares what the caller shows, API tokens, and everybody else", async () => {
    const { user, access, refresh, session } = await person();
    const second = await here.newPair(user);
    const api = await here.newApiToken(access);
    const stranger = await person();
    const caller = await here.bearer(access);
    expect(await here.services.logins.revokeOthers(caller, Date.now())).toEqual({
      revoked: 2,
      isAll: true,
    });
    const held = { access, refresh, session, second: second.access, refresh2: second.refresh };
    expect(await open(here.call, held)).toEqual(["access", "refresh"]);
    expect(
      await open(here.call, { api: api.secret, theirs: stranger.access, too: stranger.session }),
    ).toEqual(["api", "theirs", "too"]);
    const ofEnd = async () =>
      (await here.services.audit.list(user.id, FIRST)).items.filter(
        ({ what }) => what === "logins.revoked_others",
      );
    expect(await ofEnd()).toHaveLength(1);
    expect((await ofEnd())[0]).toMatchObject({
      actorId: user.id,
      credentialId: caller.credentialIds[0],
    });
    expect(await here.services.logins.revokeOthers(caller, Date.now())).toEqual({
      revoked: 0,
      isAll: true,
    });
    // What changed nothing, is no event.
    expect(await ofEnd()).toHaveLength(1);
  });

  it("however many there are: a bounded number at once, in as many statements", async () => {
    const { user, access } = await person();
    const now = Date.now();
    await DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1199)
       INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at)
       SELECT randomblob(16),
         CASE i % 2 WHEN 0 THEN 'session' ELSE 'family' END, ?1, 0, ?2 - i, ?2, ?3 FROM n`,
    )
      .bind(user.id, now - 60_000, now + 3_600_000)
      .run();
    let calls = 0;
    let statements = 0;
    const counting = intercept((asked, run) => {
      if (asked.store === "D1") calls += 1;
      statements += asked.statements.length;
      return run();
    });
    for (const lag of ["0", "300"]) {
      rules.begin();
      const place = isolate({ REVOCATION_LAG_SECONDS: lag }, counting);
      const caller = await place.bearer(access);
      calls = 0;
      statements = 0;
      expect(await place.services.logins.revokeOthers(caller, Date.now())).toEqual({
        revoked: 500,
        isAll: false,
      });
      expect([lag, calls, statements]).toEqual(lag === "0" ? ["0", 1, 4] : ["300", 2, 5]);
      await place.settled();
      // None is left that KV has not been told of.
      const owed = await DB.prepare("SELECT COUNT(*) AS n FROM pending_revocations").first("n");
      expect(owed).toBe(0);
    }
    const caller = await here.bearer(access);
    expect(await here.services.logins.revokeOthers(caller, Date.now())).toEqual({
      revoked: 201,
      isAll: true,
    });
    expect(await listed(caller)).toHaveLength(1);
  });
});

describe.each([0, 30, 60, 90, 300])("at a revocation lag of %i s, seen from elsewhere", (lag) => {
  const place = () =>
    isolate({ REVOCATION_LAG_SECONDS: String(lag) }, atLocation(Math.min(60, lag)));

  it.each(["one", "all others"])("%s is refused within it", async (which) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-01T12:00:00.250Z") });
    const ending = place();
    const there = place();
    const { user, access, refresh, session } = await person(ending);
    const victim = await ending.newPair(user);
    const second = await ending.newSession(user);
    const auth = textAt(
      await ending.call("GET", "/rest/auth", { bearer: victim.access }),
      "payload",
      "token",
    );
    const held = {
      victim: victim.access,
      refresh: victim.refresh,
      second,
      auth,
    };
    await ending.settled();
    // Both isolates know them, and may remember them for as long as the revocation lag lets them.
    for (const { call } of [ending, there]) expect(await open(call, held)).toHaveLength(4);
    const caller = await ending.session(session);
    const { logins } = ending.services;
    if (which === "one") {
      await logins.revoke(caller, sidOf(victim.access), Date.now());
      const secondId = (await there.session(second)).tokenId ?? "";
      await logins.revoke(caller, secondId, Date.now());
    } else {
      expect((await logins.revokeOthers(caller, Date.now())).revoked).toBe(3);
    }
    await ending.settled();
    // Where it was ended, at once; a short JWT may need no question within the revocation lag.
    const atOnce = await open(ending.call, { second, auth, refresh: victim.refresh });
    expect(atOnce).toEqual([]);
    vi.setSystemTime(Date.now() + lag * 1000);
    expect(await open(there.call, held)).toEqual([]);
    expect(await open(there.call, { session })).toEqual(["session"]);
    expect(await open(there.call, { refresh })).toEqual(which === "one" ? ["refresh"] : []);
    expect(access).not.toBe(victim.access);
  });
});

it.each(["one", "all others"])(
  "the end of %s that KV did not take is owed to it",
  async (which) => {
    let takes = true;
    const place = isolate(
      { REVOCATION_LAG_SECONDS: "300" },
      intercept(({ operation }, run) => {
        if (!takes && operation === "put") throw new Error("KV is down");
        return run();
      }),
    );
    const { user, access, session } = await person(place);
    const second = await place.newSession(user);
    await place.settled();
    const caller = await place.bearer(access);
    const id = (await place.session(session)).tokenId ?? "";
    takes = false;
    const { logins, housekeeping } = place.services;
    const end =
      which === "one"
        ? logins.revoke(caller, id, Date.now())
        : logins.revokeOthers(caller, Date.now());
    expect(await faultOf(end)).toBe("unavailable");
    takes = true;
    await housekeeping(Date.now());
    const held = { session, second };
    expect(await open(isolate({ REVOCATION_LAG_SECONDS: "300" }).call, held)).toEqual(
      which === "one" ? ["second"] : [],
    );
    expect(await DB.prepare("SELECT COUNT(*) AS n FROM pending_revocations").first("n")).toBe(0);
  },
);
