import {
  call,
  newApiToken,
  newPair,
  newSession,
  type TestUser,
  textAt,
} from "../support/client.ts";

export type Kind = "password" | "session" | "access" | "refresh" | "auth" | "api" | "action";

/** One of each kind, all of one user. */
export interface Credentials {
  readonly user: TestUser;
  readonly secrets: Readonly<Record<Kind, string>>;
  readonly actionId: string;
  /** Hangs on nothing that the suite ends one by one. */
  readonly bearer: string;
}

async function authJwt({ email, password }: TestUser): Promise<string> {
  const answer = await call("GET", "/rest/auth", { basic: { email, password } });
  return textAt(answer, "payload", "token");
}

export async function credentialsOf(user: TestUser, contactId: string): Promise<Credentials> {
  const bearer = await authJwt(user);
  const { access, refresh } = await newPair(user);
  const json = { action: "addContact", payload: { contact_id: contactId }, max_uses: 1_000 };
  const action = await call("POST", "/api/generate-action-token", { bearer, json });
  return {
    user,
    bearer,
    actionId: textAt(action, "token", "id"),
    secrets: {
      password: user.password,
      session: await newSession(user),
      access,
      refresh,
      auth: await authJwt(user),
      api: (await newApiToken(bearer, "test", 60)).secret,
      action: textAt(action, "token", "token"),
    },
  };
}

/** Ends each by itself, in the way that its kind has; a password does not end alone. */
export async function endEach({ secrets, actionId, bearer }: Credentials): Promise<void> {
  const paths = [
    `/tokens?token=${secrets.session}`,
    `/rest/token/${secrets.access}`,
    `/rest/token/${secrets.refresh}`,
    `/rest/token/${secrets.auth}`,
    `/rest/token/${secrets.api}`,
    `/api/action-tokens/${actionId}`,
  ];
  for (const path of paths) {
    const { status, text } = await call(
      "DELETE",
      path,
      path.startsWith("/tokens") ? {} : { bearer },
    );
    if (status >= 300) throw new Error(`DELETE ${path} answered ${status}: ${text}`);
  }
}

export async function changePassword({ user, bearer }: Credentials): Promise<void> {
  const json = { password: "another horse entirely", current_password: user.password };
  const { status } = await call("PATCH", "/rest/user", { bearer, json });
  if (status !== 200) throw new Error(`the password stayed: ${status}`);
}

export async function deleteAccount({ user, bearer }: Credentials): Promise<void> {
  const json = { password: user.password };
  const { status } = await call("DELETE", "/rest/user", { bearer, json });
  if (status !== 200) throw new Error(`the account stayed: ${status}`);
}

/** The same with one character changed: near each end, and in the middle. */
export function tampered(secret: string): string[] {
  return [0.05, 0.5, 0.95].map((share) => {
    const at = Math.floor(secret.length * share);
    return secret.slice(0, at) + (secret[at] === "w" ? "x" : "w") + secret.slice(at + 1);
  });
}
