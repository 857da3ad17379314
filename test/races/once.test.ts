import { expect, it, vi } from "vitest";
import { claimsOf, at, type Call, textAt, peopleOf } from "../support/client.ts";
import { share, some } from "../support/thorough.ts";
import { statuses, times, track, won } from "./racers.ts";
import { DB } from "../support/database.ts";

vi.setConfig({ testTimeout: 60_000 });

const many = track(100, 1);
const rotating = track(50, 2, { ROTATE_REFRESH_TOKENS: "on" });

const rounds = (count: number) => Array.from({ length: share(count) }, (_, round) => round);

const run =
  (token: string, headers: Readonly<Record<string, string>> = {}, bearer?: string) =>
  (call: Call) =>
    call("POST", "/api/run-action-token", {
      json: { token },
      headers,
      ...(bearer !== undefined && { bearer }),
    });

/** What a token's runs left behind. */
async function traceOf(id: string): Promise<unknown> {
  return DB.prepare(
    `SELECT uses, (SELECT count(*) FROM receipts WHERE token_id = tokens.id) AS receipts
      FROM tokens WHERE id = ?`,
  )
    .bind(id)
    .first();
}

it.for(some([1, 1, 3, 1, 7, 1, 1, 99], 2))(
  "100 runs of one action token with %i uses",
  async (maxUses) => {
    const [issuer, friend] = [await many.newUser(), await many.newUser()];
    const { access } = await many.newPair(issuer);
    const runner = await many.newPair(friend);
    const token = await many.newActionToken(access, issuer.id, { max_uses: maxUses });
    const answers = await many.race(times(100, run(token.secret, {}, runner.access)));
    expect(won(answers)).toHaveLength(maxUses);
    for (const loser of answers.filter(({ status }) => status !== 200)) {
      expect(loser).toMatchObject({ status: 422, json: { reason: "used" } });
    }
    expect(new Set(won(answers).map((each) => at(each, "receipt", "id"))).size).toBe(maxUses);
    expect(await traceOf(token.id)).toEqual({ uses: maxUses, receipts: maxUses });
  },
);

it.for(rounds(4))("100 runs under one Idempotency-Key are one run, %i", async () => {
  const issuer = await many.newUser();
  const { access } = await many.newPair(issuer);
  const runner = await many.newCaller();
  const token = await many.newActionToken(access, issuer.id, { max_uses: 5 });
  const key = { "idempotency-key": crypto.randomUUID() };
  const answers = await many.race(times(100, run(token.secret, key, runner.access)));
  expect(won(answers)).toHaveLength(100);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await traceOf(token.id)).toEqual({ uses: 1, receipts: 1 });
});

it.for(rounds(20))("50 refreshes of one token get one successor, %i", async () => {
  const { call } = rotating;
  const { refresh } = await peopleOf(call).newCaller();
  const send = (place: Call, token: string) =>
    place("POST", "/api/token/refresh/", { json: { refresh: token } });
  const answers = await rotating.race(times(50, (place) => send(place, refresh)));
  expect(statuses(answers)).toEqual(new Array(50).fill(200));
  const successors = answers.map((answer) => claimsOf(textAt(answer, "refresh")));
  for (const successor of successors) expect(successor).toEqual(successors[0]);
  expect(successors[0]).toMatchObject({ rotation: 1 });
  // The family continues from it, whichever of them comes.
  const [first] = answers;
  if (first === undefined) throw new Error("no answer");
  expect((await send(call, textAt(first, "refresh"))).status).toBe(200);
});
