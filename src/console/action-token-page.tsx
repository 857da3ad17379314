import { UNNAMED_USER } from "../core/action-pages.ts";
import type { ActionUses, OwnActionToken, Use, UsedToken } from "../core/action-tokens.ts";
import type { Described } from "../core/action.ts";
import type { TokenStatus } from "../core/token-diagnosis.ts";
import {
  Alert,
  Confirm,
  Copyable,
  Facts,
  PageHead,
  Panel,
  Pill,
  PostForm,
  QrCode,
  Sentence,
  Time,
  UserText,
} from "./components.tsx";
import { actionTokens as words } from "./words.ts";

interface Props {
  readonly own: OwnActionToken;
  readonly described: Described | null;
  readonly uses: readonly Use[];
  /** Whether there are more uses than these. */
  readonly hasMore?: boolean;
}

const PATH = "/console/actions";
const titleOf = ({ action, token }: OwnActionToken) => action?.page.title ?? token.action;

/** Shown once, right after the token was created: the code and the link. Of these, paper has what others need. */
export function IssuedPage({
  link,
  isRepeated,
  ...props
}: Props & { readonly link: string; readonly isRepeated: boolean }) {
  const { own } = props;
  const title = titleOf(own);
  const forOthers = own.action?.page.button ?? title;
  return (
    <>
      <div class="on-screen">
        <PageHead title={title} back={[PATH, words.title]}>
          <button type="button" class="quiet" data-print hidden>
            {words.print}
          </button>
          <button type="button" class="quiet" data-share={link} data-title={forOthers} hidden>
            {words.share}
          </button>
        </PageHead>
        {isRepeated && <Alert kind="done" text={words.repeated} />}
      </div>
      <div class="code-page">
        <section class="card">
          <p class="on-paper">{forOthers}</p>
          <QrCode text={link} label={words.qr} />
          <Copyable text={link} label={words.link} />
          <p class="hint">
            {words.expires} <Time ms={own.token.expiresAtMs} />.{" "}
            <span class="on-screen">{words.saveNow}</span>
          </p>
        </section>
        <div class="beside-code">
          <LinkText {...props} />
          <Uses {...props} />
          <p>
            <a href={`${PATH}/${own.token.id}`} target="_blank" rel="noopener">
              {words.manage}
            </a>
          </p>
        </div>
      </div>
      <div class="on-screen">
        <Revoke own={own} />
      </div>
    </>
  );
}

/** Label and time of the token's end; null if the time is not recorded. */
function endRow({ token, status, revokedAtMs }: OwnActionToken): readonly [string, number] | null {
  switch (status) {
    case "active":
      return [words.expires, token.expiresAtMs];
    case "expired":
      return [words.expired, token.expiresAtMs];
    case "used_up":
      return revokedAtMs === null ? null : [words.usedUp, revokedAtMs];
    default:
      return revokedAtMs === null ? null : [words.revokedAt, revokedAtMs];
  }
}

export function OwnTokenPage(props: Props) {
  const { own } = props;
  const { token, status } = own;
  const end = endRow(own);
  return (
    <>
      <PageHead title={titleOf(own)} back={[PATH, words.title]} />
      <Uses {...props} />
      <LinkText {...props} />
      <Panel title={words.details}>
        <Facts
          rows={[
            [words.columns.status, <StatePill status={status} />],
            [words.created, <Time ms={token.createdAtMs} />],
            [end?.[0], end !== null && <Time ms={end[1]} />],
            [words.whoCanUse, token.audience === null ? words.anyone : words.person],
            [words.id, <code>{token.id}</code>],
          ]}
        />
      </Panel>
      <Revoke own={own} />
    </>
  );
}

function Revoke({ own: { token, status } }: Pick<Props, "own">) {
  if (status !== "active") return null;
  return (
    <Panel title={words.revokeTitle} danger>
      <p>{words.revokeText}</p>
      <Confirm summary={words.revoke}>
        <PostForm action={`${PATH}/${token.id}/end`} button={words.revokeButton} look="danger" />
      </Confirm>
    </Panel>
  );
}

/** What people who open the link will read. */
function LinkText({ described }: Props) {
  if (described === null) return null;
  return (
    <Panel title={words.whatPeopleSee}>
      <blockquote>
        <Sentence text={described.before} />
      </blockquote>
      {described.before.includes(UNNAMED_USER) && (
        <p class="hint">
          <a href="/console/account">{words.addName}</a> {words.addNameRest}
        </p>
      )}
    </Panel>
  );
}

function Uses(props: Props) {
  return (
    <section
      class="card"
      aria-live="polite"
      aria-label={words.uses}
      data-refresh={`${PATH}/${props.own.token.id}/uses`}
      data-every="2"
    >
      <UseList {...props} />
    </section>
  );
}

export function UseList({ own: { token, status }, uses, hasMore }: Omit<Props, "described">) {
  const isActive = status === "active";
  return (
    <div {...(!isActive && { "data-over": "" })}>
      <div class="heading">
        <h2>{words.usesHeading(Math.max(token.uses, uses.length), token.maxUses)}</h2>
        <StatePill status={status} />
      </div>
      {uses.length === 0 && <p class="hint">{isActive ? words.notUsedYet : words.noOneUsed}</p>}
      {uses.length > 0 && (
        <ul class="uses">
          {uses.map((use) => (
            <li>
              <UserOfToken use={use} />
              <Time ms={use.createdAtMs} />
            </li>
          ))}
        </ul>
      )}
      {hasMore && <p class="hint">{words.latestOnly}</p>}
    </div>
  );
}

/** Who ran a token. Only a contact has a page. */
export function UserOfToken({ use: { name, isOwn, contactId } }: { readonly use: Use }) {
  if (isOwn) return <strong>{words.you}</strong>;
  const shown = name === null ? words.noName : <UserText text={name} />;
  return contactId === null ? (
    <strong>{shown}</strong>
  ) : (
    <a href={`/console/contacts/${contactId}`}>{shown}</a>
  );
}

/** What was used; a token that is kept has a page. */
export function UsedAction({
  use: { tokenId, action },
  actions,
}: {
  readonly use: UsedToken;
  readonly actions: ActionUses;
}) {
  const title = actions.find(action)?.page.title ?? action;
  return tokenId === null ? <>{title}</> : <a href={`${PATH}/${tokenId}`}>{title}</a>;
}

export function StatePill({ status }: { readonly status: TokenStatus }) {
  switch (status) {
    case "active":
      return <Pill tone="good">{words.states.active}</Pill>;
    case "used_up":
    case "expired":
      return <Pill tone="plain">{words.states[status]}</Pill>;
    default:
      return <Pill tone="bad">{words.states.revoked}</Pill>;
  }
}
