import { beforeAll, expect, it } from "vitest";
import { textAt } from "../support/client.ts";
import { isolate } from "../support/service.ts";
import { type Fields, newPageClient, type PageClient } from "./page-client.ts";
import { newFixtures, GET_PAGES, pathIn, tokenIdsOn } from "./forms.ts";
import { DB } from "../support/database.ts";

const { call } = isolate();

/** Reverses the text after it, and is written right to left itself. */
const RTL_TEXT = "\u202eexe.אבג\u202e";
const HAS_RTL_TEXT = /[\u202e\u0590-\u05ff]/;

let ada: PageClient;
let bob: PageClient;
let fixtures: Awaited<ReturnType<typeof newFixtures>>;
/** Ada's token that Bob has used, and a link to another one. */
let ownId = "";
let link = "";

const idOf = async ({ email }: PageClient) =>
  String(await DB.prepare("SELECT id FROM users WHERE email = ?").bind(email).first("id"));

async function actionToken(by: PageClient, contact_id: string) {
  const json = { action: "addContact", payload: { contact_id }, ttl: 3600, max_uses: 9 };
  const answer = await call("POST", "/api/generate-action-token", { xToken: by.secret, json });
  return { id: textAt(answer, "token", "id"), secret: textAt(answer, "token", "token") };
}

beforeAll(async () => {
  [ada, bob] = [await newPageClient(call), await newPageClient(call)];
  fixtures = await newFixtures(ada, call);
  const [adaId, bobId] = [await idOf(ada), await idOf(bob)];
  const own = await actionToken(ada, adaId);
  ownId = own.id;
  await call("POST", "/api/run-action-token", { xToken: bob.secret, json: { token: own.secret } });
  link = `/a/${(await actionToken(ada, adaId)).secret}`;
  // Straight into the database: text stored before it was validated is rendered too.
  for (const [id, email] of [
    [adaId, `ada${RTL_TEXT}@example.com`],
    [bobId, `bob${RTL_TEXT}@example.com`],
  ]) {
    await DB.prepare(
      "UPDATE users SET first_name = ?, last_name = ?, gender = ?, phone_number = ?, email = ? WHERE id = ?",
    )
      .bind(RTL_TEXT, RTL_TEXT, RTL_TEXT, RTL_TEXT, email ?? "", id ?? "")
      .run();
  }
  await DB.prepare("UPDATE users SET pending_email = ? WHERE id = ?")
    .bind(`new${RTL_TEXT}@example.com`, adaId ?? "")
    .run();
  await DB.prepare("UPDATE identities SET email = ?").bind(`linked${RTL_TEXT}@example.com`).run();
  await DB.prepare("UPDATE tokens SET detail = json_set(detail, '$.name', ?) WHERE kind = 'api'")
    .bind(RTL_TEXT)
    .run();
});

const VOID = /^(?:meta|link|input|br|hr|img)$/;
const ISOLATES = /^<bdi\b|^<[^>]* dir="auto"/;

/** Finds planted text outside an isolating element, and counts what is isolated. */
function findText(html: string): { bare: string[]; isolated: number } {
  const open: { name: string; isolates: boolean }[] = [];
  const bare: string[] = [];
  let isolated = 0;
  for (const [part] of html.replace(/^<!doctype html>/, "").matchAll(/<[^>]*>|[^<]+/g)) {
    const [, end, name = ""] = /^<(\/?)([a-z0-9]+)/.exec(part) ?? [];
    if (end === "/") {
      expect(open.pop()?.name).toBe(name);
      continue;
    }
    const isolates = ISOLATES.test(part);
    // Hidden inputs are not displayed, nor are the options that the browser's own dialog gets.
    if (HAS_RTL_TEXT.test(part) && !/type="hidden"|data-options=/.test(part)) {
      if (isolates || open.some((each) => each.isolates)) isolated++;
      else bare.push(part);
    }
    if (name !== "" && !VOID.test(name) && !part.endsWith("/>")) open.push({ name, isolates });
  }
  return { bare, isolated };
}

/** An unsigned JWT with planted text everywhere, for the inspector. */
const jwt = [
  { alg: RTL_TEXT, kid: RTL_TEXT },
  { [RTL_TEXT]: RTL_TEXT, list: [RTL_TEXT], jti: RTL_TEXT },
]
  .map((part) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(part))))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", ""),
  )
  .concat("AAAA")
  .join(".");

it("user text is isolated on every page", async () => {
  const isolated = new Map<string, number>();
  const check = (name: string, html: string) => {
    const found = findText(html);
    expect(found.bare, name).toEqual([]);
    isolated.set(name, found.isolated);
  };
  for (const { path } of GET_PAGES.filter((each) => !each.path.endsWith("/export"))) {
    check(path, (await ada.open(pathIn(path, fixtures))).text);
  }
  check("own", (await ada.open(`/console/actions/${ownId}`)).text);
  check("uses", (await ada.open(`/console/actions/${ownId}/uses`)).text);
  check("link", (await call("GET", link)).text);
  const carol = await newPageClient(call);
  check("link, logged in", (await carol.open(link)).text);
  const [tokenId = ""] = tokenIdsOn(await ada.open("/console/tokens"));
  const send = async (name: string, by: PageClient, path: string, fields: Fields) => {
    const answer = await by.send(path, fields);
    check(name, answer.text);
    return answer;
  };
  await send("run", carol, link, { run_key: "key" });
  await send("rotated", ada, `/console/tokens/${tokenId}/rotate`, { grace: "0" });
  await send("inspected JWT", ada, "/console/inspector", { text: jwt });
  for (const [path, fields] of [
    ["/console/account/profile", { first_name: RTL_TEXT.repeat(9), phone_number: RTL_TEXT }],
    ["/console/account/email", { email: RTL_TEXT, current_password: "x" }],
    ["/console/tokens/new", { name: RTL_TEXT.repeat(9), lifetime: "3600" }],
    [`/console/tokens/${tokenId}/rename`, { name: RTL_TEXT.repeat(9) }],
    ["/console/actions/new/addContact", { token_uses: "0", contact_id: RTL_TEXT }],
  ] as const) {
    check(`refused ${path}`, (await ada.send(path, fields)).text);
  }
  const login = await call("POST", "/console/login", {
    headers: { "sec-fetch-site": "same-origin" },
    form: { email: RTL_TEXT, password: "x" },
  });
  check("refused /console/login", login.text);
  // The text was really there, so that this test checks something.
  for (const name of [
    "/console/account",
    "/console/tokens",
    "/console/tokens/:tokenId",
    "/console/contacts",
    "/console/contacts/:contact",
    "/console/actions/new/:action",
    "/console/actions/uses",
    "own",
    "uses",
    "link",
    "link, logged in",
    "run",
    "rotated",
    "inspected JWT",
    "refused /console/account/profile",
    "refused /console/login",
    "refused /console/tokens/new",
  ]) {
    expect(isolated.get(name), name).toBeGreaterThan(0);
  }
});

it("a user who takes the service's name is still marked as a user", async () => {
  const eve = await newPageClient(call);
  const id = await idOf(eve);
  await DB.prepare("UPDATE users SET first_name = 'Latchkey', last_name = 'Support' WHERE id = ?")
    .bind(id)
    .run();
  const { secret } = await actionToken(eve, id);
  const { text } = await call("GET", `/a/${secret}`);
  expect(text).toMatch(
    /<bdi>Latchkey Support<\/bdi><p class="hint">They chose this name themselves\. Their email isn&#39;t verified\.</,
  );
});
