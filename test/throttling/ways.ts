import type { Answered } from "../support/client.ts";
import type { From, Owner } from "./door.ts";

/** A way to try a password: one row a surface and method. */
export interface Way {
  readonly name: string;
  try(
    from: From,
    address: string,
    owner: Owner & { readonly session: string },
    password: string,
  ): Promise<Answered>;
  /** What a wrong password gets. */
  readonly wrong: number;
  /** What all of them get when too many were wrong, in the shape of the surface. */
  readonly throttled: (seconds: number) => unknown;
}

const inRest = () => ({
  success: false,
  message: "Too many attempts, try again later",
  status: 429,
});

export const WAYS: readonly Way[] = [
  {
    name: "POST /tokens",
    try: (from, address, { email }, password) =>
      from(address, "POST", "/tokens", { json: { email_id: email, password } }),
    wrong: 400,
    throttled: () => ({ error: "too many attempts, try again later" }),
  },
  {
    name: "POST /api/token/",
    try: (from, address, { email }, password) =>
      from(address, "POST", "/api/token/", { json: { email, password } }),
    wrong: 401,
    throttled: (seconds) => ({
      detail: `Request was throttled. Expected available in ${seconds} seconds.`,
    }),
  },
  {
    name: "Basic at GET /rest/user",
    try: (from, address, { email }, password) =>
      from(address, "GET", "/rest/user", { basic: { email, password } }),
    wrong: 401,
    throttled: inRest,
  },
  {
    name: "Basic at GET /api/user/get-contacts",
    try: (from, address, { email }, password) =>
      from(address, "GET", "/api/user/get-contacts", { basic: { email, password } }),
    wrong: 401,
    throttled: () => ({ message: "Too Many Attempts." }),
  },
  {
    name: "the current password at PATCH /rest/user",
    try: (from, address, { session }, password) =>
      from(address, "PATCH", "/rest/user", {
        xToken: session,
        json: { password: "another password", current_password: password },
      }),
    wrong: 401,
    throttled: inRest,
  },
  {
    name: "the password at DELETE /rest/user",
    try: (from, address, { session }, password) =>
      from(address, "DELETE", "/rest/user", { xToken: session, json: { password } }),
    wrong: 401,
    throttled: inRest,
  },
];
