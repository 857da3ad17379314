import type { Child } from "hono/jsx";
import type { TokenDetails, TokenLink } from "../core/api-token-search.ts";
import { AUDIT_COUNTED, type AuditEntry, type FoundEvents } from "../core/events.ts";
import type { Scopes } from "../core/scopes.ts";
import { isolated } from "../core/text.ts";
import type { ApiToken, Json } from "../core/token.ts";
import {
  Confirm,
  Facts,
  Field,
  PageHead,
  Pagination,
  Panel,
  PostForm,
  Select,
  Sentence,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import { EMPTY_FORM, type FormState, fieldState, formError } from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { TOKENS, tokenPath } from "./token-list.tsx";
import { LastUse, TokenPill } from "./token-status.tsx";
import { apiTokens as words } from "./words.ts";

interface Props {
  readonly details: TokenDetails;
  /** A page of its events. */
  readonly history: FoundEvents;
  /** A new secret for the rotation form, so that submitting it twice rotates once. */
  readonly secret: string;
  /** The submitted rename form, if it had errors. */
  readonly renaming?: FormState;
  readonly scopes: Scopes;
  readonly nowMs: number;
}

/** All about one API token, and what can be done with it. */
export function tokenPage({
  details,
  history,
  secret,
  renaming = EMPTY_FORM,
  scopes,
  nowMs,
}: Props): Page {
  const { token, status, children } = details;
  const isManaged = status === "active" || status === "disabled" || status === "login_revoked";
  return {
    title: words.pageTitle,
    body: (
      <>
        <PageHead title={<UserText text={token.name} />} back={[TOKENS, words.title]} />
        <Panel title={words.details}>
          <Details details={details} nowMs={nowMs} />
        </Panel>
        <Panel title={words.permissions}>
          {token.scopes.length === 0 ? (
            <p>{words.noScopes}</p>
          ) : (
            <ul class="bare">
              {token.scopes.map((scope) => (
                <li>
                  {scopes.descriptions[scope]} <code class="hint">{scope}</code>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        {children.length > 0 && (
          <Panel title={words.children}>
            <Links links={children} />
            <p class="hint">{words.childrenHint}</p>
          </Panel>
        )}
        <History history={history} token={token} />
        {isManaged && <Acts token={token} secret={secret} renaming={renaming} />}
      </>
    ),
  };
}

function Details({ details, nowMs }: Pick<Props, "details" | "nowMs">) {
  const { token, parents, replaced, revokedAtMs } = details;
  const { restrictions, metadata, replacedById } = token;
  const hasMetadata = Object.keys(Object(metadata)).length > 0;
  return (
    <Facts
      rows={[
        [words.status, <TokenPill listed={details} nowMs={nowMs} />],
        [words.token, <code>{token.hint}</code>],
        [words.id, <code>{token.id}</code>],
        [words.columns.created, <Time ms={token.createdAtMs} />],
        [words.expiry, <Time ms={token.expiresAtMs} />],
        [words.revokedOn, revokedAtMs !== null && <Time ms={revokedAtMs} />],
        [words.columns.used, <LastUse token={token} nowMs={nowMs} />],
        [words.createdWith, parents.length > 0 && <Links links={parents} />],
        [words.oldSecrets, replaced.length > 0 && <Links links={replaced} areHints />],
        [
          words.replacedBy,
          replacedById !== null && <a href={tokenPath(replacedById)}>{words.successor}</a>,
        ],
        [words.remaining, restrictions?.remaining?.toLocaleString("en-US")],
        [
          words.limit,
          restrictions?.limit &&
            words.limitText(restrictions.limit.max, restrictions.limit.seconds),
        ],
        [words.addresses, restrictions?.allowedIps?.join(", ")],
        [words.metadata, hasMetadata && <Metadata metadata={metadata} />],
      ]}
    />
  );
}

const Metadata = ({ metadata }: { readonly metadata: Json }) => (
  <code>
    <UserText text={JSON.stringify(metadata)} />
  </code>
);

interface LinksProps {
  readonly links: readonly TokenLink[];
  /** Tokens of one name are told apart by their hints. */
  readonly areHints?: boolean;
}

function Links({ links, areHints = false }: LinksProps) {
  return (
    <ul class="bare">
      {links.map(({ id, name, hint }) => (
        <li>
          {!areHints && (
            <>
              <a href={tokenPath(id)}>
                <UserText text={name} />
              </a>{" "}
              <code class="hint">{hint}</code>
            </>
          )}
          {areHints && (
            <a href={tokenPath(id)}>
              <code>{hint}</code>
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

/** @returns what happened to the token, or what was done with it */
function eventText({ what, subjectId, isByOperator }: AuditEntry, { id }: ApiToken): string {
  const { about, by } = words as {
    readonly about: Readonly<Record<string, string>>;
    readonly by: Readonly<Record<string, string>>;
  };
  const isAbout = subjectId === id || what === "credential.refused";
  const text = (isAbout ? about[what] : by[what]) ?? words.otherEvent(what);
  return isByOperator ? words.byOperator(text) : text;
}

function History({
  history: { items, isWhole, ...pages },
  token,
}: {
  readonly history: FoundEvents;
  readonly token: ApiToken;
}) {
  const { historyColumns: columns } = words;
  return (
    <Panel title={words.history}>
      {items.length === 0 ? (
        <p>{words.noHistory}</p>
      ) : (
        <Table
          class="dense"
          rows={items}
          columns={[
            [columns.event, (entry) => eventText(entry, token)],
            [columns.when, ({ createdAtMs }) => <Time ms={createdAtMs} />],
            [columns.from, ({ address }) => address ?? words.noAddress],
          ]}
        />
      )}
      <p class="hint">
        {!isWhole && words.historyHint(AUDIT_COUNTED)}{" "}
        <a href="/console/activity">{words.allActivity}</a>
      </p>
      <Pagination path={tokenPath(token.id)} {...pages} />
    </Panel>
  );
}

function Acts({
  token,
  secret,
  renaming,
}: {
  token: ApiToken;
  secret: string;
  renaming: FormState;
}) {
  const { rename, rotate, pause, revoke } = words;
  const path = tokenPath(token.id);
  // A replaced token can only expire sooner.
  const isReplaced = token.replacedById !== null;
  return (
    <>
      {!isReplaced && (
        <div class="columns">
          <Panel title={rename.title}>
            <PostForm
              action={`${path}/rename`}
              error={formError(renaming, ["name"])}
              button={rename.button}
              look="quiet"
            >
              <Field
                {...fieldState(renaming, "name", token.name)}
                label={rename.label}
                autocomplete="off"
                maxlength={64}
                required
              />
            </PostForm>
          </Panel>
          <Panel title={rotate.title}>
            <p>{rotate.text}</p>
            <PostForm action={`${path}/rotate`} button={rotate.button} look="quiet">
              <input type="hidden" name="token_secret" value={secret} autocomplete="off" />
              <Select
                name="grace"
                label={rotate.grace}
                value="3600"
                options={Object.entries(rotate.graces)}
              />
            </PostForm>
          </Panel>
        </div>
      )}
      <Panel title={<Sentence text={revoke.title(token.name)} />} danger>
        <Act title={token.isEnabled ? pause.text : pause.enableText}>
          <PostForm
            action={`${path}/enabled`}
            button={token.isEnabled ? pause.button : pause.enable}
            look="quiet"
          >
            <input type="hidden" name="enabled" value={String(!token.isEnabled)} />
          </PostForm>
        </Act>
        <Act title={revoke.text}>
          <Confirm summary={revoke.button}>
            <p>
              <Sentence text={revoke.sure(isolated(token.name))} />
            </p>
            <PostForm action={`${path}/revoke`} button={revoke.button} look="danger" />
          </Confirm>
        </Act>
      </Panel>
    </>
  );
}

const Act = ({ title, children }: { readonly title: string; readonly children: Child }) => (
  <div class="act-row">
    <p>{title}</p>
    {children}
  </div>
);
