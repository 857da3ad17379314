import type { Sql } from "sql-template-tag";
import type { PersonalTable } from "../core/action.ts";
import type { CallerRef, WayIn } from "../core/caller.ts";
import type { Device } from "../core/devices.ts";
import type { AuditEvent } from "../core/events.ts";
import type { SecurityNotice } from "../core/notices.ts";
import type { Lifetimes } from "../core/token.ts";
import type { Caches, InvalidateUser } from "./cache.ts";
import type { Background, StoreUsage } from "./calls.ts";
import type { Database } from "./d1.ts";
import type { KvTokens, KvUsers } from "./kv.ts";
import type { Replicas } from "./replicas.ts";
import type { DatabaseSize } from "./size.ts";
import type { PendingRevocations, RevocationPolicy } from "./revocation.ts";

/** What the stores ask about the request being served; in a cron run there is none, and it is empty. */
export interface Served {
  /** Counts the store calls of the request; null where there is none. */
  usage(): StoreUsage | null;
  requestId(): string;
  /** In the form in which it may be stored. */
  client(): AuditClient;
  /** What sent it and roughly from where, as far as that may be stored. */
  device(): Device;
  /** The network that asks for an email. */
  network(): string;
  /** The network that log-in attempts are counted by. */
  attemptNetwork(): AttemptNetwork;
  /** The network that refused credentials are counted by: the widest that one holder may have. */
  noisyNetwork(): string;
  /** The networks that rate limits count, the narrowest first. */
  limitedNetworks(): readonly string[];
}

export interface AttemptNetwork {
  /** Empty where it is not known. */
  readonly name: string;
  /** Not where strangers share it. */
  readonly mayBeKnown: boolean;
}

/** What every store of one isolate is built from. */
export interface StorageContext {
  readonly db: Database;
  readonly size: DatabaseSize;
  readonly replicas: Replicas;
  readonly kv: KvTokens;
  /** KV's copies of users. */
  readonly copies: KvUsers;
  readonly background: Background;
  readonly policy: RevocationPolicy;
  readonly lifetimes: Lifetimes;
  readonly caches: Caches;
  readonly invalidatingUser: InvalidateUser;
  readonly revocations: PendingRevocations;
  readonly events: AuditStatements;
  readonly notices: NoticeStatements;
  readonly devices: DeviceStatements;
  readonly served: Served;
  readonly waysIn: WaysIn;
  /** Whether a caller is active and an operator, at that instant: part of every statement that writes for one. */
  readonly isOperator: (caller: CallerRef, nowMs: number) => Sql;
  /** Those of actions of the deployment's own. */
  readonly tables: readonly PersonalTable[];
}

/** What opens accounts beside identities and passkeys, as the settings have it. */
export interface WaysIn {
  readonly password: boolean;
  /** A link or code by email: every account without passwords, otherwise those that have used it. */
  readonly email: boolean;
}

export interface AuditRow {
  /** A kind of core/events.ts, or one that an action declares. */
  readonly what: string | Sql;
  /** The user whose event it is, and who may read it. */
  readonly userId: string | Sql;
  readonly actorId: string | Sql | null;
  readonly credentialId: string | Sql | null;
  readonly subjectId: string | Sql | null;
  readonly outcome?: "done" | "refused";
  /** The user who reads it must not learn where another one was. */
  readonly hidesClient?: boolean;
  /** Whether it is kept as security although its kind is routine: a log-in from a new device. */
  readonly isKept?: Sql;
  /** An operator is the actor: the user learns no more than that. */
  readonly byOperator?: boolean;
  /** If it belongs to another request than the one being served. */
  readonly client?: AuditClient;
  readonly count?: number;
}

/** Builds the statements that write an event, and queue it for each receiver. */
export interface AuditStatements {
  /**
   * Comes right after the statement that it describes, in the same batch: a row is written if, and
   * only if, that statement changed one.
   */
  after(row: AuditRow, nowMs: number): readonly Sql[];
  /** The same for what a caller does to their own account. */
  afterCaller(
    what: AuditRow["what"],
    caller: CallerRef,
    subjectId: string | null,
    nowMs: number,
  ): readonly Sql[];
  /** The same for what a token's holder did with the token itself: its row says whose it is. */
  afterToken(
    what: AuditEvent | Sql,
    tokenId: string,
    nowMs: number,
    actorId?: string | Sql | null,
  ): readonly Sql[];
  /** The same for many tokens: a row for each that `filter` selects. */
  afterTokens(what: AuditEvent | Sql, filter: Sql, nowMs: number): readonly Sql[];
  always(row: AuditRow, nowMs: number): readonly Sql[];
  /**
   * The same as `after` for a log-in, of which the row of its device is what remains: without a receiver only one that
   * is not known again leaves an event.
   */
  login(row: AuditRow, isKnown: Sql, nowMs: number): readonly Sql[];
  /** Whether there is a receiver, who gets also what is routine: every log-in, extension and refresh. */
  readonly areReceived: boolean;
  /** What is for operators alone: no receiver gets it. */
  undelivered(row: AuditRow, nowMs: number): Sql;
  /** Once, if `from` selects a row. */
  where(row: AuditRow, from: Sql, nowMs: number): readonly Sql[];
  /** Of the request being served, in the form in which it may be stored. */
  address(): string | null;
  client(): AuditClient;
}

/** Where a request came from, in the form in which it may be stored. */
export interface AuditClient {
  readonly address: string | null;
  readonly requestId: string | null;
}

/** A log-in, as people recognize it. */
export interface SeenLogin extends Device {
  readonly way: WayIn;
  /** A digest of its network; null where strangers may share that. */
  readonly network: string | null;
}

export interface DeviceStatements {
  /** Of the request being served. */
  login(way: WayIn): Promise<SeenLogin>;
  /** Its device, by which a log-in's row names it: also one that `seen` is about to add in this batch. */
  idOf(login: SeenLogin, userId: string, nowMs: number): Sql;
  /** Whether the last log-in from this device was made with the same, and this network is one of its last twenty. */
  isKnown(login: SeenLogin, userId: string): Sql;
  /** Whether the user has no log-in from this device yet. */
  isNew(login: SeenLogin, userId: string): Sql;
  /** Whether such a log-in was noted in this hour. */
  isNoted(login: SeenLogin, userId: string, nowMs: number): Sql;
  /**
   * For the batch that opens a log-in, after it: the device, and before that the notice of a log-in from a device
   * and a network that the account has not used before. Its first log-in is no news.
   * @param loginId the row of the log-in, by which it can be revoked; null for one without a row
   * @param onlyIf whether the log-in happens
   */
  seen(
    login: SeenLogin,
    userId: string,
    loginId: string | null,
    onlyIf: Sql,
    nowMs: number,
  ): { readonly notice: readonly Sql[]; readonly device: readonly Sql[] };
}

/** Builds the statements that queue security notices; none where no email is sent. */
export interface NoticeStatements {
  /**
   * In the batch of the change, while `users.email` is still the address to tell. An email that was
   * never proven gets none: it may be a stranger's.
   * @param onlyIf true if, and only if, the change happens; may be `changes() > 0`
   */
  queue(
    kind: SecurityNotice,
    userId: string | Sql,
    onlyIf: Sql,
    nowMs: number,
    subject?: string,
    detail?: string,
  ): readonly Sql[];
  /** For tokens that leaked, to the proven emails of their owners. */
  leaked(filter: Sql, nowMs: number, subject?: string): readonly Sql[];
}
