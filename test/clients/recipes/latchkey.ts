import { latchkey, memoryStore } from "latchkey-client";

export const auth = latchkey({
  baseUrl: process.env.ISSUER ?? "https://auth.example.com",
  // In a browser `webStore(localStorage)` keeps the log-in across pages, and all tabs share it.
  store: memoryStore(),
  onLoggedOut: () => console.log("please log in again"),
});

/** A token that makes anyone who runs it a contact of the user who logs in here. */
export async function invitation(email: string, password: string) {
  const login = await auth.logIn({ email, password });
  if (login.error) return { problem: login.error };
  const me = await auth.GET("/rest/user");
  if (me.error) return { problem: me.error.message };
  const { data, error } = await auth.POST("/api/generate-action-token", {
    body: { action: "addContact", payload: { contact_id: me.data.payload.uuid } },
  });
  return error ? { problem: error.message } : { token: data.token.token };
}

/** Runs once, even if an answer is lost and the client asks again. */
export async function accept(token: string) {
  const { data, error } = await auth.runAction({ token });
  return error ? { problem: error.message } : { contact: data.data };
}
