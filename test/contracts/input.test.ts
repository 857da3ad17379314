import { beforeAll, describe, expect, it } from "vitest";
import { mailed } from "../support/mailed.ts";
import {
  at,
  call,
  itemsAt,
  newApiToken,
  newCaller,
  newPair,
  newSession,
  newUser,
  type Send,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

type Caller = Awaited<ReturnType<typeof newCaller>>;

let user: Caller;
let contact: Caller;
beforeAll(async () => {
  [user, contact] = [await newCaller(), await newCaller()];
});

const issue = (more: object = {}) => ({
  action: "addContact",
  payload: { contact_id: user.id },
  ...more,
});
/** As bytes, of which the API document says nothing: it has no words for what is repaired. */
const raw = (json: unknown): Send => ({
  headers: { "content-type": "application/json" },
  body: new TextEncoder().encode(JSON.stringify(json)),
});
const rawForm = (form: Readonly<Record<string, string>>): Send => ({
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new TextEncoder().encode(String(new URLSearchParams(form))),
});
const generate = (send: Send) =>
  call("POST", "/api/generate-action-token", { bearer: user.access, ...send });
const actionToken = async () => textAt(await generate({ json: issue() }), "token", "token");
const run = (token: unknown, send: Send = {}) =>
  call("POST", "/api/run-action-token", { json: { token }, ...send });

/** Every route that makes a credential, and what its refusal says of a field. */
const MAKERS: readonly (readonly [
  door: string,
  send: (member: object) => Promise<Send> | Send,
  refusal: (name: string) => object,
])[] = [
  [
    "POST /rest/token",
    (more) => ({ bearer: user.access, json: { name: "ro", ...more } }),
    (name) => ({ status: 400, json: { message: `${name} is not known here` } }),
  ],
  [
    "PATCH /rest/token/:token",
    (more) => ({ bearer: user.access, json: { name: "ro", ...more } }),
    (name) => ({ status: 400, json: { message: `${name} is not known here` } }),
  ],
  [
    "PATCH /token/:token",
    (more) => ({ bearer: user.access, json: { name: "ro", ...more } }),
    (name) => ({ status: 400, json: { message: `${name} is not known here` } }),
  ],
  [
    "POST /rest/token/:token/rotate",
    (more) => ({ bearer: user.access, json: more }),
    (name) => ({ status: 400, json: { message: `${name} is not known here` } }),
  ],
  [
    "POST /api/generate-action-token",
    (more) => ({ bearer: user.access, json: issue(more) }),
    (name) => ({
      status: 422,
      json: { errors: { [name]: [`The ${name} field is not supported.`] } },
    }),
  ],
  [
    "POST /tokens",
    (more) => ({ json: { email_id: user.email, password: user.password, ...more } }),
    () => ({ status: 400, json: { error: "missing or invalid required fields" } }),
  ],
  [
    "PUT /tokens",
    async (more) => ({ json: { token: await newSession(user), extend: true, ...more } }),
    () => ({ status: 400, json: { error: expect.stringContaining("missing or invalid") } }),
  ],
  ...["/api/token", "/api/token/"].map(
    (path) =>
      [
        `POST ${path}`,
        (more: object) => ({ json: { email: user.email, password: user.password, ...more } }),
        (name: string) => ({ status: 400, json: { [name]: ["This field is not supported."] } }),
      ] as const,
  ),
  ...["/api/token/refresh", "/api/token/refresh/"].map(
    (path) =>
      [
        `POST ${path}`,
        async (more: object) => ({ json: { refresh: (await newPair(user)).refresh, ...more } }),
        (name: string) => ({ status: 400, json: { [name]: ["This field is not supported."] } }),
      ] as const,
  ),
];

describe.each(MAKERS)("%s", (routeKey, sent, refusal) => {
  const [method = "", route = ""] = routeKey.split(" ");

  it.each(["scope", "expires_in", "ip_whitelist", "permissions", "aud"])(
    "refuses %s, which it does not understand and which would give less",
    async (name) => {
      const { uuid } = await newApiToken(user.access);
      const path = route.replace(":token", uuid);
      const send = await sent({ [name]: "introspect" });
      expect(await call(method, path, send)).toMatchObject(refusal(name));
    },
  );
});

describe("no content is an empty object, whatever its type says", () => {
  const TYPES = [
    undefined,
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/octet-stream",
    "nonsense",
  ];
  it.each(TYPES)("of %s", async (type) => {
    const send = {
      bearer: user.access,
      ...(type !== undefined && { headers: { "content-type": type } }),
    };
    const { uuid } = await newApiToken(user.access);
    const rest = (message: unknown) => ({ status: 400, json: { message, status: 400 } });
    const missing = expect.stringContaining("is required");
    for (const [routeKey, answer] of [
      ["POST /rest/user/verify_email", { status: 200 }],
      [`POST /rest/token/${uuid}/rotate`, { status: 200 }],
      ["DELETE /rest/user", rest(expect.any(String))],
      ["PATCH /rest/user", rest("the body must name at least one field to change")],
      ["POST /rest/user", rest(missing)],
      ["POST /rest/user/password_reset", rest(missing)],
      ["POST /rest/token", rest(missing)],
      [`PATCH /rest/token/${uuid}`, rest("the body must name at least one field to change")],
      ["POST /rest/leaked", rest(missing)],
      ["POST /tokens", { status: 400 }],
      ["PUT /tokens", { status: 400 }],
      ["POST /api/token/", { status: 400, json: { password: ["This field is required."] } }],
      ["POST /api/token/refresh/", { status: 400 }],
      ["POST /api/token/verify/", { status: 400 }],
      ["POST /api/generate-action-token", { status: 422 }],
      ["POST /api/run-action-token", { status: 422 }],
    ] as const) {
      const [method, path] = routeKey.split(" ");
      expect([routeKey, await call(method ?? "", path ?? "", send)]).toMatchObject([
        routeKey,
        answer,
      ]);
    }
    const headers = type === undefined ? {} : { "content-type": type };
    expect((await call("POST", "/oauth/revoke", { headers })).status).toBe(400);
  });

  it("and content of another type is refused as before", async () => {
    const headers = { "content-type": "text/plain" };
    const send = { bearer: user.access, headers, body: "{}" };
    expect((await call("DELETE", "/rest/user", send)).status).toBe(415);
    expect((await call("POST", "/rest/user/verify_email", send)).status).toBe(415);
  });
});

describe("a compressed body is 415, with what would be taken", () => {
  it.each([
    "POST /rest/user",
    "PATCH /rest/user",
    "DELETE /rest/user",
    "POST /rest/token",
    "POST /rest/leaked",
    "POST /tokens",
    "PUT /tokens",
    "POST /api/token/",
    "POST /api/token/verify/",
    "POST /api/run-action-token",
    "POST /api/generate-action-token",
    "POST /oauth/introspect",
    "POST /oauth/revoke",
  ])("at %s", async (routeKey) => {
    const [method = "", path = ""] = routeKey.split(" ");
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const bearer = path.startsWith("/oauth") ? {} : { bearer: user.access };
    const answer = await call(method, path, { ...bearer, headers, body: "{}" });
    expect(answer.status).toBe(415);
    expect(answer.headers.get("accept-encoding")).toBe("identity");
  });
});

describe("a write that a page of another site sends as a form", () => {
  const WRITES = [
    "POST /api/run-action-token",
    "POST /api/generate-action-token",
    "DELETE /api/action-tokens/x",
    "POST /api/token/",
    "POST /tokens",
    "DELETE /tokens",
    "POST /rest/user",
    "DELETE /rest/token/all",
    "POST /rest/user/verify_email",
    "POST /oauth/revoke",
  ];
  it.each(WRITES)("is 403 before anybody is asked who they are: %s", async (routeKey) => {
    const [method = "", path = ""] = routeKey.split(" ");
    for (const site of ["cross-site", "same-site"]) {
      for (const mode of ["navigate", "no-cors"]) {
        const headers = { "sec-fetch-site": site, "sec-fetch-mode": mode };
        for (const who of [{}, { basic: user }]) {
          expect((await call(method, path, { headers, ...who })).status).toBe(403);
        }
      }
    }
  });

  it("does nothing, and what CORS asks first is let through", async () => {
    const token = await actionToken();
    const send = (site: string, mode: string) =>
      call("POST", "/api/run-action-token", {
        headers: { "sec-fetch-site": site, "sec-fetch-mode": mode },
        form: { token },
        basic: contact,
      });
    expect((await send("cross-site", "navigate")).status).toBe(403);
    expect((await send("cross-site", "cors")).status).toBe(200);
    for (const [site, mode] of [
      ["same-origin", "navigate"],
      ["none", "navigate"],
      ["same-site", "cors"],
    ]) {
      expect((await send(site ?? "", mode ?? "")).status).toBe(422);
    }
  });

  it("leaves reading, unknown paths and wrong methods as they are", async () => {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await call("GET", "/rest/user", { headers, basic: user })).status).toBe(200);
    expect((await call("POST", "/rest/nowhere", { headers })).status).toBe(404);
    expect((await call("PUT", "/rest/user", { headers })).status).toBe(405);
  });
});

describe("a uuid in upper case", () => {
  it("names a token in every path, and comes back in lower case", async () => {
    const bearer = user.access;
    for (const prefix of ["/rest/token", "/token"]) {
      const { uuid } = await newApiToken(bearer);
      const path = `${prefix}/${uuid.toUpperCase()}`;
      const answer = await call("PATCH", path, { bearer, json: { name: "renamed" } });
      expect(at(answer, "payload", "uuid")).toBe(uuid);
    }
    const { uuid } = await newApiToken(bearer);
    const rotated = await call("POST", `/rest/token/${uuid.toUpperCase()}/rotate`, { bearer });
    expect(rotated.status).toBe(200);
    const next = textAt(rotated, "payload", "uuid");
    const ended = await call("DELETE", `/rest/token/${next.toUpperCase()}`, { bearer });
    expect(ended).toMatchObject({ status: 200, json: { payload: { token: next } } });
    const made = await generate({ json: issue() });
    const path = `/api/action-tokens/${textAt(made, "token", "id").toUpperCase()}`;
    expect((await call("DELETE", path, { bearer })).status).toBe(204);
  });

  it("names a user in a payload and an audience", async () => {
    const json = issue({
      payload: { contact_id: user.id.toUpperCase() },
      audience: contact.id.toUpperCase(),
    });
    const made = await generate({ json });
    expect(at(made, "token", "payload")).toEqual({ contact_id: user.id });
    expect(at(made, "token", "audience")).toBe(contact.id);
  });

  it("names a client", async () => {
    const { secret, uuid } = await newApiToken(user.access);
    const basic = { email: uuid.toUpperCase(), password: secret };
    const form = { token: secret };
    expect((await call("POST", "/oauth/introspect", { basic, form })).status).toBe(200);
    const post = { ...form, client_id: uuid.toUpperCase(), client_secret: secret };
    expect((await call("POST", "/oauth/introspect", { form: post })).status).toBe(200);
  });
});

describe("an empty optional field is none, and text is trimmed", () => {
  const EMPTY = { ttl: "", max_uses: "", audience: "", payload: "" };
  const fields = () => ({ action: " addContact ", "payload[contact_id]": user.id });

  it.each(["ttl", "max_uses", "audience"] as const)("%s", async (name) => {
    const bare = at(await generate(rawForm(fields())), "token");
    for (const send of [
      rawForm({ ...fields(), [name]: "" }),
      rawForm({ ...fields(), [name]: "  " }),
      raw(issue({ [name]: "" })),
      raw(issue({ [name]: null })),
    ]) {
      const answer = await generate(send);
      expect(answer.status).toBe(200);
      const made = Object(at(answer, "token"));
      expect([made.max_uses, made.audience]).toEqual([
        Object(bare).max_uses,
        Object(bare).audience,
      ]);
      expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(3_600_000);
    }
  });

  it("a form's payload is an object by its brackets, or JSON", async () => {
    for (const form of [
      { ...fields(), ttl: " 3600 ", max_uses: " 2" },
      { action: "addContact", payload: ` {"contact_id":"${user.id}"} `, max_uses: "2" },
      { action: "addContact", "payload[contact_id]": ` ${user.id.toUpperCase()} `, max_uses: "2" },
    ]) {
      const answer = await generate(rawForm(form));
      expect(answer).toMatchObject({
        status: 200,
        json: { token: { payload: { contact_id: user.id }, max_uses: 2 } },
      });
    }
    const none = await generate({ form: { action: "addContact", ...EMPTY } });
    expect(none).toMatchObject({
      status: 422,
      json: { errors: { payload: [expect.any(String)] } },
    });
  });

  it("a run's token and input too, but a password in it is as it was sent", async () => {
    const token = await actionToken();
    const form = rawForm({ token: ` ${token} `, input: "" });
    const path = "/api/run-action-token";
    expect((await call("POST", path, { ...form, bearer: contact.access })).status).toBe(200);
    for (const send of [
      (secret: string) => raw({ token: secret, input: { password: "  spaces kept  " } }),
      (secret: string) => rawForm({ token: secret, "input[password]": "  spaces kept  " }),
    ]) {
      const owner = await newUser();
      const secret = await mailed(owner, "resetPassword");
      expect((await call("POST", path, send(secret))).status).toBe(200);
      const basic = { email: owner.email, password: "  spaces kept  " };
      expect((await call("GET", "/rest/user", { basic })).status).toBe(200);
    }
  });
});

describe("a number for a text", () => {
  it.each(["9007199254740993", "123456789012345678901234567890", "1234567890.10", "12345678"])(
    "is the text that was written: %s",
    async (digits) => {
      const owner = await newUser({ password: `${digits}` === "12345678" ? "12345678 " : digits });
      const body = `{"email":${JSON.stringify(owner.email)},"password":${digits}}`;
      const headers = { "content-type": "application/json" };
      const { status } = await call("POST", "/api/token/", { headers, body });
      expect(status).toBe(digits === "12345678" ? 401 : 200);
    },
  );

  it("that would lose digits is in no payload", async () => {
    const headers = { "content-type": "application/json" };
    for (const digits of ["9007199254740993", "-9007199254740993", "1e400"]) {
      const payload = `{"contact_id":"${user.id}","n":[${digits}]}`;
      for (const sent of [payload, JSON.stringify(payload)]) {
        const body = `{"action":"addContact","payload":${sent}}`;
        const answer = await generate({ headers, body });
        expect(answer).toMatchObject({
          status: 422,
          json: { errors: { payload: [expect.stringContaining("lose digits")] } },
        });
      }
    }
  });
});

describe("an empty credential is none", () => {
  it.each(["x-auth-token", "authorization", "x-auth-ha1b-token", "x-auth-google-token"])(
    "in the header %s",
    async (header) => {
      const headers = { [header]: "" };
      const email = `${crypto.randomUUID()}@example.com`;
      const json = { email, password: user.password };
      expect((await call("POST", "/rest/user", { headers, json })).status).toBe(201);
      const login = { email_id: email, password: user.password };
      expect((await call("POST", "/tokens", { headers, json: login })).status).toBe(200);
      if (header === "authorization") return;
      expect((await call("GET", "/rest/user", { headers, basic: user })).status).toBe(200);
    },
  );

  it("in x-token and in ?token=", async () => {
    const session = await newSession(user);
    const get = (path: string, xToken?: string) =>
      call("GET", path, xToken === undefined ? {} : { xToken });
    expect((await get(`/tokens?token=${session}`, "")).status).toBe(200);
    expect((await get("/tokens?token=", session)).status).toBe(200);
    expect((await get(`/tokens?token=&token=${session}`)).status).toBe(200);
    expect((await get("/tokens?token=", "")).status).toBe(400);
    const emptied = raw({ token: "", extend: true });
    expect((await call("PUT", "/tokens", { ...emptied, xToken: session })).status).toBe(200);
    expect((await call("DELETE", `/tokens?token=${session}`, { xToken: "" })).status).toBe(200);
  });

  it("in the query, where credentials may be sent there", async () => {
    const place = service({ QUERY_CREDENTIALS: "on" });
    for (const query of ["jwt=", "bearer=&jwt=", "google_token="]) {
      expect((await place("GET", `/rest/user?${query}`, { basic: user })).status).toBe(200);
    }
    expect((await place("GET", `/rest/user?jwt=&bearer=${user.access}`)).status).toBe(200);
  });

  it("and a malformed Bearer is a token that is not valid", async () => {
    for (const authorization of ["Bearer", "Bearer: x", "Bearer,x"]) {
      const answer = await call("GET", "/rest/user", { headers: { authorization } });
      expect(answer).toMatchObject({ status: 401, json: { message: "Invalid token" } });
    }
  });
});

/** One of each kind that nobody sees. */
const HIDDEN = [
  ...["\u0007", "\u001b", "\n", "\t", "\u007f", "\u0085", "\u009b"],
  ...["\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u061c", "\u2060", "\ufeff"],
  ...["\u202a", "\u202e", "\u2066", "\u2069", "\u2028", "\u2029", "\ufe0f", "\u3164", "\u034f"],
  ...["\u{e0041}", "\u{e0100}", "\u{1d173}"],
];
const named = (text: string) =>
  `U+${text.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;

describe("a character that is not shown", () => {
  it.each(HIDDEN.map((hidden) => [named(hidden), hidden]))(
    "%s is in no name",
    async (_, hidden) => {
      const { access } = user;
      const { uuid } = await newApiToken(access);
      for (const name of [`a${hidden}b`, `ab${hidden}`, `${hidden}ab`]) {
        const sent = { email: `${crypto.randomUUID()}@example.com`, password: user.password };
        const rename = { bearer: access, json: { name } };
        for (const answer of [
          ...(await Promise.all(
            ["first_name", "last_name", "gender"].map((field) =>
              call("POST", "/rest/user", { json: { ...sent, [field]: name } }),
            ),
          )),
          await call("PATCH", "/rest/user", { bearer: access, json: { first_name: name } }),
          await call("POST", "/rest/token", rename),
          await call("PATCH", `/rest/token/${uuid}`, rename),
        ]) {
          expect(answer.status).toBe(400);
          expect(answer.text).not.toContain(hidden);
        }
      }
    },
  );

  it.each(HIDDEN.filter((each) => each.trim() !== "").map((each) => [named(each), each]))(
    "%s is in no email",
    async (_, hidden) => {
      for (const email of [`a${hidden}b@x.test`, `ab@x.test${hidden}`, `ab@x${hidden}.test`]) {
        const json = { email, password: user.password };
        expect((await call("POST", "/rest/user", { json })).status).toBe(400);
      }
    },
  );

  it.each([...',;:<>()[]"\\'])("nor is %s in an email", async (special) => {
    for (const email of [`a${special}b@x.test`, `ab@x.test${special}b`, `${special}ab@x.test`]) {
      const json = { email, password: user.password };
      expect((await call("POST", "/rest/user", { json })).status).toBe(400);
    }
  });
});

describe("text that is typed", () => {
  it("is trimmed, and what is then empty is missing", async () => {
    const bearer = user.access;
    const { uuid } = await newApiToken(bearer);
    for (const name of ["   ", "\u3000", "\u00a0 ", "\u2800"]) {
      const send = { bearer, json: { name } };
      const refused = { status: 400, json: { message: "name is required" } };
      expect(await call("POST", "/rest/token", send)).toMatchObject(refused);
      expect(await call("PATCH", `/rest/token/${uuid}`, send)).toMatchObject(refused);
    }
    const json = { first_name: "  Ann ", last_name: "\u3000Archer\u00a0" };
    const answer = await call("PATCH", "/rest/user", { bearer, json });
    expect(at(answer, "payload")).toMatchObject({ first_name: "Ann", last_name: "Archer" });
  });

  it.each([
    "+1 (555) 123-4567",
    "+1.555.123.4567",
    " +1-555-123-4567 ",
    "+1/555/1234567",
    "+1\u00a0555\u2009123\u20114567",
  ])("is a phone number as people write it: %s", async (phone_number) => {
    const answer = await call("PATCH", "/rest/user", {
      bearer: user.access,
      json: { phone_number },
    });
    expect(at(answer, "payload", "phone_number")).toBe("+15551234567");
  });
});

describe("an action token with what is glued on to it", () => {
  it.each([
    (token: string) => `https://auth.example.com/a/${token}`,
    (token: string) => `https://auth.example.com/a/${token}/`,
    (token: string) => `https://auth.example.com/a/${token}?utm_source=mail`,
    (token: string) => `<${token}>`,
    (token: string) => `"${token}".`,
    (token: string) => `Bearer ${token}`,
    (token: string) => `${token})`,
    (token: string) => ` ${token}… `,
  ])("is cut out: %s", async (glue) => {
    const token = await actionToken();
    expect((await run(glue(token), { bearer: contact.access })).status).toBe(200);
    expect(
      itemsAt(
        await call("GET", "/api/user/get-contacts", { bearer: contact.access }),
        "data",
        "contacts",
      ),
    ).toHaveLength(1);
  });

  it("but one with a letter more is another text", async () => {
    const token = await actionToken();
    for (const other of [`${token}x`, `x${token}`, token.slice(0, -1)]) {
      expect(at(await run(other, { bearer: contact.access }), "reason")).toBe("unknown");
    }
  });
});
