import { type Answered, type Call, call as worker, PASSWORD } from "../support/client.ts";

const COOKIE = /^__Host-latchkey=([^;]*)/;

/** A page as its reader has it, and what she can do on it. */
export interface Shown extends Answered {
  readonly path: string;
}

/** Somebody with a browser: it keeps the cookie, follows redirects, and sends forms from their pages. */
export interface Visitor {
  get(path: string, site?: string): Promise<Shown>;
  /** Sends the page's form with this action as it stands there, with these inputs filled in. */
  submit(page: Shown, action: string, filled?: Readonly<Record<string, string>>): Promise<Shown>;
  /** Without a page in front of it. */
  post(path: string, fields: Readonly<Record<string, string>>): Promise<Shown>;
  /** As a script sees the session: not at all; for calls to the API as the same user. */
  session(): string | null;
}

export function visitor(call: Call = worker): Visitor {
  let cookie: string | null = null;

  async function send(
    method: string,
    path: string,
    form?: Readonly<Record<string, string>>,
    site = "same-origin",
  ): Promise<Shown> {
    const answer = await call(method, path, {
      headers: {
        "sec-fetch-site": site,
        ...(cookie !== null && { cookie: `__Host-latchkey=${cookie}` }),
      },
      ...(form !== undefined && { form }),
    });
    const [, set] = COOKIE.exec(answer.headers.get("set-cookie") ?? "") ?? [];
    if (set !== undefined) cookie = set === "" ? null : set;
    const location = answer.headers.get("location");
    return location === null ? { ...answer, path } : send("GET", location);
  }

  return {
    get: (path, site) => send("GET", path, undefined, site),
    post: (path, fields) => send("POST", path, fields),
    submit: (page, action, filled = {}) =>
      send("POST", action, { ...inputsOf(page, action), ...filled }),
    session: () => cookie,
  };
}

/** A new person, logged in. */
export async function joined(call?: Call): Promise<Visitor & { readonly email: string }> {
  const person = visitor(call);
  const email = `${crypto.randomUUID()}@example.com`;
  const page = await person.get("/console/signup");
  const after = await person.submit(page, "/console/signup", { email, password: PASSWORD });
  if (person.session() === null) throw new Error(`not logged in: ${textOf(after)}`);
  return { ...person, email };
}

/** What a browser would send of the form as it was served. */
function inputsOf({ text, path }: Shown, action: string): Record<string, string> {
  const form = text
    .split("<form ")
    .slice(1)
    .map((each) => each.split("</form>")[0] ?? "")
    .find((each) => each.includes(`action="${action}"`));
  if (form === undefined) throw new Error(`no form for ${action} on ${path}: ${text}`);
  const inputs: Record<string, string> = {};
  for (const [tag] of form.matchAll(/<input [^>]*>/g)) {
    const name = attribute(tag, "name");
    if (name !== null && !tag.includes('type="checkbox"'))
      inputs[name] = attribute(tag, "value") ?? "";
  }
  for (const [, name = "", options = ""] of form.matchAll(
    /<select [^>]*name="([^"]*)"[^>]*>(.*?)<\/select>/gs,
  )) {
    const all = [...options.matchAll(/<option [^>]*>/g)].map(([tag]) => tag);
    const chosen = all.find((tag) => / selected/.test(tag)) ?? all[0] ?? "";
    inputs[name] = attribute(chosen, "value") ?? "";
  }
  return inputs;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

const decoded = (html: string) =>
  html.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (each) => ENTITIES[each] ?? each);

function attribute(tag: string, name: string): string | null {
  const [, value] = new RegExp(` ${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? null : decoded(value);
}

/** The text of the page's main part, its white space as one. */
export function textOf({ text }: Pick<Answered, "text">): string {
  const main = /<main[^>]*>(.*)<\/main>/s.exec(text)?.[1] ?? text;
  return decoded(main.replaceAll(/<[^>]*>/g, " "))
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** The first address on the page that begins like this. */
export function linkOn({ text }: Pick<Answered, "text">, start: string): string {
  const found = text.split('"').find((each) => each.startsWith(start));
  if (found === undefined) throw new Error(`no ${start} on the page: ${text}`);
  return decoded(found);
}
