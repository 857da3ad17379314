import type { Answered } from "../support/client.ts";

/** A page as its reader has it. */
export interface HtmlPage extends Answered {
  readonly path: string;
}

/** What a browser would send of the form as it was served. */
export function inputsOf({ text, path }: HtmlPage, action: string): Record<string, string> {
  const form = text
    .split("<form ")
    .slice(1)
    .map((each) => each.split("</form>")[0] ?? "")
    .find((each) => each.includes(`action="${action}"`));
  if (form === undefined) throw new Error(`no form for ${action} on ${path}: ${text}`);
  const inputs: Record<string, string> = {};
  for (const [tag] of form.matchAll(/<input [^>]*>/g)) {
    const name = attribute(tag, "name");
    const isChoice = /type="(?:checkbox|radio)"/.test(tag);
    if (name !== null && (!isChoice || / checked/.test(tag)))
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
export function linkOnPage({ text }: Pick<Answered, "text">, start: string): string {
  const found = text.split('"').find((each) => each.startsWith(start));
  if (found === undefined) throw new Error(`no ${start} on the page: ${text}`);
  return decoded(found);
}

/** The value of each hidden input of this name, in the page's order. */
export function hiddenValues(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`type="hidden" name="${name}" value="([^"]*)"`, "g"))].map(
    ([, value = ""]) => value,
  );
}

/** The one secret that the page shows. */
export function secretOnPage({ text }: Answered): string {
  const [secret] = /lk_api_[0-9A-Za-z]{30,}/.exec(text) ?? [];
  if (secret === undefined) throw new Error(`no secret in ${textOf({ text }).slice(0, 300)}`);
  return secret;
}
