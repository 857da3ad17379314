import { UNNAMED_USER } from "../core/action-pages.ts";
import type { Use } from "../core/action-tokens.ts";
import type { Described } from "../core/action.ts";
import type { TokenStatus } from "../core/token-diagnosis.ts";
import type { ActionToken } from "../core/token.ts";
import {
  Alert,
  Confirm,
  Copyable,
  PostForm,
  QrCode,
  Sentence,
  Time,
  UserText,
} from "./components.tsx";
import { StatusBadge } from "./token-status.tsx";

interface Props {
  readonly title: string;
  readonly token: ActionToken;
  readonly status: TokenStatus;
  readonly revokedAtMs: number | null;
  readonly described: Described | null;
  readonly uses: readonly Use[];
}

/** Shown once, right after the token was created: the code and the link. */
export function IssuedPage({
  link,
  isRepeated,
  ...props
}: Props & { readonly link: string; readonly isRepeated: boolean }) {
  const { title, token } = props;
  return (
    <>
      <h1>{title}</h1>
      {isRepeated && (
        <Alert kind="done" text="This form was sent before: this is the token that it made." />
      )}
      <div class="code-page">
        <section class="card">
          <QrCode text={link} label="QR code of the link" />
          <Copyable text={link} label="Link" />
          <p class="hint">
            Good until <Time ms={token.expiresAtMs} />.{" "}
            <span class="on-screen">
              The code and the link are shown now and never again: only a digest of them is kept.
            </span>
          </p>
        </section>
        <div class="beside-code">
          <LinkText {...props} />
          <Uses {...props} />
          <p>
            <a href={`/console/actions/${token.id}`} target="_blank" rel="noopener">
              Its uses and its end, without the code
            </a>
          </p>
        </div>
      </div>
    </>
  );
}

/** Label and time of the token's end; null if the time is not recorded. */
function endRow({ token, status, revokedAtMs }: Props): readonly [name: string, ms: number] | null {
  switch (status) {
    case "active":
      return ["Ends", token.expiresAtMs];
    case "expired":
      return ["Ended", token.expiresAtMs];
    case "used_up":
      return revokedAtMs === null ? null : ["Used up", revokedAtMs];
    default:
      return revokedAtMs === null ? null : ["Ended", revokedAtMs];
  }
}

export function OwnTokenPage(props: Props) {
  const { title, token, status } = props;
  const end = endRow(props);
  return (
    <>
      <h1>{title}</h1>
      <LinkText {...props} />
      <Uses {...props} />
      <section class="card">
        <h2>About it</h2>
        <dl class="facts">
          <dt>Made</dt>
          <dd>
            <Time ms={token.createdAtMs} />
          </dd>
          {end !== null && (
            <>
              <dt>{end[0]}</dt>
              <dd>
                <Time ms={end[1]} />
              </dd>
            </>
          )}
          <dt>For</dt>
          <dd>{token.audience === null ? "whoever has the link" : "one person"}</dd>
          <dt>Id</dt>
          <dd>
            <code>{token.id}</code>
          </dd>
        </dl>
        {status === "active" && (
          <Confirm summary="End it now">
            <p>The code and the link stop working at once. What was done with them stays done.</p>
            <PostForm action={`/console/actions/${token.id}/end`} button="End it" look="danger" />
          </Confirm>
        )}
      </section>
      <p>
        <a href="/console/actions">All action tokens</a>
      </p>
    </>
  );
}

/** What people who open the link will read. */
function LinkText({ described }: Props) {
  if (described === null) return null;
  return (
    <section class="card">
      <h2>Who opens the link reads</h2>
      <blockquote>
        <Sentence text={described.before} />
      </blockquote>
      {described.before.includes(UNNAMED_USER) && (
        <p class="hint">
          Your name stands there once it is in your <a href="/console/account">profile</a>.
        </p>
      )}
    </section>
  );
}

function Uses(props: Props) {
  return (
    <section
      class="card"
      aria-live="polite"
      aria-label="Uses"
      data-refresh={`/console/actions/${props.token.id}/uses`}
      data-every="2"
    >
      <UseList {...props} />
    </section>
  );
}

type UseListProps = Pick<Props, "token" | "status" | "uses">;

export function UseList({ token, status, uses }: UseListProps) {
  const isActive = status === "active";
  return (
    <div {...(!isActive && { "data-over": "" })}>
      <div class="heading">
        <h2>
          Used {Math.max(token.uses, uses.length)} of {token.maxUses}
        </h2>
        <StatusBadge status={status} />
      </div>
      {uses.length === 0 && (
        <p class="hint">
          {isActive ? "Nobody yet. Who uses it appears here." : "Nobody has used it."}
        </p>
      )}
      {uses.length > 0 && (
        <ul class="uses">
          {uses.map(({ name, isOwn, createdAtMs }) => (
            <li>
              <strong>
                {isOwn ? "You" : <UserText text={name ?? "Somebody without a name"} />}
              </strong>{" "}
              <Time ms={createdAtMs} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
