import type { Surface } from "../../src/http/surface.ts";
import { type Call, call, type Send } from "../support/client.ts";
import { fingerprintAndForget } from "./database.ts";
import { flaws } from "./flaws.ts";

export interface Probe {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly send?: Send;
  /** The only statuses that will do here, where the suite knows. */
  readonly statuses?: readonly number[];
}

/**
 * Sends each and looks at the answer and at the database behind it.
 * @returns what is wrong, a line each
 */
export async function run(
  surface: Surface,
  probes: readonly Probe[],
  send: Call = call,
): Promise<string[]> {
  const wrong: string[] = [];
  let before = await fingerprintAndForget();
  for (const { name, method, path, send: sent, statuses } of probes) {
    const answer = await send(method, path, sent);
    const found = flaws(surface, method, answer);
    if (statuses !== undefined && !statuses.includes(answer.status)) {
      found.push(`${answer.status}, not ${statuses.join(" or ")}`);
    }
    const after = await fingerprintAndForget();
    if (answer.status >= 400 && after !== before) found.push(`${answer.status}, yet wrote`);
    before = after;
    wrong.push(...found.map((flaw) => `${method} ${path.slice(0, 80)}, ${name}: ${flaw}`));
  }
  return wrong;
}
