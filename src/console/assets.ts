import crc32 from "crc/calculators/crc32";
import type { Answer } from "../http/answer.ts";
import type { Route } from "../http/surface.ts";
import actions from "./assets/actions.css";
import base from "./assets/base.css";
import script from "./assets/console.js";
import data from "./assets/data.css";
import docs from "./assets/docs.css";
import forms from "./assets/forms.css";
import icon from "./assets/icon.svg";
import layout from "./assets/layout.css";
import media from "./assets/media.css";
import pages from "./assets/pages.css";

const YEAR_SECONDS = 31_536_000;

interface Asset {
  readonly type: string;
  readonly text: string;
}

/** One row a file that pages are made with. */
const ASSETS = {
  "style.css": {
    type: "text/css; charset=utf-8",
    text: [base, layout, forms, data, actions, pages, media].join("\n"),
  },
  "docs.css": { type: "text/css; charset=utf-8", text: docs },
  "icon.svg": { type: "image/svg+xml", text: icon },
  "console.js": { type: "text/javascript; charset=utf-8", text: script },
} as const satisfies Record<string, Asset>;

const versions = new Map<string, string>();

/** Where a page finds the file: at another address for each content, so that caches may keep it. */
export function assetPath(name: keyof typeof ASSETS): string {
  const version = versions.get(name) ?? versionOf(ASSETS[name].text);
  versions.set(name, version);
  return `/console/assets/${name}?v=${version}`;
}

function versionOf(text: string): string {
  return (crc32(new TextEncoder().encode(text)) >>> 0).toString(36);
}

export const assetRoutes: readonly Route[] = Object.entries(ASSETS).map(
  ([name, { type, text }]) => ({
    method: "GET",
    path: `/console/assets/${name}`,
    access: "open",
    handle: async ({ request }): Promise<Answer> => ({
      status: 200,
      body: null,
      text,
      headers: {
        "content-type": type,
        "cache-control":
          request.query("v") === undefined
            ? "no-cache"
            : `public, max-age=${YEAR_SECONDS}, immutable`,
      },
    }),
  }),
);
