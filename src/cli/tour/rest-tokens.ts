import { annTold, restError, restUnauthorized, userShape } from "./accounts.ts";
import { apart, both, date, jwt, keep, orNull, secret, someText, uuid } from "./checks.ts";
import { notValid } from "./jwt-pair.ts";
import { basic, bearer, type Expectation, type Shape, type Step, type Tour } from "./step.ts";

const DAY = 86_400;
const DEFAULT_TTL = 30 * DAY;

const xAuth = (token: string) => ({ "X-Auth-Token": token });

const ok = (payload: Shape): Expectation => ({ status: 200, body: { success: true, payload } });

/** `GET /rest/auth`: the account, and a JWT for a day. */
function account({ ann, kept }: Tour, keptAs = "auth of a later step"): Expectation {
  const token = jwt({
    type: "access",
    userId: kept.text("ann"),
    seconds: DAY,
    claims: { uuid: kept.text("ann"), role: "User" },
  });
  const told = { ...annTold, uuid: kept.text("ann"), token: keep(keptAs, token) };
  return { ...ok(userShape(ann, told)), headers: { "x-auth-user": kept.text("ann") } };
}

/** All that there are: a token that asks for none gets what its maker has. */
export const scopes = [
  "tokens:read",
  "tokens:write",
  "account:read",
  "account:write",
  "actions:issue",
  "actions:run",
  "introspect",
];

const times = { created_on: date, modified_on: date, expired_on: date };

const created = (number: 1 | 2 | 3, name: string, ttl: number) =>
  ok(
    both(
      {
        ...times,
        name,
        ttl,
        scopes,
        token: keep(`api ${number}`, secret("lk_api_")),
        uuid: keep(`api ${number} uuid`, uuid),
      },
      apart("created_on", "expired_on", ttl),
    ),
  );

/** A token as lists show it: never its secret, but how it begins and ends. */
const listed = ({ kept }: Tour, number: 1 | 2, name: string) => ({
  ...times,
  uuid: kept.text(`api ${number} uuid`),
  name,
  last_used_on: orNull(date),
  token_hint: `lk_api_…${kept.text(`api ${number}`).slice(-4)}`,
  scopes,
});

const list = ({ kept }: Tour, query = "") => ({
  method: "GET",
  path: `/rest/token/list${query}`,
  headers: xAuth(kept.text("auth")),
});

const remove = ({ kept }: Tour, which: string) => ({
  method: "DELETE",
  path: `/rest/token/${which}`,
  headers: xAuth(kept.text("auth")),
});

const create = ({ kept }: Tour, json: { name: string; ttl?: number }) => ({
  method: "POST",
  path: "/rest/token",
  headers: xAuth(kept.text("auth")),
  json,
});

const auth = (headers: Readonly<Record<string, string>>) => ({
  method: "GET",
  path: "/rest/auth",
  headers,
});

export const restTokenSteps: readonly Step[] = [
  {
    title: "Ann authenticates by Basic, and gets a JWT for a day",
    ask: ({ ann }) => auth(basic(ann, ann.password)),
    answer: (tour) => account(tour, "auth"),
  },
  {
    title: "by that JWT",
    ask: ({ kept }) => auth(xAuth(kept.text("auth"))),
    answer: account,
  },
  {
    title: "which verifies on the surface of the JWT pairs",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/verify/",
      json: { token: kept.text("auth") },
    }),
    answer: () => ({ status: 200, body: [] }),
  },
  {
    title: "she makes an API token for two days",
    ask: (tour) => create(tour, { name: "laptop", ttl: 2 * DAY }),
    answer: () => created(1, "laptop", 2 * DAY),
  },
  {
    title: "and authenticates by it, as Bearer",
    ask: ({ kept }) => auth(bearer(kept.text("api 1"))),
    answer: account,
  },
  {
    title: "or in X-Auth-Token",
    ask: ({ kept }) => auth(xAuth(kept.text("api 1"))),
    answer: account,
  },
  {
    title: "two credentials in one request are one too many",
    ask: ({ ann, kept }) => auth({ ...basic(ann, ann.password), ...xAuth(kept.text("auth")) }),
    answer: () => restError(400, someText),
  },
  {
    title: "a second API token lives 30 days, where nothing else is said",
    ask: (tour) => create(tour, { name: "phone" }),
    answer: () => created(2, "phone", DEFAULT_TTL),
  },
  {
    title: "under a minute is refused",
    ask: (tour) => create(tour, { name: "mayfly", ttl: 59 }),
    answer: () => restError(400, someText),
  },
  {
    title: "the list is newest first, and shows no secret",
    ask: (tour) => list(tour),
    answer: (tour) => ({
      status: 200,
      body: {
        success: true,
        payload: [listed(tour, 2, "phone"), listed(tour, 1, "laptop")],
        next_cursor: null,
      },
    }),
  },
  {
    title: "a page of one",
    ask: (tour) => list(tour, "?limit=1"),
    answer: (tour) => ({
      status: 200,
      body: {
        success: true,
        payload: [listed(tour, 2, "phone")],
        next_cursor: keep("cursor", someText),
      },
    }),
  },
  {
    title: "and the page after it",
    ask: (tour) => list(tour, `?limit=1&cursor=${encodeURIComponent(tour.kept.text("cursor"))}`),
    answer: (tour) => ({
      status: 200,
      body: { success: true, payload: [listed(tour, 1, "laptop")], next_cursor: null },
    }),
  },
  {
    title: "a token is renamed",
    ask: ({ kept }) => ({
      method: "PATCH",
      path: `/rest/token/${kept.text("api 1 uuid")}`,
      headers: xAuth(kept.text("auth")),
      json: { name: "old laptop" },
    }),
    answer: (tour) => ok(listed(tour, 1, "old laptop")),
  },
  {
    title: "and given three days from now, at the contract's other path",
    ask: ({ kept }) => ({
      method: "PATCH",
      path: `/token/${kept.text("api 1 uuid")}`,
      headers: xAuth(kept.text("auth")),
      json: { ttl: 3 * DAY },
    }),
    answer: (tour) =>
      ok(both(listed(tour, 1, "old laptop"), apart("modified_on", "expired_on", 3 * DAY))),
  },
  {
    title: "a change of nothing is refused",
    ask: ({ kept }) => ({
      method: "PATCH",
      path: `/token/${kept.text("api 1 uuid")}`,
      headers: xAuth(kept.text("auth")),
      json: {},
    }),
    answer: () => restError(400, someText),
  },
  {
    title: "one token is deleted by its secret",
    ask: (tour) => remove(tour, tour.kept.text("api 1")),
    answer: ({ kept }) => ok({ ...times, token: kept.text("api 1"), name: "old laptop" }),
  },
  {
    title: "and is refused from then on",
    ask: ({ kept }) => auth(bearer(kept.text("api 1"))),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "the other is deleted by its uuid",
    ask: (tour) => remove(tour, tour.kept.text("api 2 uuid")),
    answer: ({ kept }) => ok({ ...times, token: kept.text("api 2 uuid"), name: "phone" }),
  },
  {
    title: "once",
    ask: (tour) => remove(tour, tour.kept.text("api 2 uuid")),
    answer: () => restError(404, "Token not found"),
  },
  {
    title: "a third token",
    ask: (tour) => create(tour, { name: "tablet" }),
    answer: () => created(3, "tablet", DEFAULT_TTL),
  },
  {
    title: "goes with all others",
    ask: (tour) => remove(tour, "all"),
    answer: () => ok({}),
  },
  {
    title: "and is refused",
    ask: ({ kept }) => auth(xAuth(kept.text("api 3"))),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "the list is empty",
    ask: (tour) => list(tour),
    answer: () => ({ status: 200, body: { success: true, payload: [], next_cursor: null } }),
  },
  {
    title: "a JWT of one's own is deleted too",
    ask: (tour) => remove(tour, tour.kept.text("access 2")),
    answer: ({ kept }) => ok({ ...times, token: kept.text("access 2"), name: null }),
  },
  {
    title: "and verifies no more",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/verify/",
      json: { token: kept.text("access 2") },
    }),
    answer: () => notValid(),
  },
];
