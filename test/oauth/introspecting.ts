import { type Answered, type Call, call, newApiToken, newCaller } from "../support/client.ts";

/** Another user's API token that may ask about any token, for an hour. */
export async function newIntrospector(): Promise<string> {
  const { access } = await newCaller();
  return (await newApiToken(access, "resource server", 3_600, ["introspect"])).secret;
}

export function introspect(
  bearer: string,
  token: string,
  send: Call = call,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  return send("POST", "/oauth/introspect", { bearer, form: { token, ...more } });
}

export function revoke(token: string, send: Call = call): Promise<Answered> {
  return send("POST", "/oauth/revoke", { form: { token } });
}

/** All that can be seen of an answer: two that must not differ have the same. */
export function seen({ status, headers, text }: Answered) {
  return { status, headers: Object.fromEntries(headers), text };
}
