import type { Sent } from "../load.ts";
import type { Server } from "../server.ts";
import type { ServerName } from "../servers.ts";
import type { Signer } from "../signer.ts";

export interface Case {
  /** As `--cases` names it. */
  readonly name: string;
  readonly title: string;
  readonly server: ServerName;
  /** In a round: enough for a third of a second of the server's time. */
  readonly requests: number;
  readonly connections?: number;
  /** What its CPU time is to reach, as a multiple of another case's in the same round. */
  readonly bound?: { readonly times: number; readonly of: string };
  /** What a title in a chart or a table groups it under. */
  readonly of: "Latchkey" | "better-auth" | "reference";
  prepare(server: Server, signer: Signer): Promise<Rounds>;
}

/** Called before each round, with how many requests are to come: what it does is not measured. */
export type Rounds = (requests: number) => Promise<() => Sent>;

/** The same request again and again. */
export const always =
  (sent: Sent): Case["prepare"] =>
  async () =>
  async () =>
  () =>
    sent;

/** One after the other, and from the first again. */
export function inTurn<T>(items: readonly T[]): () => T {
  let next = 0;
  return () => {
    const item = items[next++ % items.length];
    if (item === undefined) throw new Error("there is nothing to send");
    return item;
  };
}
