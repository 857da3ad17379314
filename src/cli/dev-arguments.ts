import { networkInterfaces } from "node:os";
import type { Flags } from "./arguments.ts";
import { CliError } from "./cli-error.ts";

const flags = (type: "string" | "boolean", names: string): Flags =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, { type }] as const),
  );

/** What `wrangler dev` takes, according to its help; a test compares. And `--lan`, which is ours. */
export const DEV_FLAGS: Flags = {
  ...flags(
    "boolean",
    `infer-origin-from-routes lan latest live-reload local minify no-bundle remote
    show-interactive-dev-session test-scheduled tunnel types`,
  ),
  ...flags(
    "string",
    `alias assets compatibility-date compatibility-flag compatibility-flags config cwd define env env-file
    host https-cert-path https-key-path inspector-ip inspector-port ip jsx-factory jsx-fragment local-protocol
    local-upstream log-level name persist-to port profile route routes tsconfig tunnel-allowed-mail tunnel-name
    upstream-protocol var`,
  ),
};

/**
 * What follows `--name` in arguments for wrangler, read as wrangler reads them: `--name=value`, or
 * every word up to the next option, because some options (`--var A:1 B:2`) take more than one; a
 * name of two words in kebab or camel case.
 */
export function optionValues(args: readonly string[], name: string): string[] {
  const values: string[] = [];
  let taking = false;
  for (const arg of args) {
    if (arg === "--") break;
    if (arg.startsWith("-")) {
      const [option = "", ...value] = arg.split("=");
      const named =
        option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) === `--${name}`;
      taking = named && value.length === 0;
      if (named && !taking) values.push(value.join("="));
    } else if (taking) {
      values.push(arg);
    }
  }
  return values;
}

/** What `--var NAME:value` sets a variable to. */
export function variable(args: readonly string[], name: string): string | undefined {
  const found = optionValues(args, "var").findLast((each) => each.startsWith(`${name}:`));
  return found?.slice(name.length + 1);
}

/** Where the service will listen. */
export interface Address {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

const EVERY_INTERFACE = ["*", "0.0.0.0", "::"];

/** @throws CliError if `--port` is not a port. Port 0 is not: the issuer names the port before the start. */
export function readAddress(args: readonly string[]): Address {
  const port = optionValues(args, "port").at(-1) ?? "8787";
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new CliError(`--port takes a number from 1 to 65535, not "${port}".`);
  }
  return {
    protocol: optionValues(args, "local-protocol").at(-1) ?? "http",
    host: optionValues(args, "ip").at(-1) ?? "localhost",
    port: Number(port),
  };
}

/** The origin of the address for a browser on this machine, or under another host name. */
export function originOf(address: Address, name?: string): string {
  const host = name ?? (EVERY_INTERFACE.includes(address.host) ? "localhost" : address.host);
  const quoted = host.includes(":") ? `[${host}]` : host;
  return new URL(`${address.protocol}://${quoted}:${address.port}`).origin;
}

interface Configured {
  /** Settings in the files that wrangler reads, and ISSUER of the environment. */
  readonly settings: NodeJS.Dict<string>;
  /** This machine's addresses, with `--lan`. */
  readonly lan: readonly string[] | null;
}

const OUTBOX_ON = "--var=MAIL_OUTBOX:on";

/** Whether the arguments make the service print mails. */
export const hasOutbox = (args: readonly string[]) => variable(args, "MAIL_OUTBOX") === "on";

/**
 * The arguments for wrangler: the caller's, and what it has to be told beyond those.
 * - The port, even if it is wrangler's default: wrangler would move on from one in use, and the issuer be wrong.
 * - ISSUER, if it is not configured. MAIL_OUTBOX, if that is this machine: elsewhere the service refuses it.
 * - Routes: wrangler would give each request the host name of a deployment's route, and the service
 *   would redirect all of them to HTTPS.
 */
export function wranglerArguments(
  args: readonly string[],
  { settings, lan }: Configured,
): string[] {
  const address = readAddress(args);
  const issuer = variable(args, "ISSUER") ?? settings.ISSUER ?? originOf(address, lan?.[0]);
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(
    URL.parse(issuer)?.hostname ?? "",
  );
  const unset = (name: string) =>
    variable(args, name) === undefined && settings[name] === undefined;
  const routes = /^--(?:no-)?infer-origin-from-routes(?:=|$)/;
  return [
    ...args,
    ...(optionValues(args, "port").length > 0 ? [] : [`--port=${address.port}`]),
    ...(variable(args, "ISSUER") === undefined ? [`--var=ISSUER:${issuer}`] : []),
    ...((lan || isLoopback) && variable(args, "MAIL_OUTBOX") === undefined ? [OUTBOX_ON] : []),
    ...(unset("DEV") ? [`--var=DEV:${lan ? "lan" : "on"}`] : []),
    ...(args.some((arg) => routes.test(arg)) ? [] : ["--infer-origin-from-routes=false"]),
  ];
}

/** Bridges to containers and virtual machines, and tunnels: there is no phone behind them. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|wg|zt|bridge)/;

/**
 * This machine's addresses in networks, first those that a phone can most likely reach.
 * @throws CliError if it is in none
 */
export function lanAddresses(interfaces = networkInterfaces()): [string, ...string[]] {
  const found = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => ({
        address,
        rank: VIRTUAL.test(name) || address.startsWith("169.254.") ? 1 : 0,
      })),
  );
  const sorted = found.sort((a, b) => a.rank - b.rank).map(({ address }) => address);
  const [first, ...more] = sorted;
  if (first === undefined) throw new CliError("--lan: this machine is not in a network.");
  return [first, ...more];
}
