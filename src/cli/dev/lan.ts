import { networkInterfaces } from "node:os";
import { optionValues } from "./arguments.ts";
import { CannotStart } from "./cannot-start.ts";

export const LAN = "--lan";

/** What Android's emulator calls the machine that it runs on. */
export const EMULATOR_HOST = "10.0.2.2";

/** The same arguments for wrangler, which knows no `--lan`. */
export function lanArguments(words: readonly string[]): string[] {
  const args = words.filter((word) => word !== LAN);
  return optionValues(args, "ip").length > 0 ? args : [...args, "--ip=0.0.0.0"];
}

/** Bridges to containers and virtual machines, and tunnels: no phone is there. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|wg|zt|bridge)/;

/**
 * This machine's address in the network that it shares with phones, the likeliest first.
 * @throws CannotStart if it is in none
 */
export function lanAddresses(interfaces = networkInterfaces()): [string, ...string[]] {
  const found = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => ({ name, address })),
  );
  const isLikely = ({ name, address }: { name: string; address: string }) =>
    !VIRTUAL.test(name) && !address.startsWith("169.254.");
  const sorted = [...found.filter(isLikely), ...found.filter((each) => !isLikely(each))];
  const [first, ...more] = sorted.map(({ address }) => address);
  if (first === undefined) throw new CannotStart("--lan: this machine is in no network.");
  return [first, ...more];
}
