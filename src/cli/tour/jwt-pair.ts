import { annTold, restUnauthorized, userShape } from "./accounts.ts";
import { either, jwt, keep } from "./checks.ts";
import { bearer, type Expectation, type Step, type Tour } from "./step.ts";

const MINUTE = 60;
const DAY = 86_400;

const unauthorized = (body: { detail: string; code?: string }): Expectation => ({
  status: 401,
  body,
  headers: { "www-authenticate": 'Bearer realm="api"' },
});

export const notValid = (detail = "Token is invalid or expired") =>
  unauthorized({ detail, code: "token_not_valid" });
export const noAccount = unauthorized({
  detail: "No active account found with the given credentials",
});

const access = ({ kept }: Tour) =>
  jwt({ type: "access", userId: kept.text("ann"), seconds: 5 * MINUTE });
const refresh = ({ kept }: Tour) =>
  jwt({ type: "refresh", userId: kept.text("ann"), seconds: DAY });

const pair = (tour: Tour): Expectation => ({
  status: 200,
  body: { refresh: refresh(tour), access: access(tour) },
});

export const jwtPairSteps: readonly Step[] = [
  {
    title: "a wrong password",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/api/token/",
      json: { email: ann.email, password: ann.newPassword },
    }),
    answer: () => noAccount,
  },
  {
    title: "no fields",
    ask: () => ({ method: "POST", path: "/api/token/", json: {} }),
    answer: () => ({
      status: 400,
      body: { email: ["This field is required."], password: ["This field is required."] },
    }),
  },
  {
    title: "Ann logs in",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/api/token/",
      json: { email: ann.email, password: ann.password },
    }),
    answer: (tour) => ({
      status: 200,
      body: { refresh: keep("refresh", refresh(tour)), access: keep("access", access(tour)) },
    }),
  },
  {
    title: "with a form in place of JSON",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/api/token/",
      form: { email: ann.email, password: ann.password },
    }),
    answer: pair,
  },
  {
    title: "with username in place of email, and without the last slash",
    ask: ({ ann }) => ({
      method: "POST",
      path: "/api/token",
      json: { username: ann.email, password: ann.password },
    }),
    answer: pair,
  },
  {
    title: "the access JWT verifies",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/verify/",
      json: { token: kept.text("access") },
    }),
    answer: () => ({ status: 200, body: [] }),
  },
  {
    title: "something else does not",
    ask: () => ({ method: "POST", path: "/api/token/verify/", json: { token: "a.b.c" } }),
    answer: () => notValid(),
  },
  {
    title: "the refresh JWT gives a new access JWT",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/refresh/",
      json: { refresh: kept.text("refresh") },
    }),
    // Where refresh tokens rotate, a new one comes along and takes the old one's place.
    answer: (tour) => ({
      status: 200,
      body: either(
        { access: keep("access 2", access(tour)) },
        { access: keep("access 2", access(tour)), refresh: keep("refresh", refresh(tour)) },
      ),
    }),
  },
  {
    title: "which verifies",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/verify/",
      json: { token: kept.text("access 2") },
    }),
    answer: () => ({ status: 200, body: [] }),
  },
  {
    title: "an access JWT does not refresh",
    ask: ({ kept }) => ({
      method: "POST",
      path: "/api/token/refresh/",
      json: { refresh: kept.text("access") },
    }),
    answer: () => notValid("Token has wrong type"),
  },
  {
    title: "on the other surfaces an access JWT says who calls",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: bearer(kept.text("access 2")),
    }),
    answer: ({ ann }) => ({
      status: 200,
      body: { success: true, payload: userShape(ann, annTold) },
    }),
  },
  {
    title: "and a refresh JWT does not",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: bearer(kept.text("refresh")),
    }),
    answer: () => restUnauthorized("Invalid token"),
  },
  {
    title: "GET is not allowed",
    ask: () => ({ method: "GET", path: "/api/token/" }),
    answer: () => ({
      status: 405,
      body: { detail: 'Method "GET" not allowed.' },
      headers: { allow: /\bPOST\b/ },
    }),
  },
];
