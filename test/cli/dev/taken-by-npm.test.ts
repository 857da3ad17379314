import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { DEV_FLAGS } from "../../../src/cli/dev-arguments.ts";
import { newProject } from "./project.ts";

const FILES = ["package.json", "node_modules", "wrangler.toml", "migrations", "src"];

/** As users type it, so that npm parses the arguments first; in a new project. */
async function typed(line: string, npmrc = "") {
  const directory = await newProject(FILES, npmrc === "" ? {} : { ".npmrc": npmrc });
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = { ...Object.fromEntries(inherited), npm_config_update_notifier: "false" };
  const ran = await new Promise<{ code: number; said: string }>((resolve) => {
    execFile("npm", ["run", ...line.split(" ")], { cwd: directory, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: out + err });
    });
  });
  const isUntouched = async (file: string) =>
    (await stat(join(directory, file)).catch(() => null)) === null;
  return {
    ...ran,
    untouched: (await isUntouched(".wrangler")) && (await isUntouched(".dev.vars")),
  };
}

/** What was typed without --, and what the command suggests. */
const WITHOUT_DASHES = [
  ["users disable eve@example.com --remote", "users -- disable eve@example.com --remote"],
  ["users disable eve@example.com --remote=true", "users -- disable eve@example.com --remote"],
  ["users --remote disable eve@example.com", "users -- disable eve@example.com --remote"],
  ["users import people.jsonl --remote", "users -- import people.jsonl --remote"],
  ["users add a@example.com --role Admin", "users -- add a@example.com --role Admin"],
  ["users add a@example.com --role=Admin", "users -- add a@example.com --role Admin"],
  ["users add a@example.com --password-stdin", "users -- add a@example.com --password-stdin"],
  ["users list --limit 5", "users -- list --limit 5"],
  ["users list --limit=5 --cursor=a@b.co", "users -- list --limit 5 --cursor a@b.co"],
  ["users list --persist-to elsewhere", "users -- list --persist-to elsewhere"],
  ["users list --remote --env staging", "users -- list --remote --env staging"],
  ["users list --remote --config other.toml", "users -- list --remote --config other.toml"],
  ["keys add --alg EdDSA", "keys -- add --alg EdDSA"],
  ["keys add --alg=EdDSA", "keys -- add --alg EdDSA"],
  ["keys list --file .deploy.vars", "keys -- list --file .deploy.vars"],
  ["deploy --dry-run", "deploy -- --dry-run"],
  ["deploy --upload", "deploy -- --upload"],
  ["deploy --issuer https://auth.example.com", "deploy -- --issuer https://auth.example.com"],
  ["deploy --region weur", "deploy -- --region weur"],
  ["deploy --env staging", "deploy -- --env staging"],
  ["deploy --config other.toml", "deploy -- --config other.toml"],
  ["tour --url https://auth.example.com", "tour -- --url https://auth.example.com"],
  ["dev --port 8799", "dev -- --port 8799"],
  ["dev --port=8799", "dev -- --port 8799"],
  ["dev --lan", "dev -- --lan"],
  ["dev --persist-to elsewhere", "dev -- --persist-to elsewhere"],
  ["dev --persistTo elsewhere", "dev -- --persist-to elsewhere"],
  ["dev --ip 0.0.0.0", "dev -- --ip 0.0.0.0"],
  ["dev --local-protocol https", "dev -- --local-protocol https"],
  ["dev --var LOG:requests", "dev -- --var LOG:requests"],
  ["dev --name other", "dev -- --name other"],
  ["dev --remote", "dev -- --remote"],
] as const;

describe("options that npm takes for itself if -- is missing", () => {
  it.concurrent.each(WITHOUT_DASHES)("npm run %s", { timeout: 60_000 }, async (line, meant) => {
    const { code, said, untouched } = await typed(line);
    expect(said).toContain("for itself, so nothing was done");
    expect(said).toContain(`  npm run ${meant}\n`);
    expect([code === 0, untouched]).toEqual([false, true]);
  });

  it("are distinguished from those that reached the command", { timeout: 60_000 }, async () => {
    const { code, said } = await typed("keys -- list --file none.vars", "file=other\n");
    expect([code, said]).toEqual([1, expect.stringContaining("no JWT_KEYS in none.vars")]);
  });

  it("do not include npm's own loglevel", { timeout: 60_000 }, async () => {
    const { code, said } = await typed("dev -- --port 0", "loglevel=error\n");
    expect([code, said]).toEqual([1, expect.stringContaining("--port takes a number")]);
  });

  it("may come from an .npmrc, and the message says so", { timeout: 60_000 }, async () => {
    const { code, said } = await typed("users list", "remote=true\n");
    expect(code).not.toBe(0);
    expect(said).toContain("an .npmrc or the environment sets it for npm");
  });
});

it("include every option of wrangler dev", { timeout: 60_000 }, async () => {
  const { said } = await typed("dev -- --help");
  const [, help = ""] = stripVTControlCharacters(said).split("GLOBAL FLAGS");
  const names = [...help.matchAll(/^ {2}(?:-\w,| {3}) --.*?(?= {2})/gm)].flatMap(([names]) =>
    Array.from(names.matchAll(/--([a-z-]+)/g), ([, name]) => name ?? ""),
  );
  const harmless = ["help", "version", "install-skills"];
  expect(names.length).toBeGreaterThan(30);
  expect(new Set([...names.filter((name) => !harmless.includes(name)), "lan"])).toEqual(
    new Set(Object.keys(DEV_FLAGS)),
  );
});
