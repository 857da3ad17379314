import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { AUDIT_EVENTS } from "../src/core/events.ts";
import { readLifetimes } from "../src/config.ts";
import { SCOPES } from "../src/core/scopes.ts";
import { TTL_SECONDS } from "../src/core/token.ts";
import { SURFACES, templateOf } from "../src/openapi/document.ts";
import { VERSION } from "../src/surfaces/service.ts";
import { GENERATED } from "./docs.ts";
import { blocksIn, PAPERS, paper } from "./papers.ts";

/** The rows of the table in the paper that begins with this head, as cells. */
function rowsUnder(path: string, head: string): string[][] {
  const [, rest = ""] = paper(path).split(`\n${head}\n`);
  const [table = ""] = rest.split("\n\n", 1);
  return table
    .split("\n")
    .slice(1)
    .filter((row) => row.startsWith("|"))
    .map((row) => row.slice(2, -2).split(" | "));
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsIn = (text: string) =>
  [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));

/** Where the relative links of a paper lead, from the root of the checkout. */
const linksIn = (path: string, text: string) =>
  [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = ""]) => {
    const [file = "", anchor = null] = link.split("#");
    return { link, target: file === "" ? path : join(dirname(path), file), anchor };
  });

describe.each([...PAPERS])("%s", (path, text) => {
  it("has links that lead somewhere", () => {
    const dead = linksIn(path, text).filter(({ target, anchor }) =>
      anchor === null ? !existsSync(target) : !anchorsIn(PAPERS.get(target) ?? "").includes(anchor),
    );
    expect(dead.map(({ link }) => link)).toEqual([]);
  });

  it("names files that there are", () => {
    const named = [...text.matchAll(/`((?:src|test|docs)\/[\w./-]+)`/g)].map(
      ([, file = ""]) => file,
    );
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });

  it("names commands that there are", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const named = [...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)];
    expect(named.map(([, name = ""]) => name).filter((name) => !(name in scripts))).toEqual([]);
  });
});

it("README is at most 8 KB, and every page is in the index or one link from there", () => {
  expect(Buffer.byteLength(paper("README.md"))).toBeLessThanOrEqual(8 * 1024);
  const targets = (path: string) =>
    linksIn(path, PAPERS.get(path) ?? "").map(({ target }) => target);
  const indexed = targets("docs/README.md");
  const reached = ["docs/README.md", ...indexed, ...indexed.flatMap(targets)];
  // A folder that is linked shows its pages.
  const isReached = (path: string) =>
    reached.includes(path) || reached.includes(`${dirname(path)}/`);
  expect([...PAPERS.keys()].filter((path) => !isReached(path))).toEqual([]);
});

describe("what is generated", () => {
  it.each(Object.entries(GENERATED))("%s is as npm run docs writes it", (path, page) => {
    expect(paper(path)).toBe(page());
  });

  it("has every event", () => {
    const text = paper("docs/reference/events.md");
    expect(AUDIT_EVENTS.filter((kind) => !text.includes(`\`${kind}\``))).toEqual([]);
  });

  it("has every rate limit", () => {
    const limits = readFileSync("wrangler.toml", "utf8").match(/^\[\[ratelimits\]\]/gm);
    const rows = rowsUnder("docs/reference/settings.md", "| name | limit | counts |");
    expect(rows).toHaveLength(limits?.length ?? 0);
  });
});

it("scopes open the routes that the page says they open", () => {
  const routes = SURFACES.flatMap(({ operations }) =>
    Object.entries(operations).map(([routeKey, { scope }]) => ({
      routeKey: templateOf(routeKey),
      scope,
    })),
  );
  const rows = rowsUnder("docs/reference/tokens.md", "| scope | what it is for |");
  expect(rows.map(([scope = ""]) => scope.replaceAll("`", ""))).toEqual(SCOPES);
  for (const [name = "", text = ""] of rows) {
    const scope = name.replaceAll("`", "");
    // Introspection asks its own client for it.
    if (scope === "introspect") continue;
    const opened = routes.filter((each) => each.scope === scope).map(({ routeKey }) => routeKey);
    const told = [...text.matchAll(/`((?:GET|POST|PATCH|PUT|DELETE) \/[^`]+)`/g)].map(
      ([, routeKey = ""]) => routeKey,
    );
    expect(told.toSorted(), scope).toEqual(opened.toSorted());
  }
});

it("lifetimes are those of the code", () => {
  const rows = rowsUnder("docs/reference/tokens.md", "| what | lives | at most |");
  const lives = new Map(rows.map(([what, ...rest]) => [what, rest.join(" ")]));
  const said = (what: string) => lives.get(what) ?? "";
  const { access, refresh, auth, session, login } = readLifetimes({});
  expect(said("access JWT of a pair")).toContain(`${access / 60} minutes`);
  expect(said("refresh JWT")).toContain(`${refresh / 3_600} hours`);
  expect(said("refresh JWT")).toContain(`${login / 86_400} days after`);
  expect(said("JWT of `GET /rest/auth`")).toContain(`${auth / 3_600} hours`);
  expect(said("session token")).toContain(`${session / 3_600} hour`);
  expect(said("session token")).toContain(`${login / 86_400} days`);
  const { api, action } = TTL_SECONDS;
  expect(said("API token")).toContain(`${api.min} seconds`);
  expect(said("API token")).toContain(`${api.default / 86_400} days`);
  expect(api.max).toBe(365 * 86_400);
  expect(said("action token")).toContain(`${action.min} seconds`);
  expect(said("action token")).toContain(`${action.max / 86_400} days`);
  expect(said("action token")).toContain(`${action.default / 3_600} hour`);
});

it("each recipe that the tests run is printed as it is run, or linked", () => {
  const guides = [...PAPERS].filter(([path]) => /^README|^docs\/guides\//.test(path));
  const printed = guides.flatMap(([, text]) => blocksIn(text, "ts").map(({ code }) => code));
  const recipes = readdirSync("test/clients/recipes");
  const codes = recipes.map((file) => readFileSync(`test/clients/recipes/${file}`, "utf8"));
  // No block is anything else, but for the actions that test/actions runs.
  const actions = ["redeem-coupon", "join-beta"].map((name) =>
    readFileSync(`test/actions/${name}.ts`, "utf8"),
  );
  expect(printed.filter((code) => ![...codes, ...actions].includes(code))).toEqual([]);
  const left = recipes.filter(
    (file, index) =>
      !printed.includes(codes[index] ?? "") &&
      !guides.some(([, text]) => text.includes(`/test/clients/recipes/${file})`)),
  );
  expect(left).toEqual([]);
});

it("a time in milliseconds has its date, its test, or a link to the page that is generated from measurements", () => {
  const source =
    /\b20\d\d\b|`test\/|\((?:[./\w]*\/)?(?:benchmarks|latency|capacity)\.md|\bestimated\b/;
  const byHand = [...PAPERS].filter(([path]) => !(path in GENERATED));
  const undated = byHand.flatMap(([path, text]) =>
    text
      .split(/\n\n|\n(?=- )/)
      .filter(
        (part) => /\d ?(?:ms|milliseconds)\b|milliseconds per/.test(part) && !source.test(part),
      )
      .map((part) => `${path}: ${part.slice(0, 200)}`),
  );
  expect(undated).toEqual([]);
});

it("the version is one wherever it stands, and the changelog says what is in it", () => {
  const manifest = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const { version } = manifest("package.json");
  expect(VERSION).toBe(version);
  expect(manifest("src/starter/package.json").dependencies.latchkey).toBe(version);
  expect(paper("CHANGELOG.md")).toMatch(
    new RegExp(`^## \\[${version}\\] - 20\\d\\d-\\d\\d-\\d\\d$`, "m"),
  );
});
