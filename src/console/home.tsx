import type { Child } from "hono/jsx";
import { faultOf } from "../http/request-fault.ts";
import type { AuditEntry } from "../core/events.ts";
import { ALL_TOKENS, type ListedToken } from "../core/api-token-search.ts";
import type { User } from "../core/user.ts";
import type { Route } from "../http/surface.ts";
import {
  Alert,
  Copyable,
  PageHead,
  Panel,
  Pill,
  PostForm,
  Relative,
  Sentence,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import {
  type AuthedPageContext,
  type PageContext,
  type PageRoutes,
  seeOther,
} from "./page-routes.tsx";
import { UsedAction, UserOfToken } from "./action-token-page.tsx";
import type { Page } from "./page.tsx";
import { tokenPath } from "./token-list.tsx";
import { overview as words, welcome } from "./words.ts";

/** Log-ins are shown that are found among the newest events, so that the page costs the same however old the account is. */
const READ = 50;
const SHOWN = 5;
const EXPIRING = {
  ...ALL_TOKENS,
  filter: "expiring",
  sort: "expires",
  isDescending: false,
} as const;

/** The start page; `/` redirects here. */
export function homePages({ openPage }: PageRoutes, deps: ConsoleDeps): readonly Route[] {
  return [
    ...(deps.ownsRoot ? [openPage("/", async () => seeOther("/console"))] : []),
    openPage("/console", async (context) => {
      const { caller } = context;
      return caller === null ? welcomePage(deps) : overviewPage({ ...context, caller }, deps);
    }),
  ];
}

const apiCall = (issuer: string) => `curl ${issuer}/rest/user -H "Authorization: Bearer $TOKEN"`;

function welcomePage({ signUpIsOpen, passwords, issuer }: ConsoleDeps): Page {
  return {
    title: welcome.title,
    description: welcome.lead,
    body: (
      <>
        <section class="hero">
          <h1>{welcome.heading}</h1>
          <p>{welcome.lead}</p>
          <p class="buttons">
            {signUpIsOpen && (
              <a class="button" href={passwords ? "/console/signup" : "/console/login"}>
                {welcome.signUp}
              </a>
            )}
            <a class={signUpIsOpen ? "button quiet" : "button"} href="/console/login">
              {welcome.logIn}
            </a>
          </p>
        </section>
        <ul class="features">
          {welcome.features.map(([name, text]) => (
            <li>
              <h2>{name}</h2>
              <p>{text}</p>
            </li>
          ))}
        </ul>
        <Panel title={welcome.tryTitle}>
          <p>{welcome.tryText}</p>
          <Copyable text={apiCall(issuer)} label={words.call} />
          <a href="/docs">{welcome.docs}</a>
        </Panel>
      </>
    ),
  };
}

/** What a card shows; null where its read failed. */
async function read<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (faultOf(error).code !== "unavailable") throw error;
    return null;
  }
}

async function overviewPage(
  context: PageContext & AuthedPageContext,
  deps: ConsoleDeps,
): Promise<Page> {
  const { caller, nowMs, lostForm } = context;
  const { accounts, actionUses, apiTokens, audit, issuer, sendsMail } = deps;
  const [user, tokens, events, uses] = await Promise.all([
    read(accounts.read(caller)),
    read(apiTokens.search(caller, EXPIRING, { limit: SHOWN, after: null }, nowMs)),
    read(audit.list(caller.userId, { limit: READ, after: null })),
    read(actionUses.allRuns(caller, undefined, { limit: SHOWN, after: null })),
  ]);
  const entries = events?.items ?? null;
  return {
    title: words.title,
    body: (
      <>
        <PageHead title={words.title} lead={words.lead}>
          <a class="button" href="/console/tokens/new">
            {words.newToken}
          </a>
        </PageHead>
        {lostForm !== undefined && (
          <Alert
            kind="note"
            text={
              <>
                {words.lostForm} <a href={lostForm}>{words.backToForm}</a>
              </>
            }
          />
        )}
        {user !== null && (
          <ToDo user={user} tokens={tokens?.items ?? []} nowMs={nowMs} sendsMail={sendsMail} />
        )}
        <div class="halves">
          <Panel title={words.logins}>
            <Lines
              rows={entries?.filter(({ what }) => Object.hasOwn(words.loginEvents, what)) ?? null}
              empty={words.noLogins}
              nowMs={nowMs}
              line={(entry) => <LoginLine entry={entry} userId={caller.userId} />}
            />
            <a href="/console/activity">{words.allActivity}</a>
          </Panel>
          <Panel title={words.uses}>
            <Lines
              rows={uses?.items ?? null}
              empty={words.noUses}
              nowMs={nowMs}
              line={(use) => (
                <>
                  <UserOfToken use={use} /> {words.used}{" "}
                  <UsedAction use={use} actions={actionUses} />
                </>
              )}
            />
            <a href="/console/actions/uses">{words.allUses}</a>
          </Panel>
        </div>
        <Panel title={words.firstCall}>
          <p>{words.callText}</p>
          <Copyable text={apiCall(issuer)} label={words.call} />
          <a href="/docs">{words.docs}</a>
        </Panel>
      </>
    ),
  };
}

interface ToDoProps {
  readonly user: User;
  /** Those that expire soon, the first to do so first. */
  readonly tokens: readonly ListedToken[];
  readonly nowMs: number;
  readonly sendsMail: boolean;
}

/** What needs its user; nothing where nothing does. */
function ToDo({ user, tokens, nowMs, sendsMail }: ToDoProps) {
  const items: Child[] = [
    sendsMail && user.emailVerifiedAtMs === null && (
      <li>
        <div>
          <strong>{words.verifyTitle}</strong>
          <p>
            <Sentence text={words.verifyText(user.email)} />
          </p>
        </div>
        <PostForm action="/console/account/verify" button={words.verify} look="quiet small" />
      </li>
    ),
    user.firstName === null && user.lastName === null && (
      <li>
        <div>
          <strong>{words.nameTitle}</strong>
          <p>{words.nameText}</p>
        </div>
        <a class="button quiet small" href="/console/account">
          {words.addName}
        </a>
      </li>
    ),
    ...tokens.map(({ token }) => (
      <li>
        <div>
          <strong>
            <Sentence text={words.expiring(token.name)} />
          </strong>
          <p>
            {words.expires} <Relative ms={token.expiresAtMs} nowMs={nowMs} />
          </p>
        </div>
        <a class="button quiet small" href={tokenPath(token.id)}>
          {words.seeToken}
          <span class="unseen">
            {" "}
            <UserText text={token.name} />
          </span>
        </a>
      </li>
    )),
  ].filter((item) => item !== false);
  if (items.length === 0) return null;
  return (
    <Panel title={words.toDo}>
      <ul class="lines">{items}</ul>
    </Panel>
  );
}

interface LinesProps<T> {
  /** Null where they could not be read. */
  readonly rows: readonly T[] | null;
  readonly empty: string;
  readonly nowMs: number;
  readonly line: (row: T) => Child;
}

function Lines<T extends { readonly createdAtMs: number }>({
  rows,
  empty,
  nowMs,
  line,
}: LinesProps<T>) {
  if (rows === null || rows.length === 0) {
    return <p class="hint">{rows === null ? words.notLoaded : empty}</p>;
  }
  return (
    <ul class="lines">
      {rows.slice(0, SHOWN).map((entry) => (
        <li>
          <div>{line(entry)}</div>
          <span class="hint">
            <Relative ms={entry.createdAtMs} nowMs={nowMs} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function LoginLine({ entry, userId }: { readonly entry: AuditEntry; readonly userId: string }) {
  const { what, outcome, actorId, address } = entry;
  // The user mistyped their own password where a form asked for it again.
  const isOwnMistake = what === "login.failed" && actorId === userId;
  const text = isOwnMistake ? words.mistyped : new Map(Object.entries(words.loginEvents)).get(what);
  return (
    <>
      {text} {outcome === "refused" && !isOwnMistake && <Pill tone="bad">{words.denied}</Pill>}
      <p class="hint">{address ?? words.unknownPlace}</p>
    </>
  );
}
