import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Arrow, arrowsOf, cyclesIn } from "./support/source-imports.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length))
  // A project of its own, which `latchkey init` copies.
  .filter((file) => !file.startsWith("src/starter/"))
  .sort();
const CODE = FILES.filter((file) => file.endsWith(".ts") || file.endsWith(".tsx"));
const ARROWS = CODE.flatMap((file) => arrowsOf(file, readFileSync(ROOT + file, "utf8")));

/**
 * What the files of a folder may import beside their own folder: other folders or files of src/,
 * and `packages`. The first row that fits a file speaks for it.
 */
const RULES: readonly (readonly [files: RegExp, may: readonly (RegExp | "packages")[]])[] = [
  [/^src\/core\//, []],
  // What people read of an action stands with the other texts of pages.
  [/^src\/actions\//, [/^src\/core\//, /^src\/console\/words\.ts$/, "packages"]],
  [/^src\/(?:crypto|storage|http|mail)\//, [/^src\/core\//, "packages"]],
  // Documentation stays out of the Worker: only the generator of the API document imports it.
  [/^src\/surfaces\/.*\.doc\.ts$/, [/^src\/(?:core|http|openapi)\//, "packages"]],
  [/^src\/surfaces\//, [/^src\/(?:core|http)\//, "packages"]],
  // A form checks an account's fields as /rest does.
  [/^src\/console\//, [/^src\/(?:core|http)\//, /^src\/surfaces\/rest\/fields\.ts$/, "packages"]],
  // Commands run in Node and meet the Worker from outside only; one writes a file for it.
  [/^src\/cli\/common-passwords\.ts$/, [/^src\/crypto\/common-password-list\.ts$/, "packages"]],
  // A key is kept for as long as the JWTs that it signed may live by the settings.
  [/^src\/cli\/keys\.ts$/, [/^src\/crypto\/keys\.ts$/, /^src\/config\.ts$/, "packages"]],
  [/^src\/cli\/keys/, [/^src\/crypto\/(?:keys|jws)\.ts$/, /^src\/core\/token\.ts$/, "packages"]],
  // The document is generated from the routes, the schemas that check requests, and the actions.
  [/^src\/openapi\//, [/^src\/(?:core|http|surfaces|actions)\//, "packages"]],
  // And the tour compares answers with the document's examples.
  [/^src\/cli\/(?:openapi\.ts$|tour)/, [/^src\/openapi\//, "packages"]],
  // Events are archived, read and erased as housekeeping writes them.
  [
    /^src\/cli\/events\.ts$/,
    [
      /^src\/core\/text\.ts$/,
      /^src\/storage\/(?:calls|d1|event-rows|events-archive|expired-events)\.ts$/,
      "packages",
    ],
  ],
  // Accounts are checked and hashed as the service does it.
  [
    /^src\/cli\/(?:users|events)/,
    [
      /^src\/core\/(?:events|scopes|text|token|user|uuid)\.ts$/,
      /^src\/crypto\/(?:common-passwords|imported-hash|phc|secrets)\.ts$/,
      /^src\/storage\/event-rows\.ts$/,
      /^src\/surfaces\/rest\/fields\.ts$/,
      /^src\/storage\/operations\.ts$/,
      "packages",
    ],
  ],
  // Settings are checked before a deployment as the service checks them at its start.
  [/^src\/cli\/deploy\/project\.ts$/, [/^src\/config\.ts$/, "packages"]],
  // Ids are bytes in the database.
  [/^src\/cli\/database\.ts$/, [/^src\/core\/uuid\.ts$/, "packages"]],
  [/^src\/cli\//, ["packages"]],
  // Others install it: it checks spelling as the service does.
  [/^src\/verify\//, [/^src\/core\/compact-jws\.ts$/, "packages"]],
  // Others install it: it knows the service by its document alone.
  [/^src\/client\//, ["packages"]],
  // The one place that names adapters.
  [
    /^src\/services\.ts$/,
    [
      /^src\/(?:core|crypto|storage|actions|http|mail)\//,
      /^src\/(?:config|options)\.ts$/,
      "packages",
    ],
  ],
  // A setting is parsed by those who know what it means.
  [
    /^src\/config\.ts$/,
    [
      /^src\/core\/(?:issuers|token)\.ts$/,
      /^src\/crypto\/(?:keys|github-signature|legacy-jwts|secrets)\.ts$/,
      /^src\/(?:http|mail)\//,
      "packages",
    ],
  ],
  [/^src\/options\.ts$/, [/^src\/(?:core|actions|http)\//, /^src\/config\.ts$/, "packages"]],
  [
    /^src\/app\.ts$/,
    [/^src\/(?:surfaces|http)\//, /^src\/(?:config|options|services)\.ts$/, "packages"],
  ],
  // What only workerd has: WebAssembly that is imported as a module, and pages in JSX.
  [
    /^src\/worker\.ts$/,
    [
      /^src\/actions\/define-action\.ts$/,
      /^src\/crypto\/(?:passwords|ha1b)\.ts$/,
      /^src\/surfaces\/rpc\.ts$/,
      /^src\/(?:app|config|options|services)\.ts$/,
      "packages",
    ],
  ],
  [
    /^src\/latchkey\.ts$/,
    [
      /^src\/console\//,
      /^src\/actions\/api-document\.ts$/,
      /^src\/(?:app|config|options|services|worker)\.ts$/,
    ],
  ],
  [/^src\/index\.ts$/, [/^src\/latchkey\.ts$/]],
  // What a Worker of one's own installs.
  [
    /^src\/exports\.ts$/,
    [/^src\/actions\/define-action\.ts$/, /^src\/(?:latchkey|options|surfaces\/rpc)\.ts$/],
  ],
  // The same without pages, and so without what they need.
  [
    /^src\/without-console\.ts$/,
    [/^src\/actions\/define-action\.ts$/, /^src\/(?:options|surfaces\/rpc|worker)\.ts$/],
  ],
  // Types only: what the runtime binds.
  [/^src\/bindings\.d\.ts$/, [/^src\/(?:index|services)\.ts$/]],
];

const areaOf = (file: string) => /^src\/[^/]+\//.exec(file)?.[0] ?? "src/";

function isForbidden({ from, to, isPackage }: Arrow): boolean {
  const [, may] = RULES.find(([files]) => files.test(from)) ?? [];
  if (may === undefined) return true;
  if (isPackage) return !may.includes("packages");
  if (areaOf(from) !== "src/" && areaOf(to) === areaOf(from)) return false;
  return !may.some((allowed) => allowed !== "packages" && allowed.test(to));
}

const shown = ({ from, to }: Arrow) => `${from} -> ${to}`;

describe("arrows", () => {
  it("finds what is imported", () => {
    expect(ARROWS.length).toBeGreaterThan(CODE.length);
    expect(ARROWS.map(shown)).toContain("src/index.ts -> src/latchkey.ts");
  });

  it("point only where they may", () => {
    expect(ARROWS.filter(isForbidden).map(shown)).toEqual([]);
  });

  it("leave the API document's texts out of the Worker", () => {
    const isText = (file: string) => /\.doc\.ts$|^src\/openapi\//.test(file);
    const isRead = ({ from, to }: Arrow) =>
      isText(to) && !isText(from) && !from.startsWith("src/cli/");
    expect(ARROWS.filter(isRead).map(shown)).toEqual([]);
  });

  it("lead to files that there are", () => {
    const local = ARROWS.filter(({ isPackage }) => !isPackage);
    expect(local.filter(({ to }) => !existsSync(ROOT + to)).map(shown)).toEqual([]);
  });

  it("go round in no circle", () => {
    // Types of the entry file, which nothing runs.
    expect(cyclesIn(ARROWS.filter(({ from }) => from !== "src/bindings.d.ts"))).toEqual([]);
  });
});

describe("files", () => {
  it("are named for what is in them", () => {
    const bag = /\/(?:utils?|helpers?|common|index|misc|shared|lib|types)\.tsx?$/;
    expect(FILES.filter((file) => bag.test(file) && file !== "src/index.ts")).toEqual([]);
  });
});
