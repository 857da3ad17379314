#!/usr/bin/env node
import process from "node:process";

/** The command `latchkey`, of which this repository's scripts and those of a project of one's own are parts. */
const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  init: () => import("./init.ts"),
  dev: () => import("./dev.ts"),
  migrate: () => import("./migrate.ts"),
  keys: () => import("./keys.ts"),
  users: () => import("./users.ts"),
  events: () => import("./events.ts"),
  deploy: () => import("./deploy.ts"),
  tour: () => import("./tour.ts"),
};
/** @returns the exit code */
type Command = (args: readonly string[]) => Promise<number>;

const HELP = `Usage: latchkey <command>

  init <folder>   writes a project of your own: a Worker, an action, its table and its test

In a project, each also as npm run <command>:

  dev             serves it on this machine
  migrate         applies migrations to its database
  keys            lists and rotates the keys that sign JWTs
  users           manages accounts
  events          lists events that could not be delivered, and sends them again
  deploy          deploys it to Cloudflare
  tour            tries a running server

Each prints its usage with --help.`;

/** wrangler's. Only `init` is run before the project's own Node is installed. */
const NEEDED_NODE = 22;

const [name = "--help", ...args] = process.argv.slice(2);
const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (name === "--help" || name === "-h") {
  console.log(HELP);
} else if (load === undefined) {
  console.error(`Unknown command: ${name}. Try: npx latchkey --help`);
  process.exitCode = 2;
} else if (name !== "init" && Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  console.error(`This needs Node ${NEEDED_NODE} or later, and is run by Node ${process.versions.node}.
A project can have a Node of its own: npm install --save-dev node@24`);
  process.exitCode = 1;
} else {
  const { command } = await load();
  process.exitCode = await command(args);
}
