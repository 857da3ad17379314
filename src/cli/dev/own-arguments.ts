import { type Address, originOf } from "./address.ts";
import { hasOption, optionValues } from "./arguments.ts";

/**
 * What every start is told. LOG: wrangler prints a short line for each request by itself, and a long one
 * beside it would bury the mails. Routes: wrangler would give every request the host name of a
 * deployment's route, and the service would send all of them to HTTPS.
 */
export function quietArguments(
  args: readonly string[],
  settings: NodeJS.Dict<string>,
  isLan: boolean,
): readonly string[] {
  const isSaid = (name: string) =>
    variable(args, name) !== undefined || settings[name] !== undefined;
  return [
    ...(isSaid("LOG") ? [] : ["--var=LOG:errors"]),
    ...(isSaid("DEV") ? [] : [`--var=DEV:${isLan ? "lan" : "on"}`]),
    ...(hasOption(args, "infer-origin-from-routes") ? [] : ["--infer-origin-from-routes=false"]),
  ];
}

/** Mails are printed in the terminal of npm run dev. */
export const OUTBOX_ON = "--var=MAIL_OUTBOX:on";

/**
 * What wrangler has to be told beyond what the caller said. The port, even where it is wrangler's
 * own default: wrangler would move on from a taken one, and the issuer would be wrong. The issuer:
 * what is configured, else the origin served at. And, where that is this machine, that mails are
 * printed: the service refuses to start with MAIL_OUTBOX elsewhere.
 */
export function ownArguments(
  args: readonly string[],
  address: Address,
  configuredIssuer: string | undefined,
  isLan = false,
): string[] {
  const port = optionValues(args, "port").length > 0 ? [] : [`--port=${address.port}`];
  const named = variable(args, "ISSUER");
  const issuer = named ?? configuredIssuer ?? originOf(address);
  return [
    ...port,
    ...(named === undefined ? [`--var=ISSUER:${issuer}`] : []),
    ...((isLan || isLoopback(issuer)) && variable(args, "MAIL_OUTBOX") === undefined
      ? [OUTBOX_ON]
      : []),
  ];
}

/** What `--var NAME:value` gives a variable. */
export function variable(args: readonly string[], name: string): string | undefined {
  const found = optionValues(args, "var").findLast((each) => each.startsWith(`${name}:`));
  return found?.slice(name.length + 1);
}

function isLoopback(issuer: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(URL.parse(issuer)?.hostname ?? "");
}
