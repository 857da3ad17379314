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
  readonly field?: string;
  readonly message: string;
}

/** What a run writes, and what it answers. */
export interface ActionPlan {
  /**
   * The effect. Each statement must depend on `claimed`, which is true inside the batch if, and only
   * if, this run got its use; a statement without it is refused.
   */
  writes(claimed: Sql): readonly Sql[];
  /** The answer to the one who runs it. */
  readonly answer: Json;
  /** What happened, as an event of its own: a kind of core/events.ts, or one that the action declares. */
  readonly event?: string | Sql;
  readonly changes?: AccountChange;
}

/** The account whose row an action changes: its copies and caches are then invalidated, and the event is its own. */
export interface AccountChange {
  readonly userId: string;
  /** Whether it raises the credential version, and so revokes every credential of the account. */
  readonly revokesCredentials: boolean;
  /** Log-ins that it revokes, by a write of its own with the time of the run: each gets its tombstone. */
  readonly revokesLogins?: readonly string[];
  /** Whether the tokens stay valid with which the former mailbox can restore a changed email. */
  readonly keepsUndo?: true;
  /** The notice to the email before the change, if `if` holds before it. */
  readonly notice?: { readonly kind: SecurityNotice; readonly if: Sql };
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

/** How a text that a user has set is put into a sentence. */
export type SetText = (text: string) => string;

/** Who runs it, and when. */
export interface RunBy {
  /** The user it runs for: the caller, or the issuer if no one is logged in. */
  readonly runner: string;
  readonly tokenId: string;
  readonly nowMs: number;
}

/** An action with the payload and the issuer of a token. The payload was parsed once, and is not parsed again. */
export interface PreparedAction {
  /** The payload as a token stores it: preparing that gives the same. */
  stored(): Json;
  /**
   * What must hold when a token is issued, and at each run.
   * @param runner null where it is not known yet: at issue, and on the page before the log-in
   */
  check(runner: string | null): readonly Condition[];
  /** A run with invalid input is refused, and takes no use. */
  receive(input: Json): Parsed<(by: RunBy) => Promise<Planned>>;
  /** The users whose names `describe` needs. */
  referencedUserIds(): readonly string[];
  /** @param nameOf a user's display name, or a word for someone without one: never their email */
  describe(nameOf: (userId: string) => string, set: SetText): Described;
  /** What must hold so that a run by this user would change something; otherwise the page offers none. */
  offered(runner: string): readonly Condition[];
}

/** A table of an action's own that holds rows about users. */
export interface PersonalTable {
  readonly name: string;
  /** The column with the id of the user whose row it is. Their export has the row, and it is deleted with their account. */
  readonly userColumn: string;
  /** A column with the time, in milliseconds since 1970, from which housekeeping deletes the row; null keeps it. */
  readonly expiresColumn?: string;
}

/**
 * What an action token can do. An action writes nothing itself: it returns what to write and what to
 * answer, and the core runs that in one batch with the use of the token.
 */
export interface Action {
  readonly name: string;
  /** Issued by the service alone, to the user's mailbox; unknown to everyone else. */
  readonly isInternal: boolean;
  /** Whether its plan takes work, such as a password hash, that only a token that can run may cause. */
  readonly isExpensive: boolean;
  /** Whether a run without a logged-in caller is refused with 401. */
  readonly needsCaller: boolean;
  /** Its own kinds of events, with the sentence that their user reads. */
  readonly events: Readonly<Record<string, string>>;
  readonly tables: readonly PersonalTable[];
  prepare(payload: Json, issuerId: string): Parsed<PreparedAction>;
  /**
   * Why a run is refused whose writes broke a constraint.
   * @param constraint as SQLite names it: columns, the name of a CHECK, `FOREIGN KEY`, or the text of a trigger
   */
  constraintMessage(constraint: string): string | null;
  readonly page: ActionPage;
  /** Valibot's, for the API document, which alone converts them; null for what it has not. */
  readonly schemas: {
    readonly payload: unknown;
    readonly input: unknown;
    readonly answer: unknown;
  };
  /** Null where a form cannot express the schema. */
  readonly payloadFields: readonly FormField[] | null;
  readonly inputFields: readonly FormField[] | null;
}

/** An action as people see it: behind a link, and in a form that issues its tokens. */
export interface ActionPage {
  readonly title: string;
  /** Whole sentences, for the one who issues a token: what its holder can do. */
  readonly note: string;
  /** The heading and the button for the one who opens the link. */
  readonly button: string;
  /**
   * Whether a person has to log in first. An action that programs may run without a caller, for its
   * issuer, is still meant for the person in front of the page.
   */
  readonly asksForLogin: boolean;
  /** What the form for a new token offers at a click; the first is chosen. */
  readonly presets: readonly Preset[];
  /** Where the page leads once it was run, or there is nothing left to do. */
  readonly next: PageLink | null;
  /** Where another link like it can be asked for. */
  readonly renew: PageLink | null;
}

/** Terms of a new token. */
export interface Preset {
  /** Otherwise made of the numbers: "10 people, 1 day". */
  readonly title?: string;
  readonly uses: number;
  readonly seconds: number;
}

/** @property href a path of this service, or an https URL */
export interface PageLink {
  readonly text: string;
  readonly href: string;
}

/** The plan, or why this run is impossible. */
export type Planned = ActionPlan | { readonly rejected: string };

export interface ActionRegistry {
  readonly all: readonly Action[];
  find(name: string): Action | undefined;
}
