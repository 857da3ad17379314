import type { Credential, Person, Span } from "./credential.ts";
import type { Shown } from "./operations/jwts.ts";

export interface ActionToken {
  readonly credential: Credential;
  readonly issuer: Person;
  readonly contact: Person;
  readonly audience: Person | null;
  readonly maxUses: number;
  /** Receipts that were shown. */
  readonly receipts: Set<string>;
  /** Runs on their way, and those of which nobody knows whether they happened. */
  open: number;
}

/** One run, to be sent again as it was where its answer was lost. */
export interface Run {
  readonly token: ActionToken;
  readonly caller: Credential | null;
  readonly key: string | null;
}

/** What the model keeps beside credentials. */
export interface ActionBook {
  readonly tokens: ActionToken[];
  readonly runs: Run[];
  /** The receipt that each key was answered with, by the key as it is bound. */
  readonly byKey: Map<string, { readonly receipt: string; readonly token: ActionToken }>;
  readonly receiptOwner: Map<string, ActionToken>;
  /** Who is whose contact, by the receipts. */
  readonly links: { readonly of: Person; readonly to: Person; readonly bornTick: number }[];
  readonly signUps: { readonly email: string; state: string }[];
  readonly createdMs: Map<Credential, number>;
  readonly shown: Map<Credential, Shown>;
  beginMove(token: Credential): void;
  /** @returns whether no other move of its end can have come between */
  endMove(token: Credential, answer: { readonly status: number } | null, span: Span): boolean;
}

interface Moves {
  inFlight: number;
  /** Two at once, or one of which nobody knows. */
  unclear: boolean;
  before: Credential["expires"];
}

export function actionBook(): ActionBook {
  const moves = new Map<Credential, Moves>();
  return {
    tokens: [],
    runs: [],
    byKey: new Map(),
    receiptOwner: new Map(),
    links: [],
    signUps: [],
    createdMs: new Map(),
    shown: new Map(),
    beginMove(token) {
      const known = moves.get(token);
      if (known === undefined) {
        moves.set(token, { inFlight: 1, unclear: false, before: token.expires });
        return;
      }
      known.unclear ||= known.inFlight > 0;
      known.inFlight += 1;
      if (!known.unclear) known.before = token.expires;
    },
    endMove(token, answer) {
      const known = moves.get(token);
      if (known === undefined) return true;
      known.inFlight -= 1;
      known.unclear ||= answer === null;
      if (!known.unclear && answer !== null && answer.status >= 300) token.expires = known.before;
      return !known.unclear;
    },
  };
}
