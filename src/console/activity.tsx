import type { ActionUses } from "../core/action-tokens.ts";
import type { AuditDay, AuditDays, AuditEntry, AuditEvent } from "../core/events.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import type { PageRoutes, AuthedPageContext } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Pagination, Table, Time } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";

const DAYS = 30;

/** The account's events: a chart of recent days, and a list. */
export function activityPages(
  { page }: PageRoutes,
  { audit, actionUses }: ConsoleDeps,
): readonly Route[] {
  async function show({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const listPage = readPage(request);
    // The chart shows the latest days, so only the first page has it.
    const [{ items, previous, next }, perDay] = await Promise.all([
      audit.list(caller.userId, listPage),
      listPage.after === null && listPage.before === undefined
        ? audit.perDay(caller.userId, DAYS, nowMs)
        : null,
    ]);
    return {
      title: "Activity",
      body: (
        <>
          <h1>Activity</h1>
          {perDay !== null && <Days perDay={perDay} />}
          <Events entries={items} userId={caller.userId} actions={actionUses} />
          <Pagination path="/console/activity" previous={previous} next={next} />
        </>
      ),
    };
  }

  return [page("/console/activity", show)];
}

function Days({ perDay: { days, isAll } }: { readonly perDay: AuditDays }) {
  return (
    <section class="card">
      <h2>The last {DAYS} days</h2>
      <ActivityChart days={days} />
      {!isAll && (
        <p class="hint">There was more than is counted here: the oldest days have too few.</p>
      )}
    </section>
  );
}

interface EventsProps {
  readonly actions: ActionUses;
  readonly entries: readonly AuditEntry[];
  readonly userId: string;
}

function Events({ entries, userId, actions }: EventsProps) {
  if (entries.length === 0) return <p class="card empty">Nothing was done yet.</p>;
  return (
    <Table
      class="dense"
      rows={entries}
      columns={[
        ["What", (entry) => sentenceOf(entry, userId, actions)],
        [
          "Outcome",
          (entry) => <span class={`badge ${toneOf(entry, userId)}`}>{entry.outcome}</span>,
        ],
        ["When", ({ createdAtMs }) => <Time ms={createdAtMs} />],
        ["From", ({ address }) => address ?? "not kept"],
      ]}
    />
  );
}

const STEP = 10;
const BAR = 7;
const HEIGHT = 100;

const dateOf = ({ startMs }: AuditDay) => new Date(startMs).toISOString().slice(0, 10);

/** One bar per day, with denied events on top of successful ones, and the same figures as a table. */
function ActivityChart({ days }: { readonly days: readonly AuditDay[] }) {
  const most = Math.max(1, ...days.map(({ done, refused }) => done + refused));
  const done = days.reduce((sum, day) => sum + day.done, 0);
  const refused = days.reduce((sum, day) => sum + day.refused, 0);
  const [first] = days;
  return (
    <figure class="chart">
      <p class="legend">
        <span class="swatch done" aria-hidden="true" /> {done} done
        <span class="swatch refused" aria-hidden="true" /> {refused} refused
        <span class="most">most in a day: {most}</span>
      </p>
      <svg
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Events a day: ${done} done and ${refused} refused in ${days.length} days`}
      >
        {days.map((day, index) => (
          <Bar day={day} x={index * STEP + (STEP - BAR) / 2} scale={HEIGHT / most} />
        ))}
      </svg>
      {first !== undefined && (
        <p class="ends" aria-hidden="true">
          <span>{dateOf(first)}</span>
          <span>today</span>
        </p>
      )}
      <details class="figures">
        <summary class="quiet small">As a table</summary>
        <Table
          rows={days.filter((day) => day.done + day.refused > 0)}
          columns={[
            ["Day", dateOf],
            ["Done", (day) => day.done],
            ["Refused", (day) => day.refused],
          ]}
        />
      </details>
    </figure>
  );
}

interface BarProps {
  readonly day: AuditDay;
  readonly x: number;
  readonly scale: number;
}

function Bar({ day, x, scale }: BarProps) {
  const done = day.done * scale;
  const refused = day.refused * scale;
  return (
    <g>
      <title>{`${dateOf(day)}: ${day.done} done, ${day.refused} refused`}</title>
      <rect class="none" x={x} y={HEIGHT - 1} width={BAR} height={1} />
      <rect class="done" x={x} y={HEIGHT - done} width={BAR} height={done} />
      <rect class="refused" x={x} y={HEIGHT - done - refused} width={BAR} height={refused} />
    </g>
  );
}

/** Each event as the account's owner reads it. */
const SENTENCES: Readonly<Record<AuditEvent, string>> = {
  "user.created": "The account was made",
  "user.changed": "You changed your profile",
  "identity.linked": "A login with another provider was linked to the account",
  "identity.unlinked": "You removed a login with another provider",
  "second_factor.added": "You added a second factor",
  "second_factor.removed": "Your second factor was removed",
  "recovery_codes.created": "You made new recovery codes",
  "recovery_code.used": "A recovery code was used up",
  "email.requested": "You asked for a new email",
  "email.changed": "Your email was changed",
  "email.restored": "Your email was put back by a mail to it, and all was logged out",
  "email.verified": "Your email was verified",
  "passkey.added": "A passkey was added to the account",
  "passkey.renamed": "You renamed a passkey",
  "passkey.removed": "A passkey was removed from the account",
  "passkey.refused": "A passkey was refused, because a copy of it may have been used",
  "password.changed": "Your password was changed, and all else was logged out",
  "mail.issued": "A mail with a link was sent to you",
  "user.deleted": "The account was deleted",
  "user.disabled": "An operator disabled the account",
  "user.enabled": "An operator enabled the account again",
  "role.changed": "An operator changed your role",
  "metadata.changed": "An operator changed their notes about you",
  "account.viewed": "An operator looked at the account",
  "credentials.revoked": "All was logged out, and all tokens were ended",
  "throttle.lifted": "An operator lifted the limits on logging in",
  "deliveries.replayed": "You sent events again that receivers had not accepted",
  "session.created": "You logged in",
  "session.extended": "A session was extended",
  "session.revoked": "A session was ended",
  "login.revoked": "Log-in ended by the link in a mail",
  "logins.revoked_others": "You logged out everywhere else",
  "token.created": "You made an API token",
  "token.changed": "You changed an API token",
  "token.disabled": "You disabled an API token",
  "token.enabled": "You enabled an API token",
  "token.rotated": "You gave an API token a new secret",
  "token.revoked": "An API token was ended",
  "tokens.revoked_all": "You ended all API tokens",
  "jwt.obtained": "A program logged in as you",
  "jwt.refreshed": "A program renewed its login",
  "jwt.revoked": "A program's login was ended",
  "family.revoked":
    "A program's login was ended: an old refresh token of it was shown, as after a theft",
  "action.issued": "You issued an action token",
  "action.run": "You ran an action token",
  "action.revoked": "An action token was ended",
  "contact.removed": "You removed a contact",
  "login.failed": "Somebody tried a wrong password",
  "credential.refused": "A token that is not valid was refused",
};

/** A logged-in user mistyped their own password where a form asks for it again. */
const isOwnMistake = ({ what, actorId }: AuditEntry, userId: string): boolean =>
  what === "login.failed" && actorId === userId;

/** @param userId the user whose activity page it is on */
function sentenceOf(entry: AuditEntry, userId: string, actions: ActionUses): string {
  const { what, actorId } = entry;
  if (what === "action.run" && actorId !== userId) return "Somebody ran your action token";
  if (isOwnMistake(entry, userId)) return "The password was mistyped while logged in";
  if (what === "contact.removed" && actorId !== userId) {
    return "Somebody removed you from their contacts";
  }
  if (entry.isByOperator) {
    const sentence = isKnown(what) ? SENTENCES[what] : what;
    return sentence.includes("operator") ? sentence : `${sentence}, by an operator`;
  }
  // Another version of the service may have written an event that this one does not know.
  return isKnown(what) ? SENTENCES[what] : (actions.sentenceOf(what) ?? what);
}

const isKnown = (what: string): what is AuditEvent => Object.hasOwn(SENTENCES, what);

function toneOf(entry: AuditEntry, userId: string): "good" | "waiting" | "bad" {
  if (entry.outcome === "done") return "good";
  return isOwnMistake(entry, userId) ? "waiting" : "bad";
}
