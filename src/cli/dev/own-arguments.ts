import { type Address, originOf } from "./address.ts";
import { optionValues } from "./arguments.ts";

/**
 * What wrangler has to be told beyond what the caller said. The port, even where it is wrangler's
 * own default: wrangler would move on from a taken one, and the issuer would be wrong. And the
 * issuer: what is configured, else the origin served at.
 */
export function ownArguments(
  args: readonly string[],
  address: Address,
  configuredIssuer: string | undefined,
): string[] {
  const port = optionValues(args, "port").length > 0 ? [] : [`--port=${address.port}`];
  const named = optionValues(args, "var").some((variable) => variable.startsWith("ISSUER:"));
  const issuer = named ? [] : [`--var=ISSUER:${configuredIssuer ?? originOf(address)}`];
  return [...port, ...issuer];
}
