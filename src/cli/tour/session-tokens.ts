import { restUnauthorized, userShape } from "./accounts.ts";
import { keep, secondsAhead, secret } from "./checks.ts";
import type { Check, Shape, Step } from "./step.ts";

const HOUR = 3600;

const error = (text: string) => ({ status: 400, body: { error: text } });
export const MISSING = "missing or invalid required fields";

const session = (email: string, token: Shape, expires: Shape) => ({
  token,
  email_id: email,
  expires,
});

const notBefore =
  (earlierMs: number): Check =>
  (value, path) =>
    Number(value) >= earlierMs ? [] : [`${path} is earlier than it was`];

export const sessionTokenSteps: readonly Step[] = [
  {
    title: "a wrong password",
    ask: ({ ben }) => ({
      method: "POST",
      path: "/tokens",
      json: { email_id: ben.email, password: ben.newPassword },
    }),
    answer: () => error("password does not match"),
  },
  {
    title: "no password at all",
    ask: ({ ben }) => ({ method: "POST", path: "/tokens", json: { email_id: ben.email } }),
    answer: () => error(MISSING),
  },
  {
    title: "Ben gets a session token for an hour",
    ask: ({ ben }) => ({
      method: "POST",
      path: "/tokens",
      json: { email_id: ben.email, password: ben.password },
    }),
    answer: ({ ben }) => ({
      status: 200,
      body: {
        success: "token created successfully",
        data: session(
          ben.email,
          keep("session", secret("lk_ses_")),
          keep("expires", secondsAhead(HOUR)),
        ),
      },
    }),
  },
  {
    title: "it is read, as the contract has it, by the query",
    ask: ({ kept }) => ({ method: "GET", path: `/tokens?token=${kept.text("session")}` }),
    answer: ({ ben, kept }) => ({
      status: 200,
      body: session(ben.email, kept.text("session"), kept.number("expires")),
    }),
  },
  {
    title: "or by the header x-token, which keeps it out of URLs",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/tokens",
      headers: { "x-token": kept.text("session") },
    }),
    answer: ({ ben, kept }) => ({
      status: 200,
      body: session(ben.email, kept.text("session"), kept.number("expires")),
    }),
  },
  {
    title: "it is extended to an hour from now",
    ask: ({ kept }) => ({
      method: "PUT",
      path: "/tokens",
      json: { token: kept.text("session"), extend: true },
    }),
    answer: ({ ben, kept }) => ({
      status: 200,
      body: {
        success: "data updated successfully",
        __latest_data: session(ben.email, kept.text("session"), notBefore(kept.number("expires"))),
      },
    }),
  },
  {
    title: "extend must be true",
    ask: ({ kept }) => ({
      method: "PUT",
      path: "/tokens",
      json: { token: kept.text("session"), extend: false },
    }),
    answer: () => error(`${MISSING}. extend must be set to true`),
  },
  {
    title: "on the other surfaces a session token says who calls",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: { "x-token": kept.text("session") },
    }),
    answer: ({ ben }) => ({ status: 200, body: { success: true, payload: userShape(ben) } }),
  },
  {
    title: "it is deleted",
    ask: ({ kept }) => ({ method: "DELETE", path: `/tokens?token=${kept.text("session")}` }),
    answer: () => ({ status: 200, body: { success: "successfully deleted token" } }),
  },
  {
    title: "and can be read no more",
    ask: ({ kept }) => ({ method: "GET", path: `/tokens?token=${kept.text("session")}` }),
    answer: () => error(MISSING),
  },
  {
    title: "nor deleted again",
    ask: ({ kept }) => ({ method: "DELETE", path: `/tokens?token=${kept.text("session")}` }),
    answer: () => error(MISSING),
  },
  {
    title: "nor used elsewhere",
    ask: ({ kept }) => ({
      method: "GET",
      path: "/rest/user",
      headers: { "x-token": kept.text("session") },
    }),
    answer: () => restUnauthorized("Invalid token"),
  },
];
