// What a project that has installed the client may write, and what it may not.
import {
  latchkey,
  memoryStore,
  type TokenStore,
  type User,
  type WebStorage,
  webStore,
} from "latchkey-client";

const baseUrl = "https://auth.example.com";
declare const storage: WebStorage | undefined;
const store: TokenStore = storage === undefined ? memoryStore() : webStore(storage);

export async function calls(): Promise<User | string> {
  const auth = latchkey({ baseUrl, store, onLoggedOut() {} });
  const login = await auth.logIn({ email: "ann@example.com", password: "correct horse battery" });
  if (login.data !== undefined) {
    const access: string = login.data.access;
    return access;
  }
  const run = await auth.runAction({ token: "lk_act_…", input: { password: "another one" } });
  if (run.error !== undefined) {
    // A union over the statuses: only some have a reason.
    return "reason" in run.error ? run.error.reason : run.error.message;
  }
  const by: string = run.data.receipt.run_by;

  const list = await auth.GET("/rest/token/list", { params: { query: { limit: 10 } } });
  const names: string[] = list.data?.payload.map(({ name }) => name) ?? [by];
  const ended = await auth.DELETE("/rest/token/{token}", { params: { path: { token: "…" } } });
  const status: number = ended.response.status;

  const { data, error } = await auth.GET("/rest/user");
  if (error !== undefined) {
    const success: false = error.success;
    return `${success} ${status} ${names}`;
  }
  return data.payload;
}

export async function refused() {
  const auth = latchkey({ baseUrl, token: "lk_api_…" });
  // @ts-expect-error there is no such route
  await auth.GET("/rest/nothing");
  // @ts-expect-error nor such a method
  await auth.PUT("/rest/user");
  // @ts-expect-error no body
  await auth.POST("/rest/token");
  // @ts-expect-error a token has no such scope
  await auth.POST("/rest/token", { body: { name: "laptop", scopes: ["everything"] } });
  // @ts-expect-error no path
  await auth.DELETE("/rest/token/{token}");
  // @ts-expect-error a field that no answer has
  (await auth.GET("/rest/user")).data?.payload.nickname;
  // @ts-expect-error a token that is given does not log out
  await auth.logOut();
}
