import type { Problem } from "./fault.ts";
import type { FormField } from "./form.ts";
import type { SecurityNotice } from "./notices.ts";
import type { Json } from "./token.ts";

/** A piece of SQL, its values bound apart from it; made by the `sql` template tag. */
export interface Sql {
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
}

/** Something about the database that must hold at the instant of the claim. */
export interface Condition {
  /** A boolean expression. */
  readonly holds: Sql;
  /** The member of the payload that it speaks of. */
  readonly field: string;
  readonly message: string;
}

export interface ActionPlan {
  /**
   * The effect. Each statement must stand under `claimed`, which is true inside the claiming batch
   * if, and only if, this run got its use: one without it is refused.
   */
  writes(claimed: Sql): readonly Sql[];
  /** What the one who runs it is told. */
  readonly data: Json;
  /** Whose account it changes: what copies and memories say of her is then forgotten. */
  readonly changes?: {
    readonly userId: string;
    /** Whether it raises her credential version, and so ends every credential that she has. */
    readonly revokesCredentials: boolean;
    /** Whether those tokens stay by which her former mailbox can put a changed e-mail back. */
    readonly keepsUndo?: true;
    /** One of core/events.ts. */
    readonly event:
      | "password.changed"
      | "email.verified"
      | "email.changed"
      | "email.restored"
      | Sql;
    /** What the e-mail of before is told of it, if `if` holds before. */
    readonly notice?: { readonly kind: SecurityNotice; readonly if: Sql };
  };
}

export interface ActionRun<Payload, Input = Json> {
  readonly payload: Payload;
  /** What the one who runs it sent with the token. */
  readonly input: Input;
  readonly issuerId: string;
  /** The user for whom it runs: the caller, or the issuer where nobody is logged in. */
  readonly runnerId: string;
  readonly nowMs: number;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What a run means to the one who is about to run it, or who has. */
export interface Described {
  /** Whole sentences: what will happen. */
  readonly before: string;
  /** Whole sentences: what has happened. */
  readonly after: string;
}

export interface ActionOf<Payload> {
  readonly payload: Payload;
  readonly issuerId: string;
  /** What a user calls herself, or a word for somebody who says nothing: never her e-mail. */
  nameOf(userId: string): string;
}

/** An action as people meet it: behind a link, and in a form that issues its tokens. */
export interface ActionPage<Payload = Json> {
  readonly title: string;
  /** Whole sentences, for who may issue a token: what whoever gets it can do. */
  readonly note: string;
  /**
   * Whether a person is to log in first. An action that programs may run without a caller, for its
   * issuer, is still meant for the person in front of the page.
   */
  readonly asksForLogin: boolean;
  /** The users whose names `describe` asks for. */
  referencedUserIds(payload: Payload, issuerId: string): readonly string[];
  describe(what: ActionOf<Payload>): Described;
  /** What must hold so that a run by this user would change something: else the page offers none. */
  offered?(payload: Payload, issuerId: string, runnerId: string): readonly Condition[];
}

/**
 * What an action token can do. An action writes nothing itself: it returns what to write and what
 * to answer, and the core runs it with the claim in one batch.
 */
export interface Action<Payload = Json, Input = Json> {
  readonly name: string;
  /** Issued by the service alone, to the user's mailbox: for everybody else it is no action. */
  readonly isInternal: boolean;
  /** Whether its plan takes work, such as a password hash, that only a token that can run may cause. */
  readonly isExpensive: boolean;
  /** Whether a run without a logged-in caller is refused with 401. */
  readonly needsCaller: boolean;
  parse(payload: Json): Parsed<Payload>;
  /** A run with another input than it takes is refused, and uses nothing up. */
  parseInput(input: Json): Parsed<Input>;
  /** Asked when a token is issued, and again at each run. */
  conditions(payload: Payload, issuerId: string): readonly Condition[];
  plan(run: ActionRun<Payload, Input>): Planned | Promise<Planned>;
  readonly page: ActionPage<Payload>;
  /** Null where a form cannot say what the schema takes. */
  readonly payloadFields: readonly FormField[] | null;
  readonly inputFields: readonly FormField[] | null;
}

/** The plan, or why this run cannot be. */
export type Planned = ActionPlan | { readonly rejected: string };

export interface ActionRegistry {
  readonly all: readonly Action[];
  find(name: string): Action | undefined;
}
