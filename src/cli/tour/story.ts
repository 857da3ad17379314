/** One request of the story. `{name}` in its texts is replaced by a value that an earlier step saved. */
export interface Step {
  readonly title: string;
  /** `operation (as)` of the recorded example; two if a setting decides which one is answered. */
  readonly like: readonly string[];
  /** Sent instead of what was recorded: the path, headers, members of the body. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** Names under which values of the answer are saved, and the way to each. */
  readonly save?: Readonly<Record<string, string>>;
  /** Values that the answer must have, by the way to each. */
  readonly same?: Readonly<Record<string, string>>;
}

const step = (title: string, like: string, more: Partial<Step> = {}): Step => ({
  title,
  like: [like],
  ...more,
});

const bearer = (saved: string) => ({ authorization: `Bearer {${saved}}` });
/** Put into base64 when it is sent. */
const basic = (person: string, password = "password") => ({
  authorization: `Basic {${person} email}:{${person} ${password}}`,
});
const session = { "x-token": "{session}" };

const signUp = (title: string, person: string) =>
  step(title, "POST /rest/user (anybody)", {
    body: { email: `{${person} email}`, password: `{${person} password}` },
    save: { [person]: "payload.uuid" },
    same: { "payload.email": `{${person} email}` },
  });

const logIn = (title: string, as: string, person: string, more: Partial<Step> = {}) =>
  step(title, `POST /api/token/ (${as})`, {
    body: { email: `{${person} email}`, password: `{${person} password}` },
    ...more,
  });

const verify = (title: string, as: string, jwt: string) =>
  step(title, `POST /api/token/verify/ (${as})`, { body: { token: `{${jwt}}` } });

const useAction = (title: string, as: string, same: Step["same"] = {}) =>
  step(title, `POST /api/run-action-token (${as})`, {
    headers: bearer("ben access"),
    body: { token: "{action}" },
    same,
  });

const createApiToken = (title: string, name: string) =>
  step(title, "POST /rest/token (API token)", {
    headers: bearer("jwt"),
    body: { name },
    save: { api: "payload.token", "api id": "payload.uuid" },
    same: { "payload.name": name },
  });

const deleteAccount = (title: string, person: string, password: string) =>
  step(title, "DELETE /rest/user (JWT)", {
    headers: basic(person, password),
    body: { password: `{${person} ${password}}` },
  });

/** The steps of each chapter. */
export const STORY: Readonly<Record<string, readonly Step[]>> = {
  Accounts: [
    signUp("Ann signs up", "ann"),
    signUp("Ben signs up", "ben"),
    step("a wrong password is refused", "GET /rest/user (wrong password)", {
      headers: basic("ann", "new password"),
    }),
  ],
  "Contract session-tokens": [
    step("Ben gets a session token", "POST /tokens (login)", {
      body: { email_id: "{ben email}", password: "{ben password}" },
      save: { session: "data.token" },
    }),
    step("it says whose it is and when it expires", "GET /tokens (session)", {
      headers: session,
      same: { token: "{session}", email_id: "{ben email}" },
    }),
    step("it is extended", "PUT /tokens (session)", { headers: session }),
    step("it is revoked", "DELETE /tokens (session)", { headers: session }),
    step("and refused from then on", "GET /tokens (ended session)", { headers: session }),
  ],
  "Contract jwt-pair": [
    logIn("Ann gets a JWT pair", "login", "ann", {
      save: { access: "access", refresh: "refresh" },
    }),
    verify("the access JWT is valid", "refresh JWT", "access"),
    step("the refresh JWT gives a new access JWT", "POST /api/token/refresh/ (refresh)", {
      like: ["POST /api/token/refresh/ (refresh)", "POST /api/token/refresh/ (refresh, rotating)"],
      body: { refresh: "{refresh}" },
      save: { access: "access", refresh: "refresh" },
    }),
    step("which says who calls", "GET /rest/user (API token)", {
      headers: bearer("access"),
      same: { "payload.uuid": "{ann}" },
    }),
    step("Ann logs out", "POST /api/token/blacklist/ (refresh JWT)", {
      body: { refresh: "{refresh}" },
    }),
    verify("and the access JWT is no longer valid", "ended login", "access"),
  ],
  "Contract rest-tokens": [
    step("Ann authenticates with email and password", "GET /rest/auth (API token)", {
      headers: basic("ann"),
      save: { jwt: "payload.token" },
      same: { "payload.uuid": "{ann}" },
    }),
    createApiToken("creates an API token", "laptop"),
    step("and authenticates with it", "GET /rest/auth (API token)", {
      headers: bearer("api"),
      same: { "payload.uuid": "{ann}" },
    }),
    step("the list of API tokens shows no secrets", "GET /rest/token/list (API token)", {
      headers: bearer("jwt"),
      same: { "payload.0.uuid": "{api id}" },
    }),
    step("the API token is revoked", "DELETE /rest/token/:token (API token: uuid)", {
      path: "/rest/token/{api id}",
      headers: bearer("jwt"),
      same: { "payload.name": "laptop" },
    }),
    step("and refused from then on", "GET /rest/user (ended token)", { headers: bearer("api") }),
  ],
  "Contract action-tokens": [
    step("Ann shares a contact", "POST /api/generate-action-token (API token)", {
      headers: bearer("jwt"),
      body: { payload: { contact_id: "{ann}" } },
      save: { action: "token.token" },
    }),
    logIn("Ben logs in", "login", "ben", { save: { "ben access": "access" } }),
    useAction("and uses the action token", "caller", { "receipt.run_by": "{ben}" }),
    useAction("a second use is refused", "used"),
    step("Ann is among Ben's contacts", "GET /api/user/get-contacts (API token)", {
      headers: bearer("ben access"),
      same: { "data.contacts.0.contact.id": "{ann}" },
    }),
  ],
  "Changing the password revokes everything else": [
    createApiToken("Ann creates another API token", "server"),
    step("and changes the password with it", "PATCH /rest/user (API token: password)", {
      headers: bearer("api"),
      body: { password: "{ann new password}", current_password: "{ann password}" },
    }),
    verify("the JWT is no longer valid", "ended login", "jwt"),
    step("the token that changed it still is", "GET /rest/user (API token)", {
      headers: bearer("api"),
    }),
    logIn("the old password is refused", "wrong password", "ann"),
  ],
  "Deleting an account": [
    deleteAccount("Ann deletes the account", "ann", "new password"),
    step("and can no longer log in", "GET /rest/user (wrong password)", {
      headers: basic("ann", "new password"),
    }),
    deleteAccount("Ben does the same", "ben", "password"),
  ],
};
