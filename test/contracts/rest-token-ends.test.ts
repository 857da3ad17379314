import { beforeAll, describe, expect, it } from "vitest";
import {
  at,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  newSession,
  textAt,
} from "../support/client.ts";

const NOT_FOUND = { success: false, message: "Token not found", status: 404 };

let user: Awaited<ReturnType<typeof newCaller>>;
let other: Awaited<ReturnType<typeof newCaller>>;
beforeAll(async () => {
  [user, other] = [await newCaller(), await newCaller()];
});

const list = () => call("GET", "/rest/token/list", { bearer: user.access });
const remove = (token: string, bearer = user.access) =>
  call("DELETE", `/rest/token/${token}`, { bearer });
const works = async (bearer: string) =>
  (await call("GET", "/rest/user", { bearer })).status === 200;

describe("DELETE /rest/token", () => {
  it("takes the secret or the uuid, and answers what was sent", async () => {
    for (const key of ["secret", "uuid"] as const) {
      const token = await newApiToken(user.access);
      const answer = await remove(token[key]);
      expect(answer.status).toBe(200);
      expect(at(answer, "payload", "token")).toBe(token[key]);
      if (key === "uuid") expect(answer.text).not.toContain(token.secret);
      expect(await works(token.secret)).toBe(false);
      expect(await remove(token[key])).toMatchObject({ status: 404, json: NOT_FOUND });
    }
  });

  it("takes one of the caller's own JWTs", async () => {
    const auth = await call("GET", "/rest/auth", { bearer: user.access });
    const jwt = textAt(auth, "payload", "token");
    expect(await remove(jwt, other.access)).toMatchObject({ status: 404, json: NOT_FOUND });
    const answer = await remove(jwt);
    expect(answer.status).toBe(200);
    expect(Object.keys(Object(at(answer, "payload"))).sort()).toEqual([
      "created_on",
      "expired_on",
      "modified_on",
      "name",
      "token",
    ]);
    expect(at(answer, "payload", "token")).toBe(jwt);
    expect(await works(jwt)).toBe(false);
    expect(await works(user.access)).toBe(true);
  });

  it("takes the very JWT that asks", async () => {
    const auth = await call("GET", "/rest/auth", { bearer: user.access });
    const jwt = textAt(auth, "payload", "token");
    expect((await remove(jwt, jwt)).status).toBe(200);
    expect(await works(jwt)).toBe(false);
  });

  it("is 404 for others' tokens and for what is none", async () => {
    const { uuid, secret } = await newApiToken(other.access);
    for (const key of [uuid, secret, "x", crypto.randomUUID(), await newSession(user)]) {
      expect(await remove(key)).toMatchObject({ status: 404, json: NOT_FOUND });
    }
    expect(await works(secret)).toBe(true);
  });

  it("succeeds for one of many", async () => {
    const { uuid } = await newApiToken(user.access);
    const answers = await Promise.all(Array.from({ length: 8 }, () => remove(uuid)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  });

  it("all ends all API tokens, and nothing else", async () => {
    const mine = await Promise.all([1, 2, 3].map(() => newApiToken(user.access)));
    const [theirs, session] = [await newApiToken(other.access), await newSession(user)];
    const jwt = textAt(
      await call("GET", "/rest/auth", { bearer: mine[0]?.secret ?? "" }),
      "payload",
      "token",
    );
    const answer = await call("DELETE", "/rest/token/all", { bearer: user.access });
    expect(answer.json).toEqual({ success: true, payload: {} });
    for (const { secret } of mine) expect(await works(secret)).toBe(false);
    // It hangs on one of them.
    expect(await works(jwt)).toBe(false);
    expect(itemsAt(await list(), "payload")).toEqual([]);
    expect(await works(theirs.secret)).toBe(true);
    expect(await works(user.access)).toBe(true);
    expect((await call("GET", "/tokens", { xToken: session })).status).toBe(200);
    expect(await works((await newApiToken(user.access)).secret)).toBe(true);
  });
});
