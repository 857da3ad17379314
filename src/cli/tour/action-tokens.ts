import { restUnauthorized } from "./accounts.ts";
import { apart, both, date, keep, secret, someText, uuid } from "./checks.ts";
import { bearer, type Expectation, type Shape, type Step, type Tour } from "./step.ts";

const GENERATE = "/api/generate-action-token";
const RUN = "/api/run-action-token";
const HOUR = 3600;

const unauthenticated: Expectation = {
  status: 401,
  body: { message: "Unauthenticated." },
  headers: { "www-authenticate": /\bBearer realm=/ },
};

export const invalid = (errors: Readonly<Record<string, Shape>>): Expectation => ({
  status: 422,
  body: { message: "The given data was invalid.", errors },
});

export const refusedRun = (reason: string): Expectation => ({
  status: 422,
  body: { status: "action_token_invalid", message: someText, reason },
});

/** Ann shows the code, so the token is hers, and she is the contact that it gives. */
export const generate = ({ kept }: Tour, more: Readonly<Record<string, string | number>> = {}) => ({
  method: "POST",
  path: GENERATE,
  headers: bearer(kept.text("access")),
  json: { action: "addContact", payload: { contact_id: kept.text("ann") }, ...more },
});

const run = ({ kept }: Tour, token: string, by: string, headers: Record<string, string> = {}) => ({
  method: "POST",
  path: RUN,
  headers: { ...bearer(kept.text(by)), ...headers },
  json: { token: kept.text(token) },
});

const contacts = ({ kept }: Tour, by: string) => ({
  method: "GET",
  path: "/api/user/get-contacts",
  headers: bearer(kept.text(by)),
});

interface Issued {
  readonly audience?: string;
  readonly maxUses?: number;
  readonly seconds?: number;
}

export const issued = (
  { kept }: Tour,
  keptAs: string,
  { audience, maxUses = 1, seconds = HOUR }: Issued = {},
): Expectation => ({
  status: 200,
  body: {
    token: both(
      {
        ...listed(kept.text("ann"), keep(`${keptAs} id`, uuid), audience ?? null, maxUses),
        token: keep(keptAs, secret("lk_act_")),
      },
      apart("created_at", "expires_at", seconds),
    ),
  },
});

const listed = (ann: string, id: Shape, audience: string | null, maxUses: number) => ({
  id,
  user_id: ann,
  action: "addContact",
  payload: { contact_id: ann },
  audience,
  max_uses: maxUses,
  uses: 0,
  expires_at: date,
  created_at: date,
  updated_at: date,
});

const ran = ({ kept }: Tour, receiptId: Shape): Expectation => ({
  status: 200,
  body: {
    status: "action_success",
    action: "addContact",
    data: { contact_id: kept.text("ann"), mutual: true },
    receipt: {
      id: receiptId,
      token_id: kept.text("action id"),
      action: "addContact",
      run_by: kept.text("ben"),
      run_at: date,
    },
  },
});

const oneContact = (id: string, firstName: string, lastName: string | null): Expectation => ({
  status: 200,
  body: {
    data: {
      contacts: [{ contact: { id, first_name: firstName, last_name: lastName }, created_at: date }],
    },
    next_cursor: null,
  },
});

export const actionTokenSteps: readonly Step[] = [
  {
    title: "nobody generates without a login",
    ask: () => ({ method: "POST", path: GENERATE, json: { action: "addContact" } }),
    answer: () => unauthenticated,
  },
  {
    title: "an action that does not exist",
    ask: (tour) => generate(tour, { action: "corporis" }),
    answer: () => invalid({ action: ["The selected action is invalid."] }),
  },
  {
    title: "a contact that does not exist: a token that could never run is not issued",
    ask: (tour) => generate(tour, { payload: `{"contact_id":"${crypto.randomUUID()}"}` }),
    answer: () => invalid({ "payload.contact_id": [someText] }),
  },
  {
    title: "Ann generates a token that makes her a contact, for Ben alone",
    ask: (tour) => generate(tour, { audience: tour.kept.text("ben") }),
    answer: (tour) => issued(tour, "action", { audience: tour.kept.text("ben") }),
  },
  {
    title: "it logs nobody in",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: bearer(kept.text("action")),
    }),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "GET, as a link preview sends it, runs nothing",
    ask: ({ kept }) => ({ method: "GET", path: `${RUN}?token=${kept.text("action")}` }),
    answer: () => ({ status: 405, body: { message: someText }, headers: { allow: /\bPOST\b/ } }),
  },
  {
    title: "Ann is not the one who may run it",
    ask: (tour) => run(tour, "action", "access"),
    answer: () => refusedRun("audience"),
  },
  {
    title: "Ben logs in",
    ask: ({ ben }) => ({
      method: "POST",
      path: "/api/token/",
      json: { email: ben.email, password: ben.password },
    }),
    answer: () => ({
      status: 200,
      body: { refresh: someText, access: keep("ben access", someText) },
    }),
  },
  {
    title: "and runs it",
    ask: (tour) => run(tour, "action", "ben access", { "Idempotency-Key": '"tour-1"' }),
    answer: (tour) => ran(tour, keep("receipt", uuid)),
  },
  {
    title: "the same again, as after a lost answer, gives the same receipt",
    ask: (tour) => run(tour, "action", "ben access", { "Idempotency-Key": '"tour-1"' }),
    answer: (tour) => ran(tour, tour.kept.text("receipt")),
  },
  {
    title: "a second run is refused",
    ask: (tour) => run(tour, "action", "ben access"),
    answer: () => refusedRun("used"),
  },
  {
    title: "Ann is Ben's contact",
    ask: (tour) => contacts(tour, "ben access"),
    answer: ({ kept }) => oneContact(kept.text("ann"), "Ann", "Archer"),
  },
  {
    title: "and Ben is Ann's",
    ask: (tour) => contacts(tour, "access"),
    answer: ({ kept }) => oneContact(kept.text("ben"), "Ben", null),
  },
  {
    title: "Ann generates another: for anybody, for two runs, for a minute",
    ask: (tour) => generate(tour, { max_uses: 2, ttl: 60 }),
    answer: (tour) => issued(tour, "action 2", { maxUses: 2, seconds: 60 }),
  },
  {
    title: "her list holds what can still run, and no secret",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/api/action-tokens",
      headers: bearer(kept.text("access")),
    }),
    answer: ({ kept }) => ({
      status: 200,
      body: {
        data: [listed(kept.text("ann"), kept.text("action 2 id"), null, 2)],
        next_cursor: null,
      },
    }),
  },
  {
    title: "she ends it",
    ask: ({ kept }) => ({
      method: "DELETE",
      path: `/api/action-tokens/${kept.text("action 2 id")}`,
      headers: bearer(kept.text("access")),
    }),
    answer: () => ({ status: 204 }),
  },
  {
    title: "and it runs no more",
    ask: (tour) => run(tour, "action 2", "ben access"),
    answer: () => refusedRun("revoked"),
  },
  {
    title: "a token that nobody issued",
    ask: () => ({ method: "POST", path: RUN, json: { token: "sit" } }),
    answer: () => refusedRun("unknown"),
  },
];
