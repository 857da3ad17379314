import type { Problem } from "./fault.ts";
import type { FormField } from "./form.ts";
import type { SecurityNotice } from "./notices.ts";
import type { Json } from "./token.ts";

/** A piece of SQL with its values bound separately, from the `sql` template tag. */
export interface Sql {
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
}

/** Something about the database that must hold at the instant of the run. */
export interface Condition {
  /** A boolean expression. */
  readonly holds: Sql;
  /** The member of the payload that it is about. */
  readonly field: string;
  readonly message: string;
}

export interface ActionPlan {
  /**
   * The effect. Each statement must depend on `claimed`, which is true inside the batch if, and only
   * if, this run got its use; a statement without it is refused.
   */
  writes(claimed: Sql): readonly Sql[];
  /** The answer to the one who runs it. */
  readonly data: Json;
  /** The account that it changes, whose copies and caches are then invalidated. */
  readonly changes?: {
    readonly userId: string;
    /** Whether it raises the credential version, and so revokes every credential of the account. */
    readonly revokesCredentials: boolean;
    /** Whether the tokens stay valid with which the former mailbox can restore a changed email. */
    readonly keepsUndo?: true;
    /** One of core/events.ts. */
    readonly event:
      | "password.changed"
      | "email.verified"
      | "email.changed"
      | "email.restored"
      | Sql;
    /** The notice to the email before the change, if `if` holds before it. */
    readonly notice?: { readonly kind: SecurityNotice; readonly if: Sql };
  };
}

export interface ActionRun<Payload, Input = Json> {
  readonly payload: Payload;
  /** What the runner sent with the token. */
  readonly input: Input;
  readonly issuerId: string;
  /** The user it runs for: the caller, or the issuer if no one is logged in. */
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
  /** A user's display name, or a word for someone without one: never their email. */
  nameOf(userId: string): string;
}

/** An action as people see it: behind a link, and in a form that issues its tokens. */
export interface ActionPage<Payload = Json> {
  readonly title: string;
  /** Whole sentences, for the one who issues a token: what its holder can do. */
  readonly note: string;
  /**
   * Whether a person has to log in first. An action that programs may run without a caller, for its
   * issuer, is still meant for the person in front of the page.
   */
  readonly asksForLogin: boolean;
  /** The users whose names `describe` needs. */
  referencedUserIds(payload: Payload, issuerId: string): readonly string[];
  describe(what: ActionOf<Payload>): Described;
  /** What must hold so that a run by this user would change something; otherwise the page offers none. */
  offered?(payload: Payload, issuerId: string, runnerId: string): readonly Condition[];
}

/**
 * What an action token can do. An action writes nothing itself: it returns what to write and what to
 * answer, and the core runs that in one batch with the use of the token.
 */
export interface Action<Payload = Json, Input = Json> {
  readonly name: string;
  /** Issued by the service alone, to the user's mailbox; unknown to everyone else. */
  readonly isInternal: boolean;
  /** Whether its plan takes work, such as a password hash, that only a token that can run may cause. */
  readonly isExpensive: boolean;
  /** Whether a run without a logged-in caller is refused with 401. */
  readonly needsCaller: boolean;
  parse(payload: Json): Parsed<Payload>;
  /** A run with invalid input is refused, and takes no use. */
  parseInput(input: Json): Parsed<Input>;
  /** Asked when a token is issued, and again at each run. */
  conditions(payload: Payload, issuerId: string): readonly Condition[];
  plan(run: ActionRun<Payload, Input>): Planned | Promise<Planned>;
  readonly page: ActionPage<Payload>;
  /** Null where a form cannot express the schema. */
  readonly payloadFields: readonly FormField[] | null;
  readonly inputFields: readonly FormField[] | null;
}

/** The plan, or why this run is impossible. */
export type Planned = ActionPlan | { readonly rejected: string };

export interface ActionRegistry {
  readonly all: readonly Action[];
  find(name: string): Action | undefined;
}
