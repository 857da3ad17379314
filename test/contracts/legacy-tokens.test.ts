import { expect, it } from "vitest";
import { createSecrets } from "../../src/crypto/secrets.ts";
import { isolate } from "../support/service.ts";
import { DB } from "../support/database.ts";

const SANCTUM = `12|${"aB3".repeat(16)}`;
const KNOX = "9e1f0c5f".repeat(8);
const at = (LEGACY_TOKENS: string, more = {}) => isolate({ LEGACY_TOKENS, ...more });

/** A user's API token, with the id that an import gives it. */
async function imported(system: "sanctum" | "knox", secret: string) {
  const site = at("sanctum,knox");
  const user = await site.newCaller();
  const { uuid } = await site.newApiToken(user.access);
  const id = await createSecrets(["lk"], [system]).idOf("api", secret);
  await DB.prepare("UPDATE tokens SET id = ? WHERE id = ?").bind(id, uuid).run();
  return { ...user, id };
}

it("Sanctum's tokens open where the setting says so, and are revoked like any", async () => {
  const user = await imported("sanctum", SANCTUM);
  const site = at("sanctum");
  const answer = await site.send("GET", "/rest/user", { bearer: SANCTUM });
  expect(answer).toMatchObject({
    status: 200,
    json: { payload: { uuid: user.id && expect.any(String) } },
  });
  expect(
    (await site.send("GET", "/rest/user", { bearer: SANCTUM.replace("12|", "13|") })).status,
  ).toBe(200);
  for (const other of [
    `${SANCTUM}x`,
    SANCTUM.replace("12|", ""),
    SANCTUM.toLowerCase(),
    ` ${SANCTUM.slice(1)}x`,
  ]) {
    expect((await site.send("GET", "/rest/user", { bearer: other })).status).toBe(401);
  }
  for (const setting of ["", "knox"]) {
    expect((await at(setting).send("GET", "/rest/user", { bearer: SANCTUM })).status).toBe(401);
  }
  const revoked = await site.send("DELETE", `/rest/token/${user.id}`, { bearer: user.access });
  expect(revoked.status).toBe(200);
  expect((await site.send("GET", "/rest/user", { bearer: SANCTUM })).status).toBe(401);
});

it("knox's tokens open after their own word", async () => {
  await imported("knox", KNOX);
  const headers = { authorization: `Token ${KNOX}` };
  const site = at("knox", { AUTH_HEADER_TYPES: "Bearer,Token" });
  expect((await site.send("GET", "/rest/user", { headers })).status).toBe(200);
  expect((await at("knox").send("GET", "/rest/user", { headers })).status).toBe(401);
  const other = { authorization: `Token ${KNOX.replace("9", "8")}` };
  expect((await site.send("GET", "/rest/user", { headers: other })).status).toBe(401);
});
