import { expect, it, vi } from "vitest";
import {
  type Answered,
  type Call,
  itemsAt,
  PASSWORD,
  textAt,
  peopleOf,
} from "../support/client.ts";
import { share } from "../support/thorough.ts";
import { type Racer, repeat, statuses, times, track, won } from "./racers.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000 });

const track12 = track(12, 3, { ROTATE_REFRESH_TOKENS: "on" });
const { call } = track12;

it("an action token is either run or revoked", async () => {
  const issuer = await peopleOf(call).newUser();
  const { access } = await peopleOf(call).newPair(issuer);
  const friend = await peopleOf(call).newCaller();
  let runs = 0;
  await repeat(100, async () => {
    const token = await peopleOf(call).newActionToken(access, issuer.id);
    const answers = await track12.race([
      (place) => place("DELETE", `/api/action-tokens/${token.id}`, { bearer: access }),
      (place) => place("DELETE", `/api/action-tokens/${token.id}`, { bearer: access }),
      ...times(2, (place) =>
        place("POST", "/api/run-action-token", {
          bearer: friend.access,
          json: { token: token.secret },
        }),
      ),
    ]);
    expect(won(answers)).toHaveLength(1);
    const [winner] = won(answers);
    if (winner?.status === 200) runs += 1;
    const receipts = await DB.prepare("SELECT count(*) AS n FROM receipts WHERE token_id = ?")
      .bind(token.id)
      .first("n");
    expect(receipts).toBe(winner?.status === 200 ? 1 : 0);
  });
  // Both have won: the order was left to chance.
  expect(runs).toBeGreaterThan(share(10));
  expect(runs).toBeLessThan(share(90));
});

it("of many who end a session one does, and nobody extends it afterwards", async () => {
  const user = await peopleOf(call).newUser();
  await repeat(100, async () => {
    const session = await peopleOf(call).newSession(user);
    const answers = await track12.race([
      ...times(4, (place) => place("DELETE", "/tokens", { xToken: session })),
      ...times(2, (place) => place("PUT", "/tokens", { json: { token: session, extend: true } })),
      ...times(2, (place) =>
        place("POST", "/rest/token", { xToken: session, json: { name: "x" } }),
      ),
    ]);
    expect(won(answers.slice(0, 4))).toHaveLength(1);
    for (const { status } of answers) expect([200, 400, 401]).toContain(status);
    expect((await call("GET", "/tokens", { xToken: session })).status).toBe(400);
    const json = { token: session, extend: true };
    expect((await call("PUT", "/tokens", { json })).status).toBe(400);
  });
});

it("an API token that is ended while it is used leaves no child behind", async () => {
  const user = await peopleOf(call).newUser();
  const { access } = await peopleOf(call).newPair(user);
  await repeat(80, async () => {
    const { secret, uuid } = await peopleOf(call).newApiToken(access);
    const create: Racer = (place) =>
      place("POST", "/rest/token", { bearer: secret, json: { name: "child" } });
    const answers = await track12.race([
      ...times(3, (place) => place("DELETE", `/rest/token/${uuid}`, { bearer: access })),
      ...times(3, create),
      (place) => place("GET", "/rest/auth", { bearer: secret }),
    ]);
    expect(won(answers.slice(0, 3))).toHaveLength(1);
    // Those that were made first are derived from it, and ended with it.
    const list = itemsAt(await call("GET", "/rest/token/list", { bearer: access }), "payload");
    expect(list).toEqual([]);
    for (const child of won(answers.slice(3, 6)).map((each) => textAt(each, "payload", "token"))) {
      expect((await call("GET", "/rest/user", { bearer: child })).status).toBe(401);
    }
    expect((await call("GET", "/rest/user", { bearer: secret })).status).toBe(401);
    for (const jwt of won(answers.slice(6)).map((each) => textAt(each, "payload", "token"))) {
      expect((await call("GET", "/rest/user", { bearer: jwt })).status).toBe(401);
    }
    await call("DELETE", "/rest/token/all", { bearer: access });
  });
});

/** Whether a credential of whatever kind still opens what its kind is for. */
async function opens(credential: string): Promise<boolean> {
  const tries = credential.startsWith("lk_ses_")
    ? [call("GET", "/tokens", { xToken: credential })]
    : credential.startsWith("lk_act_")
      ? [call("POST", "/api/run-action-token", { json: { token: credential } })]
      : credential.startsWith("lk_api_")
        ? [call("GET", "/rest/user", { bearer: credential })]
        : [
            call("POST", "/api/token/verify/", { json: { token: credential } }),
            call("POST", "/api/token/refresh/", { json: { refresh: credential } }),
          ];
  return won(await Promise.all(tries)).length > 0;
}

/** Every secret and JWT in the answer. */
function credentialsIn({ text }: Answered): string[] {
  return text.match(/lk_[a-z]+_[0-9A-Za-z]{49}|eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [];
}

it("an account is deleted against everything, and nothing of it lives on", async () => {
  const friend = await peopleOf(call).newUser();
  await repeat(70, async () => {
    const user = await peopleOf(call).newUser();
    const { access, refresh } = await peopleOf(call).newPair(user);
    const session = await peopleOf(call).newSession(user);
    const api = await peopleOf(call).newApiToken(access);
    const action = await peopleOf(call).newActionToken(access, friend.id, { max_uses: 9 });
    const json = { password: PASSWORD };
    const answers = await track12.race([
      (place) => place("DELETE", "/rest/user", { bearer: access, json }),
      (place) => place("DELETE", "/rest/user", { xToken: session, json }),
      (place) => place("POST", "/api/token/", { json: { email: user.email, ...json } }),
      (place) => place("POST", "/api/token/refresh/", { json: { refresh } }),
      (place) => place("POST", "/tokens", { json: { email_id: user.email, ...json } }),
      (place) => place("PUT", "/tokens", { json: { token: session, extend: true } }),
      (place) => place("POST", "/rest/token", { bearer: access, json: { name: "late" } }),
      (place) => place("PATCH", `/rest/token/${api.uuid}`, { bearer: access, json: { ttl: 9999 } }),
      (place) => place("GET", "/rest/auth", { bearer: api.secret }),
      (place) => generate(place, session, friend.id),
      (place) => place("POST", "/api/run-action-token", { json: { token: action.secret } }),
      (place) =>
        place("PATCH", "/rest/user", {
          basic: user,
          json: { password: "another password", current_password: PASSWORD },
        }),
    ]);
    // Of the two who end the account and the one who gives it a new password, one succeeds.
    const enders = [...answers.slice(0, 2), ...answers.slice(-1)];
    expect(won(enders)).toHaveLength(1);
    if (answers.at(-1)?.status === 200) {
      const basic = { email: user.email, password: "another password" };
      const gone = await call("DELETE", "/rest/user", {
        basic,
        json: { password: basic.password },
      });
      expect(gone.status).toBe(200);
    }
    const held = [access, refresh, session, api.secret, action.secret];
    for (const credential of [...held, ...answers.flatMap(credentialsIn)]) {
      expect([credential, await opens(credential)]).toEqual([credential, false]);
    }
    for (const password of [PASSWORD, "another password"]) {
      const basic = { email: user.email, password };
      expect((await call("GET", "/rest/user", { basic })).status).toBe(401);
    }
  });
});

function generate(place: Call, session: string, contactId: string): Promise<Answered> {
  const json = { action: "addContact", payload: { contact_id: contactId } };
  return place("POST", "/api/generate-action-token", { xToken: session, json });
}

it("of many who sign up with one email one does", async () => {
  await repeat(200, async () => {
    const email = `${crypto.randomUUID()}@example.com`;
    const answers = await track12.race(
      times(5, (place) => place("POST", "/rest/user", { json: { email, password: PASSWORD } })),
    );
    expect(statuses(answers)).toEqual([201, 409, 409, 409, 409]);
  });
});
