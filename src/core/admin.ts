import type { ExportCursor, PersonalDataStore } from "./accounts.ts";
import type { ApiTokenStore } from "./api-tokens.ts";
import { type Caller, type CallerRef, callerRefOf, requireFresh } from "./caller.ts";
import type { ReceiverName } from "./deliveries.ts";
import type { AuditEntry } from "./events.ts";
import { refuse } from "./fault.ts";
import type { LoginStore } from "./logins.ts";
import type { Notices } from "./notices.ts";
import type { PageRequest } from "./page.ts";
import type { Recovery } from "./recovery.ts";
import { requireRoom, type Room, roomLevel } from "./room.ts";
import type { TokenDiagnosis, TokenDiagnostics } from "./token-diagnosis.ts";
import type { Json } from "./token.ts";
import { normalizeEmail, type Role, type User } from "./user.ts";
import { UUID } from "./text.ts";

/** An account as operators see it, deleted or not. */
export interface Account extends User {
  readonly kind: "person" | "service";
  readonly disabledAtMs: number | null;
  readonly hasPassword: boolean;
  readonly hasSecondFactor: boolean;
}

/** A page of a list that is read in bounded steps: it may have few items, or none, and yet not be the last. */
export interface Scanned<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** Undefined for what is not asked for. */
export interface EventFilter {
  readonly userId?: string;
  readonly what?: string;
  readonly outcome?: "done" | "refused";
  readonly actorId?: string;
  readonly fromMs?: number;
  readonly untilMs?: number;
  /**
   * Without `userId`: the whole log, by account and not by time. Else only what was refused and what operators did,
   * for which there is an index, newest first.
   */
  readonly isAll: boolean;
}

export interface OperatorsEntry extends AuditEntry {
  /** Null where no account is known. */
  readonly userId: string | null;
  /** More than one where refused credentials were counted together. */
  readonly count: number;
}

/** A counter of failed log-in attempts that is full: who adds to it is refused. */
export interface Throttle {
  /** The account, or the digest of an email that has none. */
  readonly owner: string;
  readonly counts: "account" | "network" | "credential";
  /** When the next attempt is allowed. */
  readonly untilMs: number;
}

export interface DeadLetter {
  readonly receiver: ReceiverName;
  readonly userId: string;
  readonly eventId: string;
  /** Null where the event was deleted. */
  readonly what: string | null;
  readonly attempts: number;
  readonly reason: string;
  readonly diedAtMs: number;
}

/** A key for JWTs, without anything secret. */
export interface KeyState {
  readonly kid: string;
  readonly alg: string;
  readonly state: "standby" | "active" | "retiring";
  /** Null where the key does not say: `npm run keys` writes it. */
  readonly createdAtMs: number | null;
  /** Since when it is in its state. */
  readonly sinceMs: number | null;
}

/** Counts end at 10,001, because every row that is counted is read. */
export interface Health {
  readonly databaseBytes: number;
  readonly databaseLimitBytes: number;
  /** How much waits to be sent, or was given up. */
  readonly outboxes: Readonly<
    Record<"events" | "dead_letters" | "notices" | "revocations", number>
  >;
  /** When the oldest of it was queued or given up; null where there is none. */
  readonly oldestAtMs: Readonly<Record<"events" | "dead_letters" | "notices", number | null>>;
  /** Requests of the last hour that failed on our side (5xx): at least so many. */
  readonly failedRequests: number;
  /** When housekeeping last finished; null if it never has. */
  readonly housekeepingAtMs: number | null;
  /** Since when the oldest row that it left should have been gone; null where it left none. */
  readonly overdueAtMs: number | null;
  /** Since when EVENTS_ARCHIVE has not taken the events that should go; null where it has. */
  readonly archiveFailedAtMs: number | null;
}

/** What an operator should look at. */
export const WARNINGS = [
  "housekeeping_late",
  "housekeeping_behind",
  "archive_failing",
  "requests_failing",
  "dead_letters",
  "events_waiting",
  "notices_waiting",
  "revocations_waiting",
  "database_filling",
  "database_nearly_full",
  "database_full",
] as const;
export type Warning = (typeof WARNINGS)[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Housekeeping runs each minute; it flushes 200 tombstones, and sends what the answers have left. */
function warningsOf(health: Health, nowMs: number): readonly Warning[] {
  const level = roomLevel(health.databaseBytes, health.databaseLimitBytes);
  const { outboxes, oldestAtMs, housekeepingAtMs, overdueAtMs } = health;
  const isOld = (ms: number | null) => ms !== null && ms < nowMs - HOUR_MS;
  const met: Readonly<Record<Warning, boolean>> = {
    housekeeping_late: (housekeepingAtMs ?? 0) < nowMs - 5 * MINUTE_MS,
    housekeeping_behind: isOld(overdueAtMs),
    archive_failing: health.archiveFailedAtMs !== null,
    requests_failing: health.failedRequests >= 10,
    dead_letters: outboxes.dead_letters > 0,
    events_waiting: isOld(oldestAtMs.events),
    notices_waiting: isOld(oldestAtMs.notices),
    revocations_waiting: outboxes.revocations > 1_000,
    database_filling: level === "filling",
    database_nearly_full: level === "nearly_full",
    database_full: level === "full",
  };
  return WARNINGS.filter((each) => met[each]);
}

/** What is changed of an account; one member at a time. */
export type AccountAct =
  | { readonly disabled: boolean }
  | { readonly role: Role }
  /** Replaces what there was. */
  | { readonly metadata: Json };

/** Why an operator's act did not happen. */
export type ActRefusal = "not_found" | "not_operator";

/** Each write asks in its own batch whether the caller is still an operator. Repeated, it changes nothing more. */
export interface AdminStore {
  /** Asks D1, whatever the revocation lag. */
  operatorState(
    caller: CallerRef,
    nowMs: number,
  ): Promise<"operator" | "caller_gone" | "not_operator" | "second_factor_missing">;
  /** The account of this id, or of a token with it. */
  ownerOf(id: string): Promise<string | null>;
  byEmail(email: string): Promise<string | null>;
  /** The account; that an operator saw it is an event. */
  view(operator: CallerRef, userId: string, nowMs: number): Promise<Account | null>;
  events(
    filter: EventFilter,
    after: string | null,
    limit: number,
  ): Promise<Scanned<OperatorsEntry>>;
  throttles(after: string | null, limit: number, nowMs: number): Promise<Scanned<Throttle>>;
  /** Empties all counters of an account, or of an email without one. */
  liftThrottles(operator: CallerRef, owner: string, nowMs: number): Promise<"done" | ActRefusal>;
  deadLetters(after: string | null, limit: number): Promise<Scanned<DeadLetter>>;
  /** @param eventIds null for all @returns how many were queued again */
  replay(
    operator: CallerRef,
    eventIds: readonly string[] | null,
    nowMs: number,
  ): Promise<number | "not_operator">;
  health(nowMs: number): Promise<Health>;
  /** By table, counted as in `Health`. */
  rows(): Promise<Readonly<Record<string, number>>>;
  change(
    operator: CallerRef,
    userId: string,
    act: AccountAct,
    nowMs: number,
  ): Promise<Account | ActRefusal>;
  /** All that the account has issued or is logged in with; ways to log in stay. */
  revokeAll(operator: CallerRef, userId: string, nowMs: number): Promise<"done" | ActRefusal>;
  /** A log-in with all JWTs that were derived from it, or an API or action token with all that was. */
  revokeOne(
    operator: CallerRef,
    userId: string,
    kind: "login" | "token",
    id: string,
    nowMs: number,
  ): Promise<"done" | ActRefusal>;
  removeSecondFactor(
    operator: CallerRef,
    userId: string,
    nowMs: number,
  ): Promise<"done" | ActRefusal>;
  remove(operator: CallerRef, userId: string, nowMs: number): Promise<"done" | ActRefusal>;
}

interface Deps {
  readonly store: AdminStore;
  readonly logins: Pick<LoginStore, "listLogins">;
  readonly tokens: Pick<ApiTokenStore, "listApiTokens">;
  readonly personalData: PersonalDataStore;
  readonly diagnose: TokenDiagnostics;
  readonly recovery: Pick<Recovery, "sendResetFor">;
  readonly notices: Pick<Notices, "tell">;
  readonly keys: readonly KeyState[];
  readonly room: Room;
}

export type Admin = ReturnType<typeof admin>;
export type OperatorsDesk = Awaited<ReturnType<Admin["requireOperator"]>>;

/** Instead of an account: the digest of an email without one. */
const OWNER = /^[0-9a-f-]{32,36}$/;

/** What operators can see and do. Whoever calls for one passes `requireOperator`: there is no other way in. */
export function admin(deps: Deps) {
  const { store, logins, tokens, personalData, diagnose, recovery, notices, keys, room } = deps;
  const noUser = () => refuse({ code: "not_found", what: "User" });
  const done = (outcome: "done" | ActRefusal): void => {
    if (outcome !== "done") refuseAct(outcome);
  };
  const refuseAct = (why: ActRefusal): never =>
    why === "not_found" ? noUser() : refuse({ code: "operator_required", lacks: "role" });

  function desk(operator: Caller, nowMs: number) {
    async function account(id: string): Promise<Account> {
      if (!UUID.test(id)) return noUser();
      return (await store.view(operator, id, nowMs)) ?? noUser();
    }

    /** The state of the service, and what of it needs someone. */
    async function health() {
      const state = await store.health(nowMs);
      return { ...state, warnings: warningsOf(state, nowMs) };
    }

    return {
      /**
       * The account that an email, an id or a token's id or text belongs to.
       * @returns what is known of the token, if it was one; its secret is not repeated
       * @throws FaultError `not_found`
       */
      async find(
        wanted: string,
      ): Promise<{ readonly account: Account; readonly token: TokenDiagnosis | null }> {
        const text = wanted.trim();
        const id = text.toLowerCase();
        if (UUID.test(id)) {
          const owner = await store.ownerOf(id);
          if (owner === null) return noUser();
          const token = owner === id ? null : await diagnose.ofId(owner, id, nowMs);
          return { account: await account(owner), token };
        }
        const named = await diagnose.nameOf(text);
        const owner =
          named === null
            ? await store.byEmail(normalizeEmail(text))
            : (named.userId ?? (named.id === null ? null : await store.ownerOf(named.id)));
        if (owner === null) return noUser();
        const token = named === null ? null : await diagnose.ofText({ userId: owner }, text, nowMs);
        return { account: await account(owner), token };
      },

      /** @throws FaultError `not_found`, as all that follow with an id */
      account,

      /** What is known of a session, an API or an action token of the account, by its id; null for anything else. */
      tokenOf: async (userId: string, id: string) =>
        UUID.test(id) ? diagnose.ofId(userId, id, nowMs) : null,

      /** Active ones, newest first. */
      async logins(id: string, page: PageRequest) {
        return logins.listLogins(callerRefOf(await account(id)), page, null, nowMs);
      },

      /** API tokens that were not revoked, newest first. */
      async apiTokens(id: string, page: PageRequest) {
        return tokens.listApiTokens(callerRefOf(await account(id)), page, nowMs);
      },

      /** Everything that is stored about the user, as they would get it. */
      async personalData(id: string, from: ExportCursor | null) {
        const { id: userId } = await account(id);
        return personalData.read(userId, from);
      },

      /** Of all users; at most 5,000 are looked at for one page. */
      async events(filter: EventFilter, after: string | null, limit: number) {
        if (filter.userId !== undefined) await account(filter.userId);
        return store.events(filter, after, limit);
      },

      /** Full counters of failed log-in attempts; at most 5,000 counters are looked at for one page. */
      throttles: (after: string | null, limit: number) => store.throttles(after, limit, nowMs),

      async liftThrottles(owner: string): Promise<void> {
        if (!OWNER.test(owner)) return noUser();
        done(await store.liftThrottles(operator, owner, nowMs));
      },

      /** Events that a receiver did not accept in three days. */
      deadLetters: (after: string | null, limit: number) => store.deadLetters(after, limit),

      /** @param eventIds null for all @returns how many were queued again */
      async replay(eventIds: readonly string[] | null): Promise<number> {
        const replayed = await store.replay(operator, eventIds, nowMs);
        return replayed === "not_operator" ? refuseAct(replayed) : replayed;
      },

      health,

      /** What there is: rows by table, and keys. */
      stock: async () => ({ rows: await store.rows(), keys }),

      /**
       * A role needs a fresh log-in, as all that cannot be undone.
       * @returns the account as it is now
       * @throws FaultError `login_not_fresh`, `storage_full` for metadata
       */
      async change(id: string, act: AccountAct): Promise<Account> {
        // guard: operators-changes-need-a-fresh-login
        if ("role" in act) requireFresh(operator, nowMs);
        if ("metadata" in act) requireRoom(room);
        if (!UUID.test(id)) return noUser();
        const changed = await store.change(operator, id, act, nowMs);
        return typeof changed === "string" ? refuseAct(changed) : changed;
      },

      /** @throws FaultError `login_not_fresh` */
      async revokeAll(id: string): Promise<void> {
        requireFresh(operator, nowMs);
        if (!UUID.test(id)) return noUser();
        done(await store.revokeAll(operator, id, nowMs));
      },

      /**
       * One log-in, or one API or action token. Harmless once it was revoked.
       * @throws FaultError `login_not_fresh`, `token_not_found`
       */
      async revokeOne(id: string, kind: "login" | "token", tokenId: string): Promise<void> {
        // guard: operators-revoke-with-a-fresh-log-in
        requireFresh(operator, nowMs);
        const isId = UUID.test(id) && UUID.test(tokenId);
        const outcome = isId
          ? await store.revokeOne(operator, id, kind, tokenId, nowMs)
          : "not_found";
        if (outcome === "not_found") return refuse({ code: "token_not_found" });
        done(outcome);
      },

      /**
       * For someone who has lost it, with its recovery codes: their first factor then opens the account alone.
       * @throws FaultError `login_not_fresh`
       */
      async removeSecondFactor(id: string): Promise<void> {
        // guard: removal-by-an-operator-needs-a-fresh-log-in
        requireFresh(operator, nowMs);
        if (!UUID.test(id)) return noUser();
        done(await store.removeSecondFactor(operator, id, nowMs));
        notices.tell([id], nowMs);
      },

      /**
       * Sends a link to choose a new password, to the account's own email.
       * @returns false where the deployment sends no email
       * @throws FaultError `not_found` where there is none, or it is disabled; `throttled` by MAIL_BUDGET
       */
      async sendReset(id: string): Promise<boolean> {
        if (!UUID.test(id)) return noUser();
        return recovery.sendResetFor(operator, id, nowMs);
      },

      /**
       * As its owner would: revokes all that it has, and erases what is stored about it.
       * @throws FaultError `login_not_fresh`
       */
      async remove(id: string): Promise<void> {
        requireFresh(operator, nowMs);
        if (!UUID.test(id)) return noUser();
        done(await store.remove(operator, id, nowMs));
      },
    };
  }

  return {
    /**
     * The only gate: D1 is asked whether the caller is an Admin at this instant, and no claim counts. It comes before
     * anything is looked up, so that no one else learns what there is.
     * @throws FaultError `operator_required`, `token_invalid`, `unavailable`
     */
    async requireOperator(caller: Caller, nowMs: number) {
      const state = await store.operatorState(caller, nowMs);
      if (state === "caller_gone") return refuse({ code: "token_invalid" });
      // guard: only-operators-pass
      if (state !== "operator") {
        const lacks = state === "not_operator" ? "role" : "second_factor";
        return refuse({ code: "operator_required", lacks });
      }
      return desk(caller, nowMs);
    },
  };
}
