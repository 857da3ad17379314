import type { Passkey } from "./authenticator.ts";
import type { Credential, Factor, Person, Revoker, Span } from "./credential.ts";
import type { MailType } from "../../src/core/mail.ts";
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

/** A request that uses something up. */
interface Use {
  state: Revoker["state"];
  endTick: number;
}

/** One email with a link and a code. */
export interface Letter {
  readonly email: string;
  askedTick: number;
  /** Empty until it is known, and so is what follows from the answer. */
  challenge: string;
  expiresMs: number;
  mail: { readonly token: string; readonly code: string; readonly tick: number } | null;
  readonly uses: Use[];
  /** Of its code. */
  readonly tries: {
    readonly isRight: boolean;
    readonly isSure: boolean;
    readonly endMs: number;
    readonly endTick: number;
  }[];
}

/** An email whose token runs an action. */
export interface ActionMail {
  readonly type: MailType;
  readonly to: string;
  readonly token: string;
  readonly tick: number;
  readonly atMs: number;
  wins: number;
}

/** For a new passkey of its owner, or for a log-in. */
export interface Challenge {
  readonly owner: Person | null;
  readonly challenge: string;
  readonly expiresMs: number;
  readonly uses: Use[];
}

export interface Authenticator extends Passkey {
  readonly counts: boolean;
  readonly shown: (Use & { readonly counter: number })[];
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
  readonly letters: Letter[];
  readonly mails: ActionMail[];
  /** Shared secrets that were shown, and may not be confirmed yet. */
  readonly pending: { readonly person: Person; readonly factor: Factor }[];
  /** First halves of pages' log-ins. */
  readonly halves: {
    readonly person: Person;
    readonly sealed: string;
    readonly madeMs: number;
    readonly madeTick: number;
  }[];
  readonly challenges: Challenge[];
  readonly passkeys: Map<Credential, Authenticator>;
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
    letters: [],
    mails: [],
    pending: [],
    halves: [],
    challenges: [],
    passkeys: new Map(),
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
