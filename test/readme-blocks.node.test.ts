import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newProject } from "./cli/dev/project.ts";
import { emptyDatabase } from "./cli/users/operator.ts";
import { type RunningServer, startServer } from "./clients/server.ts";
import { blocksIn, PAPERS, paper } from "./papers.ts";

interface Block {
  readonly paper: string;
  readonly where: string;
  readonly code: string;
}

const BLOCKS: readonly Block[] = [...PAPERS].flatMap(([paper, text]) =>
  blocksIn(text, "sh|bash|zsh|shell").map(({ code, line }) => ({
    paper,
    where: `${paper}:${line}`,
    code,
  })),
);

/** Each as a terminal starts it, reading line by line what is pasted. zsh then knows no comments. */
type Shell = readonly [name: string, args: readonly string[]];
const BASH: Shell = ["bash", ["--norc", "--noprofile", "-s"]];
const SHELLS: readonly Shell[] = [BASH, ["zsh", ["-f", "-i", "-s"]]];
/** .ci/run has both, and says so. A developer may lack one. */
const isThere = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;
const PRESENT = SHELLS.filter(([shell]) => process.env.ALL_TOOLS || isThere(shell));

/** What asks the service of npm run dev. One session runs README's blocks and then those of each guide. */
const ASKING = Map.groupBy(
  BLOCKS.filter(({ code }) => code.includes("$URL")),
  ({ paper }) => paper,
);
/** The status of each answer to a `curl` at the beginning of a line. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  "README.md": [
    ...[201, 201], // two accounts
    ...[200, 401], // refreshed; the wrong type
    200, // the list of API tokens
    ...[200, 422], // an action token: run, used up
    ...[200, 200, 400], // a session: read, revoked, gone
  ],
  "docs/guides/accounts.md": [200, 422], // a reset; no such token
  "docs/guides/api-tokens.md": [
    ...[200, 200, 401], // created, all revoked, gone
    ...[200, 200, 200], // introspected, revoked, introspected
    ...[200, 200], // rotated, reported
  ],
  "docs/guides/guard-your-api.md": [200, 200, 200], // charged, disabled, refused
  "docs/guides/one-time-links.md": [200, 200, 200, 204, 200], // run, again, listed, revoked, the contact
};
/** What npm run users does to the local database. */
const OPERATING = BLOCKS.filter(
  ({ code }) => code.includes("npm run users") && !code.includes("--remote"),
);
/** What needs an account at Cloudflare, or is this suite itself. */
const ELSEWHERE =
  /^npx (?:wrangler|latchkey init) |^npm run events |--remote\b|api\.cloudflare\.com|^npm ci && npm (?:run dev|test)$|^npm run (?:check|bench|deploy)\b/m;

interface Ran {
  readonly out: string;
  readonly err: string;
}

function pasted(
  [shell, args]: Shell,
  text: string,
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(shell, args, { ...options, detached: true });
    let [out, err] = ["", ""];
    child.stdout.on("data", (bytes) => {
      out += bytes;
    });
    child.stderr.on("data", (bytes) => {
      err += bytes;
    });
    child.once("error", reject);
    child.once("close", () => resolve({ out, err }));
    child.stdin.end(text);
  });
}

describe("every block for a shell", () => {
  it("is run below, or is one of those that cannot be", () => {
    const run = [...[...ASKING.values()].flat(), ...OPERATING];
    const left = BLOCKS.filter((block) => !run.includes(block));
    expect(left.filter(({ code }) => !ELSEWHERE.test(code))).toEqual([]);
    expect([...ASKING.keys()]).toEqual(Object.keys(STATUSES));
    expect(OPERATING).toHaveLength(2);
  });

  it.each(BLOCKS)(
    "$where can be pasted: no comment, no placeholder, no history expansion",
    ({ code }) => {
      expect(code).not.toMatch(/(?:^|\s)#/m);
      expect(code).not.toContain("…");
      expect(code).not.toContain("!");
    },
  );

  it.each(PRESENT)("is understood by %s", (shell) => {
    for (const { where, code } of BLOCKS) {
      const { status, stderr } = spawnSync(shell, ["-n"], { input: code, encoding: "utf8" });
      expect([where, status, stderr]).toEqual([where, 0, ""]);
    }
  });
});

describe("against a running service", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ MAIL_OUTBOX: "on" });
  }, 60_000);
  afterAll(() => server.close());

  it.each(PRESENT)("%s answers as the paper says", { timeout: 90_000 }, async (...shell) => {
    // Each shell has people of its own.
    const text = [...ASKING]
      .map(([name, blocks]) => [`echo "== ${name}"`, ...blocks.map(({ code }) => code)].join("\n"))
      .join("\n")
      .replaceAll("http://localhost:8787", server.origin)
      .replaceAll("@example.com", `@${shell[0]}.example.com`)
      .replaceAll(/^curl /gm, "curl -sS -w '\\n%{http_code}\\n' ");
    const { out, err } = await pasted(shell, text);
    expect(err).not.toMatch(/not found|no matches|parse error|unmatched|syntax error|curl: \(/i);
    const [, ...pages] = out.split(/^== /m);
    expect(pages).toHaveLength(ASKING.size);
    for (const page of pages) {
      const [name = "", ...lines] = page.split("\n");
      const statuses = lines.filter((line) => /^\d{3}$/.test(line)).map(Number);
      expect([name, statuses]).toEqual([name, STATUSES[name]]);
      const answers = lines.join("\n").replaceAll(`${shell[0]}.example.com`, "example.com");
      expect([name, unansweredOf(name, answers)]).toEqual([name, []]);
    }
  });

  /** The lines of a paper's `json` that are no answer, in their order; `…` is anything. */
  function unansweredOf(name: string, answers: string): string[] {
    let rest = answers.replaceAll(server.origin, "http://localhost:8787");
    const lines = blocksIn(paper(name), "json").flatMap(({ code }) => code.trim().split("\n"));
    return lines.filter((line) => {
      const pattern = line.split("…").map(RegExp.escape).join(".*");
      const found = new RegExp(`${pattern}$`, "m").exec(rest);
      if (found !== null) rest = rest.slice(found.index + found[0].length);
      return found === null;
    });
  }
});

describe("on a local database", () => {
  const text = OPERATING.map(({ code }) => code).join("\n");
  /** Without npm's own: as a terminal has it. */
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
  );

  it.each(PRESENT)(
    "%s, with npm between, does as the paper says",
    { timeout: 120_000 },
    async (...shell) => {
      // In the command's place, what it is given: by the shell, and by npm, which takes some to itself.
      const cwd = await newProject(
        ["package.json", "node_modules", ".npmrc", "src/cli/needs-node.js"],
        {
          "src/cli/latchkey.ts": `import { readFileSync } from "node:fs";
        const args = process.argv.slice(3);
        const stdin = args.some((arg) => arg.endsWith("stdin")) ? readFileSync(0, "utf8") : "";
        const taken = ["npm_config_remote", "npm_config_role", "npm_config_stdin"];
        console.log("GIVEN " + JSON.stringify({ args, stdin, taken: taken.filter((name) => process.env[name]) }));`,
          "people.jsonl": `${JSON.stringify({ email: "carol@example.com", password_hash: null, email_verified: true })}\n`,
          "password.txt": "correct horse battery\n",
          "emails.txt": "carol@example.com\nbob@example.com\n",
        },
      );
      const { out, err } = await pasted(shell, text, { cwd, env: own });
      expect(err).not.toMatch(/not found|no matches|parse error|syntax error|npm error/);
      const { users } = await emptyDatabase();
      const said: string[] = [];
      for (const [, given = ""] of out.matchAll(/^GIVEN (.*)$/gm)) {
        const { args, stdin, taken } = JSON.parse(given);
        expect(taken).toEqual([]);
        const inPlace = args.map((arg: string) => (arg === "people.jsonl" ? join(cwd, arg) : arg));
        const ran = await users(inPlace, stdin);
        expect([args, ran.code, ran.err]).toEqual([args, 0, ""]);
        said.push(ran.out);
      }
      expect(said).toEqual([
        expect.stringContaining("Imported 1 accounts, skipped 0."),
        expect.stringMatching(
          /^Created ada@example\.com \(Admin\): .*\nPassword \(shown only once\): /,
        ),
        expect.stringMatching(/^Created bob@example\.com \(User\): [\w-]{36}\n$/),
        expect.stringMatching(/^Link for carol@example\.com .*: \/a\/lk_act_\w+\n/),
        expect.stringContaining("ada@example.com is disabled: "),
        expect.stringMatching(
          /carol@example\.com is disabled: .*\nbob|bob@example\.com is disabled: .*\ncarol/,
        ),
        expect.stringContaining("ada@example.com is enabled: "),
        expect.stringContaining("ada@example.com is User: "),
        expect.stringContaining('ada@example.com has the metadata {"plan":"pro"}: '),
        expect.stringMatching(/ {2}User {3}\S{10} {2}bob@example\.com {2}disabled /),
        expect.stringMatching(/^email: {14}ada@example\.com$/m),
        expect.stringContaining('"email":"ada@example.com"'),
        expect.stringMatching(/ {2}metadata\.changed {8}by an operator\n/),
        expect.stringContaining("ada@example.com is logged out everywhere"),
        expect.stringContaining("ada@example.com has no second factor: "),
        expect.stringContaining("ada@example.com is deleted: "),
        expect.stringMatching(/^Created service:billing: .*\nAPI token \(shown only once\): /),
        expect.stringContaining("API token (shown only once): "),
      ]);
    },
  );
});
