import { type Answered, type Call, textAt } from "../support/client.ts";

export const AUDIENCE = "https://api.acme.example";
export const OTHER = "https://other.acme.example";
export const SCOPES = { "orders:read": "See your orders", "orders:write": "Change your orders" };
export const OPTIONS = { audiences: [AUDIENCE, OTHER], scopes: SCOPES };

const TOKEN_TYPE = "urn:ietf:params:oauth:token-type:";
export const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
export const ACCESS_TOKEN = `${TOKEN_TYPE}access_token`;
export const JWT = `${TOKEN_TYPE}jwt`;

/** Token exchange as RFC 8693 section 2.1 has it; `more` adds and replaces parameters. */
export const exchange = (
  call: Call,
  subject_token: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> => {
  const form = { grant_type: GRANT, subject_token, subject_token_type: ACCESS_TOKEN, ...more };
  return call("POST", "/oauth/token", { form });
};

export const exchanged = async (...sent: Parameters<typeof exchange>): Promise<string> =>
  textAt(await exchange(...sent), "access_token");
