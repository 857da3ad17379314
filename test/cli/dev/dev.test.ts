import { readFile, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  freePort,
  newProject,
  processesOf,
  type Run,
  startDev,
  untilGone,
  untilServing,
} from "./project.ts";

const TOOLS = ["package.json", "node_modules", "wrangler.toml", "src/cli"];

/** Replaces the service: shows its settings, and whether its data is kept. */
const PROBE = {
  "migrations/0001_initial.sql": "CREATE TABLE visits (at TEXT) STRICT;",
  "src/index.ts": `export default {
    async fetch(request, { DB, ISSUER, JWT_KEYS, MOOD }) {
      if (request.url.endsWith("/health")) return Response.json({ status: "ok" });
      await DB.prepare("INSERT INTO visits VALUES (datetime())").run();
      const { visits } = await DB.prepare("SELECT count(*) AS visits FROM visits").first();
      return Response.json({ visits, issuer: ISSUER, mood: MOOD, keys: JSON.parse(JWT_KEYS).keys.length });
    },
    scheduled() {},
  };`,
};

const group = (run: Run) => -run.group;
const npm = (run: Run) => run.group;
const command = (run: Run) => pidOf(run, "node src/cli/latchkey.ts dev");

function pidOf(run: Run, part: string): number {
  const found = processesOf(run).find(
    ({ command }) => command.includes(part) && !command.startsWith("sh "),
  );
  if (found === undefined) throw new Error(`no process with ${part}`);
  return found.pid;
}

it("keeps its data and leaves nothing running, however it is stopped", {
  timeout: 240_000,
}, async () => {
  const directory = await newProject(TOOLS, PROBE);
  const port = await freePort();
  const ends = [
    ["SIGINT", group],
    ["SIGHUP", group],
    ["SIGKILL", group],
    ["SIGTERM", npm],
    ["SIGTERM", command],
    ["SIGKILL", command, "https://issuer.test"],
  ] as const;
  let visits = 0;
  let secrets: string | undefined;
  for (const [signal, target, issuer] of ends) {
    const variables = ["MOOD:fine", ...(issuer ? [`ISSUER:${issuer}`] : [])];
    const run = startDev(directory, port, ["--persist-to", "kept", "--var", ...variables]);
    await untilServing(run);
    visits++;
    expect(await (await fetch(`${run.origin}/`)).json()).toEqual({
      visits,
      issuer: issuer ?? run.origin,
      mood: "fine",
      keys: 1,
    });
    process.kill(target(run), signal);
    await untilGone(run);
    const found = await readFile(join(directory, ".dev.vars"), "utf8");
    expect(found).toBe(secrets ?? found);
    secrets = found;
  }
});

it("serves a changed file immediately", { timeout: 60_000 }, async () => {
  const probe = PROBE["src/index.ts"];
  const directory = await newProject(TOOLS, PROBE);
  const run = startDev(directory, await freePort(), ["--var", "MOOD:fine"]);
  await untilServing(run);
  await writeFile(join(directory, "src/index.ts"), probe.replace("mood: MOOD", 'mood: "changed"'));
  const mood = async () => (await (await fetch(`${run.origin}/`)).json()).mood;
  await expect.poll(mood, { timeout: 20_000 }).toBe("changed");
});

describe("an interrupted start", () => {
  it("leaves nothing running", { timeout: 60_000 }, async () => {
    const directory = await newProject(TOOLS, PROBE);
    const run = startDev(directory, await freePort());
    await expect
      .poll(() => processesOf(run).some(({ command }) => command.includes("d1 migrations apply")), {
        timeout: 20_000,
      })
      .toBe(true);
    process.kill(command(run), "SIGTERM");
    expect(await run.exited).toBe(0);
    await untilGone(run);
  });

  it("tells of a migration that SQLite refuses", { timeout: 60_000 }, async () => {
    const files = { ...PROBE, "migrations/0001_initial.sql": "CREATE TABLEX visits (at TEXT);" };
    const run = startDev(await newProject(TOOLS, files), await freePort());
    expect(await run.exited).toBe(1);
    expect(run.output()).toContain('near "TABLEX": syntax error');
    expect(run.output()).not.toContain("    at ");
    await untilGone(run);
  });
});

it("serves this project, and shows its emails", { timeout: 90_000 }, async () => {
  const directory = await newProject([...TOOLS.slice(0, 3), "migrations", "src"]);
  const run = startDev(directory, await freePort());
  await untilServing(run);
  await expect.poll(run.output).toContain(`Latchkey serves at ${run.origin}`);
  for (const path of ["/console", "/docs"])
    expect(run.output()).toContain(`${run.origin}${path}\n`);
  expect(run.output()).toContain("Outbox             emails are printed in this terminal");
  const post = async (path: string, body: object) => {
    const headers = { "content-type": "application/json" };
    const sent = { method: "POST", headers, body: JSON.stringify(body) };
    return (await fetch(run.origin + path, sent)).status;
  };
  const email = "ann@example.com";
  expect(await post("/rest/user", { email, password: "the old password" })).toBe(201);
  expect(await post("/rest/user/password_reset", { email })).toBe(200);
  const mail = new RegExp(
    `\n─+\n✉ Reset your password → ${email}\n  ${run.origin}/a/(lk_act_\\w+)\n  expires in 10 min\n─+\n`,
  );
  await expect.poll(run.output).toMatch(mail);
  const [, token] = mail.exec(run.output()) ?? [];
  const input = { password: "the new password" };
  expect(await post("/api/run-action-token", { token, input })).toBe(200);
  expect(await post("/api/token/", { email, password: "the new password" })).toBe(200);
  expect(await post("/api/token/", { email, password: "the old password" })).toBe(401);
  await fetch(`${run.origin}/a/${token}?from=mail`);
  // One short line a request, neither the service's own nor wrangler's, and without what logs in.
  const line = /^ {2}POST {3}\/api\/token\/ {2}401 {2}\d+ ms {2}credentials_wrong$/m;
  await expect.poll(run.output).toMatch(line);
  await expect.poll(run.output).toMatch(/^ {2}GET {4}\/a\/… {2}410 {2}\d+ ms$/m);
  expect(run.output()).not.toMatch(/duration_ms|\[wrangler:info\] POST|env\.KV/);
});

it("serves phones and emulators with --lan, whatever routes a deployment has, and outlives a new wrangler.toml", {
  timeout: 180_000,
}, async () => {
  const toml = (await readFile("wrangler.toml", "utf8"))
    .replace(
      "preview_urls",
      'routes = [{ pattern = "auth.example.com", custom_domain = true }]\n$&',
    )
    .replace(
      "[vars]\n",
      '[vars]\nISSUER = "https://auth.example.com"\nMAIL_WEBHOOK_URL = "https://m.example"\n',
    )
    .replace("[vars]\n", `[vars]\nMAIL_WEBHOOK_SECRET = "whsec_${"A".repeat(44)}"\n`);
  const links = ["package.json", "node_modules", "migrations", "src", "tsconfig.json"];
  const directory = await newProject(links, { "wrangler.toml": toml });
  const run = startDev(directory, await freePort(), ["--lan"]);
  await untilServing(run);
  const { port } = new URL(run.origin);
  const asked = async (host: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<(string | number | undefined)[]>();
    get(`${run.origin}/health`, { headers: { host } }, (response) => {
      response.resume();
      resolve([host, response.statusCode, response.headers.location]);
    }).once("error", reject);
    return promise;
  };
  for (const host of [`localhost:${port}`, `10.0.2.2:${port}`, "latchkey:8787", "laptop.local"]) {
    expect(await asked(host)).toEqual([host, 200, undefined]);
  }
  expect(await asked("evil.example")).toEqual(["evil.example", 421, undefined]);
  await expect.poll(run.output, { timeout: 20_000 }).toContain("Changed files are served at once");
  expect(run.output()).toMatch(
    new RegExp(`Latchkey serves at http://[\\d.]+:${port}.* for this network\n`),
  );
  expect(run.output()).toContain(`Android emulator   http://10.0.2.2:${port}\n`);
  expect(run.output()).toContain("Outbox             none: emails go to MAIL_WEBHOOK_URL\n");
  const metadata = await (
    await fetch(`${run.origin}/.well-known/oauth-authorization-server`)
  ).json();
  expect(run.output()).toContain(`Latchkey serves at ${metadata.issuer}`);

  // As git writes a file: it is empty at first.
  await writeFile(join(directory, "wrangler.toml"), "");
  await expect.poll(run.output, { timeout: 20_000 }).toContain("Missing entry-point");
  await writeFile(join(directory, "wrangler.toml"), toml);
  await expect.poll(run.output, { timeout: 20_000 }).toContain("Starting it again.");
  await untilServing(run);
});
