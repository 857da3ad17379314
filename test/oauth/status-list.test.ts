import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  call,
  newApiToken,
  newPair,
  newUser,
  ORIGIN,
  PASSWORD,
  textAt,
} from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { bitOf, isListedAsRevoked, listAt, placeOf } from "../support/status-lists.ts";
import { revoke } from "./introspecting.ts";
import { DB } from "../support/database.ts";

const SIZE = 32_768;

/** An isolate that has read no list yet. */
const fresh = () => isolate().call;

const isEnded = (access: string) => isListedAsRevoked(access, fresh());

let user: Awaited<ReturnType<typeof newUser>>;
beforeEach(async () => {
  user = await newUser();
});

describe("a status list", () => {
  it("is a signed JWT of the draft's form, small, and may be kept for a minute", async () => {
    const { uri } = placeOf((await newPair(user)).access);
    const { answer, list, bytes } = await listAt(uri, fresh());
    expect(decodeProtectedHeader(answer.text)).toMatchObject({ typ: "statuslist+jwt" });
    expect(answer.headers.get("content-type")).toBe("application/statuslist+jwt");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=60");
    expect(list).toMatchObject({ sub: uri, iss: ORIGIN, ttl: 60 });
    expect(list.exp - list.iat).toBe(3_600);
    expect(bytes).toHaveLength(SIZE / 8);
    expect(answer.text.length).toBeLessThan(1_000);
  });

  it("stays small with every other login ended, in no order", async () => {
    const { access } = await newPair(user);
    const { idx } = placeOf(access);
    const insert = `WITH RECURSIVE n(i) AS (SELECT ?1 + 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${SIZE})
      INSERT INTO tokens (id, kind, user_id, credential_version, created_at, modified_at, expires_at, revoked_at, status_index)
      SELECT unhex(printf('f111ed%026x', i)), 'family', ?2, 0, 1, 1, 9e15, CASE abs(random()) % 2 WHEN 0 THEN 1 END, i FROM n`;
    await DB.prepare(insert).bind(idx, user.id).run();
    const { answer, bytes } = await listAt(placeOf(access).uri, fresh());
    expect(answer.text.length).toBeLessThan(8_000);
    const rows = await DB.prepare(
      "SELECT status_index AS i, revoked_at AS ended FROM tokens WHERE hex(id) LIKE 'F111ED%'",
    ).all<{ i: number; ended: number | null }>();
    expect(rows.results.length).toBe(SIZE - idx - 1);
    const wrong = rows.results.filter(
      ({ i, ended }) => bitOf(bytes, i) !== (ended === null ? 0 : 1),
    );
    expect(wrong).toEqual([]);
    await DB.prepare("DELETE FROM tokens WHERE hex(id) LIKE 'F111ED%'").run();
  });

  it("is followed by the next when it is full, each login has a place of its own", async () => {
    const first = placeOf((await newPair(user)).access);
    const second = placeOf((await newPair(user)).access);
    expect(second).toEqual({ ...first, idx: first.idx + 1 });
    await DB.prepare("UPDATE tokens SET status_index = ? WHERE status_index = ?")
      .bind(SIZE - 2, second.idx)
      .run();
    const last = await newPair(user);
    const next = await newPair(user);
    expect(placeOf(last.access)).toEqual({ uri: `${ORIGIN}/status-lists/0`, idx: SIZE - 1 });
    expect(placeOf(next.access)).toEqual({ uri: `${ORIGIN}/status-lists/1`, idx: 0 });
    await revoke(next.refresh);
    expect([await isEnded(last.access), await isEnded(next.access)]).toEqual([false, true]);
  });

  it("has an index again only once its log-in has left every list", async () => {
    const { idx } = placeOf((await newPair(user)).access);
    const { access, refresh } = await newPair(user);
    expect(placeOf(access).idx).toBe(idx + 1);
    await revoke(refresh);
    const { sid } = decodeJwt(access);
    const endedAgo = (ms: number) =>
      DB.prepare("UPDATE tokens SET expires_at = ? WHERE id = ?")
        .bind(Date.now() - ms, sid)
        .run();
    // For verifiers whose clocks are behind.
    await endedAgo(25 * 60_000);
    expect(await isEnded(access)).toBe(true);
    // No list that says so may be cached when the row goes, half an hour later.
    await endedAgo(35 * 60_000);
    expect(await isEnded(access)).toBe(false);
    expect(placeOf((await newPair(user)).access).idx).toBe(idx + 2);
    await DB.prepare(
      "DELETE FROM tokens WHERE status_index >= (SELECT status_index FROM tokens WHERE id = ?)",
    )
      .bind(sid)
      .run();
    expect(placeOf((await newPair(user)).access).idx).toBe(idx + 1);
  });

  it.each(["2", "999999999", "1000000000", "-1", "0x0", "00", "a"])(
    "is 404 where there is none: %s",
    async (list) => {
      const answer = await call("GET", `/status-lists/${list}`);
      expect(answer.status).toBe(404);
    },
  );

  it("is read from D1 at most twice a minute by an isolate, however often it is asked for", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { access, refresh } = await newPair(user);
    const { uri, idx } = placeOf(access);
    const { call: send } = isolate();
    expect(bitOf((await listAt(uri, send)).bytes, idx)).toBe(0);
    await revoke(refresh);
    expect(bitOf((await listAt(uri, send)).bytes, idx)).toBe(0);
    vi.setSystemTime(Date.now() + 30_000);
    expect(bitOf((await listAt(uri, send)).bytes, idx)).toBe(1);
  });
});

describe("the place of an access JWT", () => {
  it("is kept by those that the same login gets later", async () => {
    const { access, refresh } = await newPair(user);
    const again = await call("POST", "/api/token/refresh/", { json: { refresh } });
    expect(placeOf(textAt(again, "access"))).toEqual(placeOf(access));
  });

  it("is not in a JWT that was derived from no login", async () => {
    const answer = await call("GET", "/rest/auth", { basic: user });
    expect(decodeJwt(textAt(answer, "payload", "token"))).not.toHaveProperty("status");
  });
});

describe("what ends a login sets its bit, and no other", () => {
  const ways: readonly [string, (pair: { access: string; refresh: string }) => Promise<unknown>][] =
    [
      ["POST /oauth/revoke", ({ refresh }) => revoke(refresh)],
      [
        "DELETE /rest/token/{refresh JWT}",
        ({ refresh, access }) => call("DELETE", `/rest/token/${refresh}`, { bearer: access }),
      ],
      [
        "a new password",
        ({ access }) =>
          call("PATCH", "/rest/user", {
            bearer: access,
            json: { password: "another password", current_password: PASSWORD },
          }),
      ],
      [
        "the end of the account",
        ({ access }) =>
          call("DELETE", "/rest/user", { bearer: access, json: { password: PASSWORD } }),
      ],
    ];

  it.each(ways)("%s", async (_, end) => {
    const other = await newPair(await newUser());
    const pair = await newPair(user);
    expect([await isEnded(pair.access), await isEnded(other.access)]).toEqual([false, false]);
    await end(pair);
    expect([await isEnded(pair.access), await isEnded(other.access)]).toEqual([true, false]);
  });

  it("a log-in that goes on is not touched by the end of an API token", async () => {
    const { access } = await newPair(user);
    const { uuid } = await newApiToken(access, "one", 600);
    await call("DELETE", `/rest/token/${uuid}`, { bearer: access });
    expect(await isEnded(access)).toBe(false);
  });
});
