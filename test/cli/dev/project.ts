import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const START_MS = 60_000;
const END_MS = 10_000;

/**
 * A directory with links to the named files of this project, and with the given files. It is a separate project,
 * so that the developer's .dev.vars and data are not touched.
 */
export async function newProject(
  links: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-dev-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const place = async (path: string) => {
    await mkdir(join(directory, dirname(path)), { recursive: true });
    return join(directory, path);
  };
  for (const path of links) await symlink(join(ROOT, path), await place(path));
  for (const [path, text] of Object.entries(files)) await writeFile(await place(path), text);
  return directory;
}

/** A run of `npm run dev` in its own process group, as in a terminal. */
export interface Run {
  readonly origin: string;
  readonly group: number;
  readonly exited: Promise<number | NodeJS.Signals | null>;
  output(): string;
}

export function startDev(directory: string, port: number, args: readonly string[] = []): Run {
  const { ISSUER: _, ...env } = process.env;
  const npm = spawn("npm", ["run", "dev", "--", "--port", String(port), ...args], {
    cwd: directory,
    detached: true,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (npm.pid === undefined) throw new Error("npm did not start");
  let output = "";
  const read = (bytes: Buffer) => {
    output += bytes;
  };
  npm.stdout.on("data", read);
  npm.stderr.on("data", read);
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    npm.once("exit", (code, signal) => resolve(signal ?? code));
  });
  const run = {
    origin: `http://localhost:${port}`,
    group: npm.pid,
    exited,
    output: () => output,
  };
  onTestFinished(() => {
    if (processesOf(run).length > 0) process.kill(-run.group, "SIGKILL");
  });
  return run;
}

/** Waits until the service is healthy. */
export async function untilServing(run: Run): Promise<void> {
  const health = async () => {
    const response = await fetch(`${run.origin}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "ok" });
  };
  await Promise.race([
    vi.waitFor(health, { timeout: START_MS, interval: 50 }),
    run.exited.then((code) => {
      throw new Error(`ended with ${code} before it served:\n${run.output()}`);
    }),
  ]);
}

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** The remaining processes of the run's group, without zombies. */
export function processesOf(run: Run): Process[] {
  return execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , group, state]) => Number(group) === run.group && !state?.startsWith("Z"))
    .map(([, pid, , , command = ""]) => ({ pid: Number(pid), command }));
}

/** Waits until the run has no processes left and its port is free. */
export async function untilGone(run: Run): Promise<void> {
  await expect.poll(() => processesOf(run), { timeout: END_MS, interval: 50 }).toEqual([]);
  const port = Number(new URL(run.origin).port);
  await vi.waitFor(() => freePort(port), { timeout: END_MS, interval: 50 });
}

/** @returns a free port: the given one, or any */
export function freePort(port = 0): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "localhost", () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : 0));
    });
  });
}
