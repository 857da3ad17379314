import { type Call, textAt, claimsOf, peopleOf, type TestUser } from "../support/client.ts";

/** One credential of each kind, and JWTs that were derived from others. */
export interface Credentials {
  readonly person: TestUser;
  readonly apiTokenId: string;
  readonly otherApiTokenId: string;
  readonly apiToken: string;
  readonly session: string;
  readonly access: string;
  readonly refresh: string;
  readonly actionToken: string;
  readonly authByApiToken: string;
  readonly authBySession: string;
  readonly authByAccess: string;
  readonly authByAuth: string;
}

export type CredentialName = Exclude<
  keyof Credentials,
  "person" | "apiTokenId" | "otherApiTokenId"
>;

export async function allCredentials(call: Call): Promise<Credentials> {
  const [person, friend] = await Promise.all([peopleOf(call).newUser(), peopleOf(call).newUser()]);
  const [{ access, refresh }, session] = await Promise.all([
    peopleOf(call).newPair(person),
    peopleOf(call).newSession(person),
  ]);
  const auth = async (send: { bearer: string } | { xToken: string }) =>
    textAt(await call("GET", "/rest/auth", send), "payload", "token");
  const [api, other, action, authBySession, authByAccess] = await Promise.all([
    peopleOf(call).newApiToken(access),
    peopleOf(call).newApiToken(access, "other"),
    peopleOf(call).newActionToken(access, friend.id, { max_uses: 1000 }),
    auth({ xToken: session }),
    auth({ bearer: access }),
  ]);
  return {
    person,
    apiTokenId: api.uuid,
    otherApiTokenId: other.uuid,
    apiToken: api.secret,
    session,
    access,
    refresh,
    actionToken: action.secret,
    authByApiToken: await auth({ bearer: api.secret }),
    authBySession,
    authByAccess,
    authByAuth: await auth({ bearer: authByAccess }),
  };
}

const verify = (call: Call, token: string) =>
  call("POST", "/api/token/verify/", { json: { token } });

/** A request that each is good for, and that changes nothing that another sees. */
const USES: Record<CredentialName, (call: Call, credential: string) => ReturnType<Call>> = {
  apiToken: (call, bearer) => call("GET", "/rest/user", { bearer }),
  session: (call, xToken) => call("GET", "/tokens", { xToken }),
  access: verify,
  refresh: verify,
  actionToken: (call, token) => call("POST", "/api/run-action-token", { json: { token } }),
  authByApiToken: verify,
  authBySession: verify,
  authByAccess: (call, bearer) => call("GET", "/rest/user", { bearer }),
  authByAuth: verify,
};

export const CREDENTIALS = [
  "apiToken",
  "session",
  "access",
  "refresh",
  "actionToken",
  "authByApiToken",
  "authBySession",
  "authByAccess",
  "authByAuth",
] as const satisfies readonly CredentialName[];

/** Which of these are taken. A store that fails is neither a yes nor a no. */
export async function taken(
  call: Call,
  credentials: Credentials,
  names: readonly CredentialName[] = CREDENTIALS,
): Promise<CredentialName[]> {
  const answers = await Promise.all(names.map((name) => USES[name](call, credentials[name])));
  return names.filter((name, index) => {
    const status = answers[index]?.status ?? 500;
    if (status >= 500) throw new Error(`${name}: ${status}`);
    return status === 200;
  });
}

/** When the credential ends by itself, in milliseconds; null for those that are no JWT. */
export function endOf(credential: string): number | null {
  return credential.startsWith("lk_") ? null : Number(claimsOf(credential).exp) * 1000;
}
