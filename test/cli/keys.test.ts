import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ALGORITHMS } from "../../src/cli/keys/rotation.ts";
import {
  DAY_MS,
  directory,
  file,
  type Members,
  NOW_MS,
  PRIVATE,
  run,
  stored,
  twoKeys,
  write,
} from "./keys/run.ts";

/** The longest JWT by default, and 5 minutes for the deployment. */
const LAST_JWT_SECONDS = 86_400 + 300;

describe("add", () => {
  it.each(ALGORITHMS)("creates a standby %s key next to the active one", async (alg) => {
    await run("add");
    const { code, out } = await run(`add --alg ${alg}`);
    expect(code).toBe(0);
    const [first, second] = await stored();
    expect(first).toMatchObject({
      alg: "ES256",
      state: "active",
      created_at: "2026-11-22T12:00:00.000Z",
    });
    expect(second).toMatchObject({ alg, state: "standby", use: "sig" });
    expect(out).toContain(`${second?.kid} (${alg}) is a standby key.`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("says that no one else can verify HS256", async () => {
    await run("add");
    expect((await run("add --alg HS256")).out).toContain("not in the JWK set");
  });

  it("refuses a set too large for a secret of Workers", async () => {
    for (const _ of [1, 2]) expect((await run("add --alg RS256")).code).toBe(0);
    const before = await readFile(file, "utf8");
    const { code, err } = await run("add --alg RS256");
    expect([code, err]).toEqual([1, expect.stringContaining("5120 bytes")]);
    expect(await readFile(file, "utf8")).toBe(before);
  });
});

describe("a whole rotation", () => {
  it("always has exactly one active key, and finally only the new one", async () => {
    const { first, second } = await twoKeys();
    expect((await run(`promote ${second}`)).err).toBe("");
    const states = (await stored()).map(({ kid, state }) => [kid, state]);
    expect(states).toEqual([
      [first, "retiring"],
      [second, "active"],
    ]);
    const early = await run(`drop ${first}`, { nowMs: NOW_MS + LAST_JWT_SECONDS * 1000 });
    expect([early.code, early.err]).toEqual([
      1,
      expect.stringContaining("2026-11-23 12:05:00 UTC"),
    ]);
    const late = await run(`drop ${first}`, { nowMs: NOW_MS + LAST_JWT_SECONDS * 1000 + 1 });
    expect(late.code).toBe(0);
    expect(await stored()).toMatchObject([{ kid: second, state: "active" }]);
    expect(await stored()).toHaveLength(1);
  });

  it("waits for the longest JWT by the settings, and 5 minutes for the deployment", async () => {
    const { first, second } = await twoKeys();
    await run(`promote ${second}`);
    const variables = { REFRESH_TOKEN_SECONDS: "7776000", ACCESS_TOKEN_SECONDS: "60" };
    const nowMs = NOW_MS + (7_776_000 + 300) * 1000;
    const early = await run(`drop ${first}`, { nowMs, variables });
    expect([early.code, early.err]).toEqual([1, expect.stringContaining("2027-02-20 12:05:00")]);
    expect((await run("list", { variables })).out).toContain("after 2027-02-20 12:05:00");
    expect((await run("list", { variables: { AUTH_TOKEN_SECONDS: "5m" } })).err).toContain(
      "would stop the service",
    );
    expect((await run(`drop ${first}`, { nowMs: nowMs + 1, variables })).code).toBe(0);
  });

  it("warns about a key that others may not have yet", async () => {
    await run("add");
    await run("add");
    const [, { kid = "" } = {}] = await stored();
    const { code, out } = await run(`promote ${kid}`, { nowMs: NOW_MS + 299_999 });
    expect(code).toBe(0);
    expect(out).toMatch(
      /Warning: .* less than 300 s old[\s\S]*Upload it at 2026-11-22 12:05:00 UTC or later/,
    );
  });

  it("does not warn about one that they have", async () => {
    const { second } = await twoKeys();
    expect((await run(`promote ${second}`)).out).not.toContain("Warning");
  });
});

describe("refuses what would break valid tokens", () => {
  it.each([
    ["drop", "first", /is active/],
    ["retire", "first", /is active/],
    ["promote", "first", /already active/],
    ["promote", "unknown", /no key unknown. The keys are: /],
  ] as const)("%s %s", async (verb, which, why) => {
    const before = await twoKeys();
    const kid = which === "first" ? before.first : which;
    const { code, out, err } = await run(`${verb} ${kid}`);
    expect([code, out, err]).toEqual([1, "", expect.stringMatching(why)]);
    expect(await stored()).toEqual([before.active, before.standby]);
  });

  it("retire: a standby key will not sign, and is kept as long as any other", async () => {
    const { second } = await twoKeys();
    expect((await run(`retire ${second}`)).out).toContain(
      "Safe to drop after 2026-11-23 12:05:00 UTC",
    );
    expect((await run(`retire ${second}`)).err).toContain("already retiring");
    expect((await run(`promote ${second}`)).err).toContain("cannot become active again");
    expect((await run(`drop ${second}`)).code).toBe(1);
  });

  it("drop: a standby key is removed immediately, because it signed nothing", async () => {
    const { first, second } = await twoKeys();
    expect((await run(`drop ${second}`)).code).toBe(0);
    expect((await stored()).map(({ kid }) => kid)).toEqual([first]);
  });

  it("drop: a retiring key without a date starts its wait first", async () => {
    const { active, standby, second } = await twoKeys();
    await write(active, { ...standby, state: "retiring" });
    const { code, err } = await run(`drop ${second}`);
    expect([code, err]).toEqual([1, expect.stringContaining(`retire ${second}`)]);
    expect((await run(`retire ${second}`)).code).toBe(0);
    expect((await run(`drop ${second}`, { nowMs: NOW_MS + 2 * DAY_MS })).code).toBe(0);
  });

  it.each([
    ["two active keys", (a: Members, b: Members) => [a, { ...b, state: "active" }], /exactly one/],
    ["no active key", (_: Members, b: Members) => [b], /exactly one/],
    ["one kid twice", (a: Members) => [a, { ...a, state: "standby" }], /same kid/],
    [
      "a short secret",
      (a: Members) => [a, { kty: "oct", k: "c2hvcnQ", kid: "h", alg: "HS256", state: "standby" }],
      /256 bits/,
    ],
    [
      "halves of two keys",
      (a: Members, b: Members) => [{ ...a, d: b.d }, b],
      /do not belong together/,
    ],
    [
      "a point off the curve",
      (a: Members, b: Members) => [a, { ...b, y: b.x }],
      /do not belong together/,
    ],
  ])("a file with %s, for every command", async (_, change, why) => {
    const { active, standby, first, second } = await twoKeys();
    await write(...change(active, standby));
    const before = await readFile(file, "utf8");
    for (const verb of [
      "list",
      "add",
      "export",
      `promote ${second}`,
      `retire ${second}`,
      `drop ${first}`,
    ]) {
      const { code, out, err } = await run(verb);
      expect([code, out, err]).toEqual([1, "", expect.stringMatching(why)]);
      for (const name of PRIVATE) expect(err).not.toContain(standby[name] ?? " none ");
    }
    expect(await readFile(file, "utf8")).toBe(before);
  });
});

describe("what is shown", () => {
  it("list: kid, alg, state, dates, and nothing private", async () => {
    const { first, second } = await twoKeys();
    await run(`promote ${second}`);
    await run("add --alg HS256");
    const { out } = await run("list");
    expect(out.split("\n")).toEqual([
      expect.stringMatching(/^kid +alg +state +since +safe to drop$/),
      expect.stringMatching(
        new RegExp(
          `^${first} +ES256 +retiring +2026-11-22 12:00:00 UTC +after 2026-11-23 12:05:00 UTC$`,
        ),
      ),
      expect.stringMatching(
        new RegExp(`^${second} +ES256 +active +2026-11-22 12:00:00 UTC +no: it signs$`),
      ),
      expect.stringMatching(/^[0-9a-f-]{36} +HS256 +standby +2026-11-22 12:00:00 UTC +now$/),
    ]);
  });

  it("nothing private in any output but export's", async () => {
    const { second } = await twoKeys();
    const said = [
      await run("list"),
      await run(`promote ${second}`),
      await run("add --alg RS256"),
      await run("list"),
      await run("export", { isTerminal: true }),
    ];
    for (const key of await stored()) {
      for (const name of PRIVATE) {
        for (const { out, err } of said) expect(out + err).not.toContain(key[name] ?? " none ");
      }
    }
  });

  it("export: not to a terminal", async () => {
    const deployment = join(directory, ".deploy.vars");
    await run(`add --file ${deployment}`);
    const { code, out, err } = await run(`export --file ${deployment}`, { isTerminal: true });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("| npx wrangler secret bulk");
  });

  it("no upload of development's keys, neither printed nor through a pipe", async () => {
    for (const name of [".dev.vars", ".dev.vars.staging"]) {
      const development = `--file ${join(directory, name)}`;
      const said = [await run(`add ${development}`), await run(`add ${development}`)];
      const [, { kid = "" } = {}] = await stored(join(directory, name));
      said.push(await run(`promote ${kid} ${development}`));
      for (const { code, out } of said) {
        expect([code, out]).toEqual([0, expect.stringContaining("Changed ")]);
        expect(out).not.toMatch(/wrangler|keys -- export|Upload it:/);
      }
      for (const isTerminal of [true, false]) {
        const { code, out, err } = await run(`export ${development}`, { isTerminal });
        expect([code, out]).toEqual([1, ""]);
        expect(err).toContain("would replace a deployment's keys");
        expect(err).not.toContain("wrangler secret");
      }
    }
  });

  it("whose keys they are, in a terminal", async () => {
    await run("add");
    expect((await run("list", { isTerminal: true })).out).toMatch(`Keys in ${file}:\nkid `);
  });

  it("warns that the first key of a deployment may replace others", async () => {
    const deployment = `--file ${join(directory, ".deploy.vars")}`;
    const warning = "a deployment that has other keys would refuse every JWT";
    expect((await run(`add ${deployment}`)).out).toContain(warning);
    expect((await run(`add ${deployment}`)).out).not.toContain(warning);
    expect((await run("add")).out).not.toContain(warning);
  });

  it("help, with --help and without arguments", async () => {
    for (const line of ["", "--help", "-h", "drop --help"]) {
      expect(await run(line)).toMatchObject({
        code: 0,
        out: expect.stringContaining("Usage: npm run keys"),
      });
    }
  });

  it.each([
    ["rotate", /Unknown command: rotate/],
    ["constructor", /Unknown command/],
    ["promote", /needs a kid/],
    ["drop a b", /takes one kid/],
    ["list a", /takes no "a"/],
    ["list --alg ES256", /takes no --alg/],
    ["add --alg ES512", /one of ES256, EdDSA, RS256, HS256/],
    ["add EdDSA", /npm run keys -- add --alg EdDSA/],
    ["add --force", /Unknown option/],
  ])("%s is not understood", async (line, why) => {
    expect(await run(line)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(why) });
  });

  it("what to do if there is no key", async () => {
    expect(await run("list")).toMatchObject({
      code: 1,
      err: expect.stringContaining("npm run keys -- add"),
    });
  });
});
