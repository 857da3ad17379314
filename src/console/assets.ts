import type { Route } from "../http/surface.ts";
import { fixedText } from "../http/conditional.ts";
import { queryValue } from "../http/query.ts";
import account from "./assets/account.css";
import actions from "./assets/actions.css";
import base from "./assets/base.css";
import script from "./assets/console.js";
import data from "./assets/data.css";
import docs from "./assets/docs.css";
import docsScript from "./assets/docs.js";
import forms from "./assets/forms.css";
import icon from "./assets/icon.svg";
import layout from "./assets/layout.css";
import media from "./assets/media.css";
import operators from "./assets/operators.css";
import pages from "./assets/pages.css";

const YEAR_SECONDS = 31_536_000;
const CSS = "text/css; charset=utf-8";

/** The files that pages load. */
const ASSETS = {
  "style.css": fixedText(
    [base, layout, forms, data, actions, account, pages, operators, media].join("\n"),
    CSS,
  ),
  "docs.css": fixedText(docs, CSS),
  "docs.js": fixedText(docsScript, "text/javascript; charset=utf-8"),
  "icon.svg": fixedText(icon, "image/svg+xml"),
  "console.js": fixedText(script, "text/javascript; charset=utf-8"),
};

/** The URL of a file. It changes with the content, so caches can keep the file for good. */
export function assetPath(name: keyof typeof ASSETS): string {
  return `/console/assets/${name}?v=${ASSETS[name].version()}`;
}

/**
 * Cacheable for a year only if the requested version is the one served. With two releases side by
 * side, or after a rollback, a page can ask for the other one's and would keep the wrong file.
 */
export const fileRoute = (path: string, file: ReturnType<typeof fixedText>): Route => ({
  method: "GET",
  path,
  access: "open",
  handle: async ({ request }) =>
    file.answer(
      queryValue(request, "v") === file.version()
        ? `public, max-age=${YEAR_SECONDS}, immutable`
        : "no-cache",
    ),
});

export const assetRoutes: readonly Route[] = Object.entries(ASSETS).map(([name, file]) =>
  fileRoute(`/console/assets/${name}`, file),
);
