import { beforeAll, describe, expect, it } from "vitest";
import {
  type Answered,
  at,
  base64,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  newSession,
  type Send,
  textAt,
} from "../support/client.ts";
import { DB } from "../support/database.ts";

/** Issuing, listing and revoking. Runs are in action-runs.test.ts. */

type User = Awaited<ReturnType<typeof newCaller>>;

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const NOBODY = "00000000-0000-4000-8000-000000000000";
const UNAUTHENTICATED = { message: "Unauthenticated." };
const invalid = (errors: Record<string, unknown>) => ({
  message: "The given data was invalid.",
  errors,
});

let issuer: User;
let other: User;
beforeAll(async () => {
  [issuer, other] = [await newCaller(), await newCaller()];
});

const generate = (json: unknown, send: Send = { bearer: issuer.access }): Promise<Answered> =>
  call("POST", "/api/generate-action-token", { ...send, json });
const add = (more: object = {}) =>
  generate({ action: "addContact", payload: { contact_id: issuer.id }, ...more });
const lifeOf = (answer: Answered) =>
  (Date.parse(textAt(answer, "token", "expires_at")) -
    Date.parse(textAt(answer, "token", "created_at"))) /
  1000;

describe("the document's own examples", () => {
  const HOST = "https://covid-19-tracing-app-backend.test";
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const curl = (path: string, body: string, more: Send = {}) =>
    call("POST", `${HOST}${path}`, { ...more, headers, body });

  it("generate: nobody is logged in", async () => {
    const body = '{"action":"corporis","payload":"dolor"}';
    const answer = await curl("/api/generate-action-token", body);
    expect(answer).toMatchObject({ status: 401, json: UNAUTHENTICATED });
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  });

  it("generate: an action that there is not, and a payload that is no JSON", async () => {
    const body = '{"action":"corporis","payload":"dolor"}';
    const answer = await curl("/api/generate-action-token", body, { bearer: issuer.access });
    expect(answer.status).toBe(422);
    expect(answer.json).toEqual(
      invalid({
        action: ["The selected action is invalid."],
        payload: ["The payload must be a valid JSON string."],
      }),
    );
  });

  it("run: a token that there is not", async () => {
    const answer = await curl("/api/run-action-token", '{"token":"sit"}');
    expect(answer.status).toBe(422);
    expect(answer.json).toEqual({
      status: "action_token_invalid",
      message: expect.any(String),
      reason: "unknown",
    });
  });

  it("in JavaScript, where the body is an object as text", async () => {
    for (const path of ["/api/generate-action-token", "/api/run-action-token"]) {
      const answer = await curl(path, String({ token: "sit" }), { bearer: issuer.access });
      expect(answer.status).toBe(400);
      expect(answer.json).toEqual({ message: "The body is not valid JSON." });
    }
  });
});

describe("POST /api/generate-action-token", () => {
  it("answers the token", async () => {
    const answer = await add();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.json).toEqual({
      token: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        user_id: issuer.id,
        action: "addContact",
        token: expect.stringMatching(/^lk_act_[0-9A-Za-z]{49}$/),
        payload: { contact_id: issuer.id },
        audience: null,
        max_uses: 1,
        uses: 0,
        expires_at: expect.stringMatching(ISO),
        created_at: expect.stringMatching(ISO),
        updated_at: at(answer, "token", "created_at"),
      },
    });
    expect(lifeOf(answer)).toBe(3_600);
  });

  it("takes the payload as a string that holds JSON", async () => {
    const payload = JSON.stringify({ contact_id: issuer.id });
    expect(at(await add({ payload }), "token", "payload")).toEqual({ contact_id: issuer.id });
  });

  it("takes a form", async () => {
    const answer = await call("POST", "/api/generate-action-token", {
      bearer: issuer.access,
      form: { action: "addContact", payload: `{"contact_id":"${issuer.id}"}`, ttl: "120" },
    });
    expect(answer.status).toBe(200);
    expect(lifeOf(answer)).toBe(120);
  });

  it("takes ttl, max_uses and audience", async () => {
    const answer = await add({ ttl: 60, max_uses: 1_000, audience: other.id.toUpperCase() });
    expect(at(answer, "token")).toMatchObject({ max_uses: 1_000, audience: other.id });
    expect(lifeOf(answer)).toBe(60);
    expect(lifeOf(await add({ ttl: 2_592_000 }))).toBe(2_592_000);
    const defaults = await add({ ttl: null, max_uses: null, audience: null });
    expect(at(defaults, "token")).toMatchObject({ max_uses: 1, audience: null });
    expect(lifeOf(defaults)).toBe(3_600);
  });

  it("takes every way to be logged in", async () => {
    const { secret } = await newApiToken(issuer.access);
    const ways: Send[] = [
      { headers: { authorization: `Basic ${base64(`${issuer.email}:${issuer.password}`)}` } },
      { xAuthToken: issuer.access },
      { bearer: secret },
      { xAuthToken: secret },
      { xToken: await newSession(issuer) },
    ];
    for (const send of ways) {
      const json = { action: "addContact", payload: { contact_id: issuer.id } };
      expect(at(await generate(json, send), "token", "user_id")).toBe(issuer.id);
    }
  });

  it("refuses all else with 401", async () => {
    for (const send of [{}, { bearer: issuer.refresh }, { bearer: "x" }, { xToken: "x" }]) {
      expect(await generate({}, send)).toMatchObject({ status: 401, json: UNAUTHENTICATED });
    }
  });

  const ACTION = "The selected action is invalid.";
  const MISSING = "The action field is required.";
  const PAYLOAD = "The payload must be a valid JSON string.";
  const INVALID: readonly (readonly [object, Record<string, unknown>])[] = [
    [{ action: undefined }, { action: [MISSING] }],
    [{ action: null }, { action: [MISSING] }],
    [{ action: "" }, { action: [MISSING] }],
    [{ action: "  " }, { action: [MISSING] }],
    [{ action: "corporis" }, { action: [ACTION] }],
    [{ action: "addcontact" }, { action: [ACTION] }],
    [{ action: "toString" }, { action: [ACTION] }],
    [{ action: 1 }, { action: ["The action must be a string."] }],
    [{ action: ["addContact"] }, { action: ["The action must be a string."] }],
    [{ payload: "dolor" }, { payload: [PAYLOAD] }],
    [{ payload: "{" }, { payload: [PAYLOAD] }],
    [{ payload: "lone \ud800" }, { payload: [PAYLOAD] }],
    [{ payload: undefined }, { payload: [expect.any(String)] }],
    [{ payload: [] }, { "payload.contact_id": ["The payload.contact_id field is required."] }],
    [{ payload: {} }, { "payload.contact_id": ["The payload.contact_id field is required."] }],
    [{ payload: "{}" }, { "payload.contact_id": ["The payload.contact_id field is required."] }],
    [{ payload: { contact_id: 1 } }, { "payload.contact_id": [expect.any(String)] }],
    [{ payload: { contact_id: "x" } }, { "payload.contact_id": [expect.any(String)] }],
    [
      { payload: { contact_id: NOBODY } },
      { "payload.contact_id": ["The selected payload.contact_id is invalid."] },
    ],
    [{ ttl: 59 }, { ttl: ["The ttl must be between 60 and 2592000."] }],
    [{ ttl: 2_592_001 }, { ttl: ["The ttl must be between 60 and 2592000."] }],
    [{ ttl: 60.5 }, { ttl: ["The ttl must be an integer."] }],
    [{ ttl: "soon" }, { ttl: ["The ttl must be an integer."] }],
    [{ ttl: true }, { ttl: ["The ttl must be an integer."] }],
    [{ max_uses: 0 }, { max_uses: ["The max uses must be between 1 and 1000."] }],
    [{ max_uses: 1_001 }, { max_uses: ["The max uses must be between 1 and 1000."] }],
    [{ max_uses: [] }, { max_uses: ["The max uses must be an integer."] }],
    [{ audience: NOBODY }, { audience: ["The selected audience is invalid."] }],
    [{ audience: "me" }, { audience: ["The selected audience is invalid."] }],
    [{ audience: 1 }, { audience: ["The audience must be a string."] }],
  ];
  it.each(INVALID)("refuses %j", async (more, errors) => {
    const answer = await add(more);
    expect(answer.status).toBe(422);
    expect(answer.json).toEqual(invalid(errors));
  });

  it.each(["[]", "null", "1", '"text"', ""])("the body %j has no fields", async (body) => {
    const headers = { "content-type": "application/json" };
    const send = { bearer: issuer.access, headers, body };
    const answer = await call("POST", "/api/generate-action-token", send);
    expect(answer).toMatchObject({ status: 422, json: invalid({ action: [MISSING] }) });
  });

  it("refuses a payload deeper than a reader's stack", async () => {
    const deep = (levels: number) => ({ payload: `${"[".repeat(levels)}${"]".repeat(levels)}` });
    for (const levels of [1_000, 5_000]) {
      expect((await add(deep(levels))).json).toEqual(invalid({ payload: [PAYLOAD] }));
    }
  });

  it("names no user who is gone", async () => {
    const gone = await newCaller();
    const json = { password: gone.password };
    await call("DELETE", "/rest/user", { bearer: gone.access, json });
    for (const more of [{ payload: { contact_id: gone.id } }, { audience: gone.id }]) {
      expect((await add(more)).status).toBe(422);
    }
  });
});

describe("the issuer's own", () => {
  const list = (bearer: string) => call("GET", "/api/action-tokens", { bearer });
  const end = (id: string, bearer = issuer.access) =>
    call("DELETE", `/api/action-tokens/${id}`, { bearer });

  it("are listed, newest first and without their secrets", async () => {
    const first = await add({ max_uses: 2 });
    const second = await add({ ttl: 60 });
    const answer = await list(issuer.access);
    expect(answer.status).toBe(200);
    const { token: _, ...shown } = Object(at(second, "token"));
    expect(at(answer, "data", 0)).toEqual({ ...shown, state: "active" });
    expect(at(answer, "data", 1, "id")).toBe(at(first, "token", "id"));
    expect(answer.text).not.toContain("lk_act_");
    expect((await list(other.access)).json).toEqual({ data: [], next_cursor: null });
  });

  it("are found in any state, by action and by whom they are for, and sorted", async () => {
    const ids: string[] = [];
    for (const send of [
      { ttl: 600 },
      { ttl: 120, audience: other.id },
      { ttl: 300, max_uses: 3 },
    ]) {
      const issued = await add(send);
      ids.push(textAt(issued, "token", "id"));
    }
    const [first = "", second = "", third = ""] = ids;
    await DB.prepare("UPDATE tokens SET uses = 2 WHERE id = ?").bind(third).run();
    await end(first);
    const found = async (query: string) => {
      const answer = await call("GET", `/api/action-tokens?${query}`, { bearer: issuer.access });
      if (answer.status !== 200) return answer.status;
      return itemsAt(answer, "data")
        .map((item) => Object(item))
        .filter(({ id }) => ids.includes(id))
        .map(({ id, state }) => `${ids.indexOf(id) + 1} ${state}`);
    };
    for (const [query, expected] of [
      ["", ["3 active", "2 active"]],
      ["state=all&limit=100", ["3 active", "2 active", "1 revoked"]],
      ["state=revoked", ["1 revoked"]],
      ["sort=expires", ["2 active", "3 active"]],
      ["sort=-used&limit=1", ["3 active"]],
      ["sort=created&action=addContact", ["2 active", "3 active"]],
      ["audience=person", ["2 active"]],
      [`audience=${other.id.toUpperCase()}`, ["2 active"]],
      ["audience=anyone", ["3 active"]],
      ["state=none", 422],
      ["sort=name", 422],
      ["action=resetPassword", 422],
      ["audience=someone", 422],
    ] as const) {
      expect([query, await found(query)]).toEqual([query, expected]);
    }
    const pages: unknown[] = [];
    let cursor: unknown = "";
    while (cursor !== null) {
      const path = `/api/action-tokens?state=all&sort=-expires&limit=1&cursor=${cursor}`;
      const answer = await call("GET", path, { bearer: issuer.access });
      pages.push(...itemsAt(answer, "data").map((item) => Object(item).id));
      cursor = at(answer, "next_cursor");
    }
    expect(pages.filter((id) => ids.includes(String(id)))).toEqual([first, third, second]);
    expect(new Set(pages).size).toBe(pages.length);
    expect(second).not.toBe("");
  });

  it("say who used them, to their issuer alone, page by page", async () => {
    const runner = await newCaller();
    const issued = await add({ max_uses: 3 });
    const [id, token] = [textAt(issued, "token", "id"), textAt(issued, "token", "token")];
    for (const bearer of [other.access, runner.access]) {
      const run = await call("POST", "/api/run-action-token", { bearer, json: { token } });
      expect(run.status).toBe(200);
    }
    await DB.prepare("UPDATE users SET first_name = 'Rae' WHERE id = ?").bind(runner.id).run();
    await DB.prepare("UPDATE receipts SET run_at = run_at - 1000 WHERE run_by = ?")
      .bind(other.id)
      .run();
    const get = (path: string, bearer = issuer.access) => call("GET", path, { bearer });
    const own = `/api/action-tokens/${id}/uses`;
    const use = {
      id: expect.any(String),
      token_id: id,
      action: "addContact",
      run_at: expect.any(String),
      is_own: false,
    };
    const rae = { ...use, name: "Rae", contact_id: runner.id };
    for (const path of [
      own,
      `/api/action-tokens/uses`,
      "/api/action-tokens/uses?action=addContact",
    ]) {
      expect(at(await get(`${path}${path.includes("?") ? "&" : "?"}limit=1`), "data")).toEqual([
        rae,
      ]);
    }
    const first = await get(`${own}?limit=1`);
    const rest = await get(`${own}?limit=1&cursor=${at(first, "next_cursor")}`);
    expect(rest.json).toMatchObject({
      data: [{ ...use, contact_id: other.id }],
      next_cursor: null,
    });
    for (const [path, bearer, status] of [
      [own, other.access, 404],
      ["/api/action-tokens/nothing/uses", issuer.access, 404],
      ["/api/action-tokens/uses?action=resetPassword", issuer.access, 422],
      [own, undefined, 401],
    ] as const) {
      expect([
        path,
        (await call("GET", path, bearer === undefined ? {} : { bearer })).status,
      ]).toEqual([path, status]);
    }
    expect(itemsAt(await get("/api/action-tokens/uses", runner.access), "data")).toEqual([]);
  });

  it("are revoked by their issuer, once", async () => {
    const answer = await add();
    const id = textAt(answer, "token", "id");
    const notFound = { status: 404, json: { message: "Not Found" } };
    expect(await end(id, other.access)).toMatchObject(notFound);
    expect(await end(id)).toMatchObject({ status: 204, text: "" });
    expect(await end(id)).toMatchObject(notFound);
    expect(await end("nonsense")).toMatchObject(notFound);
    const json = { token: textAt(answer, "token", "token") };
    const run = await call("POST", "/api/run-action-token", { bearer: other.access, json });
    expect(run).toMatchObject({ status: 422, json: { reason: "revoked" } });
    const left = itemsAt(await list(issuer.access), "data");
    expect(left).not.toContainEqual(expect.objectContaining({ id }));
  });

  it("need a user who is logged in", async () => {
    for (const [method, path] of [
      ["GET", "/api/action-tokens"],
      ["DELETE", "/api/action-tokens/x"],
      ["GET", "/api/user/get-contacts"],
    ] as const) {
      expect(await call(method, path)).toMatchObject({ status: 401, json: UNAUTHENTICATED });
    }
  });
});
