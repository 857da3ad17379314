import { type Call, call as worker, PASSWORD } from "../support/client.ts";
import { inputsOf, type HtmlPage, textOf } from "./html.ts";
import { COOKIE } from "./page-client.ts";

/** A user with a browser: it keeps cookies, follows redirects, and sends forms from their pages. */
export interface BrowserUser {
  get(path: string, site?: string): Promise<HtmlPage>;
  /** Sends the page's form with this action as it is there, with these inputs filled in. */
  submit(
    page: HtmlPage,
    action: string,
    filled?: Readonly<Record<string, string>>,
  ): Promise<HtmlPage>;
  /** Without a page in front of it. */
  post(path: string, fields: Readonly<Record<string, string>>): Promise<HtmlPage>;
  /** As a script sees the session: not at all; for calls to the API as the same user. */
  session(): string | null;
}

export function newBrowserUser(call: Call = worker): BrowserUser {
  const cookies = new Map<string, string>();

  async function send(
    method: string,
    path: string,
    form?: Readonly<Record<string, string>>,
    site = "same-origin",
  ): Promise<HtmlPage> {
    const answer = await call(method, path, {
      headers: {
        "sec-fetch-site": site,
        cookie: [...cookies].map((pair) => pair.join("=")).join("; "),
      },
      ...(form !== undefined && { form }),
    });
    for (const each of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get("location");
    return location === null ? { ...answer, path } : send("GET", location);
  }

  return {
    get: (path, site) => send("GET", path, undefined, site),
    post: (path, fields) => send("POST", path, fields),
    submit: (page, action, filled = {}) =>
      send("POST", action, { ...inputsOf(page, action), ...filled }),
    session: () => cookies.get(COOKIE) ?? null,
  };
}

/** A new person, logged in. */
export async function signedUpUser(call?: Call): Promise<BrowserUser & { readonly email: string }> {
  const person = newBrowserUser(call);
  const email = `${crypto.randomUUID()}@example.com`;
  const page = await person.get("/console/signup");
  const after = await person.submit(page, "/console/signup", { email, password: PASSWORD });
  if (person.session() === null) throw new Error(`not logged in: ${textOf(after)}`);
  return { ...person, email };
}
