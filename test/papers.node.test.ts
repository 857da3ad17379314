import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readConfig, SETTING_NAMES } from "../src/config.ts";
import { SCOPES } from "../src/core/scope.ts";
import { JWT_LIFETIMES, TOKEN_KINDS } from "../src/core/token.ts";
import { newKey } from "../src/cli/keys/new-key.ts";
import { SURFACES, templateOf } from "../src/openapi/document.ts";

const PAPERS = ["README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const papers = PAPERS.map((name) => ({ name, text: readFileSync(name, "utf8") }));
const readme = readFileSync("README.md", "utf8");

/** The rows of the table in README that begins with this head, as cells. */
function rowsUnder(head: string): string[][] {
  const [, rest = ""] = readme.split(`\n${head}\n`);
  const [table = ""] = rest.split("\n\n", 1);
  return table
    .split("\n")
    .slice(1)
    .map((row) => row.slice(2, -2).split(" | "));
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

describe.each(papers)("$name", ({ text }) => {
  it("has links within it that lead somewhere", () => {
    const anchors = new Set(
      [...text.matchAll(/^#{1,4} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)),
    );
    const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });

  it("names files that there are", () => {
    const named = [...text.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it("names commands that there are", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const named = [...text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g)];
    expect(named.map(([, name = ""]) => name).filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("README's settings", () => {
  const rows = rowsUnder("| name | default | meaning |");

  it("are those that there are", () => {
    const names = rows.map(([name = ""]) => name.replaceAll("`", ""));
    // A binding, which stands among them.
    const settings = SETTING_NAMES.filter((name) => name !== "VERSION_METADATA");
    expect(names.toSorted()).toEqual(settings.toSorted());
  });

  it("have the defaults that they say", async () => {
    const key = { ...(await newKey("ES256", 0)), state: "active" };
    const needed = {
      ISSUER: "https://auth.example.com",
      JWT_KEYS: JSON.stringify({ keys: [key] }),
    };
    const without = readConfig(needed);
    for (const [name = "", standard = ""] of rows) {
      const [, value] = /^`([^`]+)`/.exec(standard) ?? [];
      if (value === undefined) continue;
      const setting = { [name.replaceAll("`", "")]: value };
      expect(readConfig({ ...needed, ...setting }), name).toEqual(without);
    }
  });
});

it("README's scopes open the routes that they open", () => {
  const routes = SURFACES.flatMap(({ operations }) =>
    Object.entries(operations).map(([routeKey, { scope }]) => ({
      routeKey: templateOf(routeKey),
      scope,
    })),
  );
  const rows = rowsUnder("| scope | what it is for |");
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

it("README's lifetimes are those of the code", () => {
  const lives = new Map(
    rowsUnder("| what | lives | at last |").map(([what, ...rest]) => [what, rest.join(" ")]),
  );
  const said = (what: string) => lives.get(what) ?? "";
  expect(said("access JWT of a pair")).toContain(`${JWT_LIFETIMES.access / 60} minutes`);
  expect(said("refresh JWT")).toContain(`${JWT_LIFETIMES.refresh / 3_600} hours`);
  expect(said("refresh JWT")).toContain(`${JWT_LIFETIMES.sinceLogin / 86_400} days after`);
  expect(said("JWT of `GET /rest/auth`")).toContain(`${JWT_LIFETIMES.auth / 3_600} hours`);
  const { session, api, action } = TOKEN_KINDS;
  expect(said("session token")).toContain(`${session.ttlSeconds / 3_600} hour`);
  expect(said("session token")).toContain(`${session.maxTtlSeconds / 86_400} days`);
  expect(said("API token")).toContain(`${api.minTtlSeconds} seconds`);
  expect(said("API token")).toContain(`${api.ttlSeconds / 86_400} days`);
  expect(api.maxTtlSeconds).toBe(365 * 86_400);
  expect(said("action token")).toContain(`${action.minTtlSeconds} seconds`);
  expect(said("action token")).toContain(`${action.maxTtlSeconds / 86_400} days`);
  expect(said("action token")).toContain(`${action.ttlSeconds / 3_600} hour`);
});
