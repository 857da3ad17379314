import type { TokenDiagnosis, TokenStatus } from "../core/token-diagnosis.ts";
import { Relative, Time } from "./components.tsx";

type Tone = "good" | "waiting" | "bad";

/** Every verdict in a word, and in whole sentences. */
const STATUSES: Readonly<Record<TokenStatus, readonly [tone: Tone, word: string, text: string]>> = {
  active: ["good", "valid", "It is good, and can be used now."],
  expired: ["bad", "expired", "Its time is over."],
  revoked: ["bad", "revoked", "Revoked."],
  revoked_with_all: [
    "bad",
    "ended with all",
    "It ended with everything that the account had: by a new password, or the like.",
  ],
  revoked_with_api_tokens: [
    "bad",
    "ended with all API tokens",
    "It ended when all API tokens of the account were ended.",
  ],
  used_up: ["bad", "used up", "It was used as often as it could be."],
  replaced: [
    "bad",
    "replaced",
    "It was used, and another refresh token took its place. Showing it again ends the login.",
  ],
  login_revoked: ["bad", "login ended", "The login or the token that it was got with was ended."],
  disabled: ["waiting", "disabled", "It is refused until it is enabled again."],
  account_disabled: ["bad", "account disabled", "The account was disabled by whoever runs this."],
  not_yours: [
    "waiting",
    "not yours",
    "It is not among yours, so nothing was looked up: what is shown is what the text says itself. One of your own is forgotten two days after its end.",
  ],
  checksum_wrong: [
    "bad",
    "mistyped",
    "It begins like one of ours, but its check does not fit: a character is wrong, or a part is missing.",
  ],
  signature_wrong: [
    "bad",
    "signature wrong",
    "It says that it is ours, and its signature says otherwise. Believe nothing that stands in it.",
  ],
  key_unknown: [
    "bad",
    "key unknown",
    "It says that it is ours, and is not signed with a key that we have. Believe nothing that stands in it.",
  ],
  unknown_issuer: [
    "waiting",
    "another JWT",
    "It is a JWT, and no access or refresh token of this service. Its signature was not checked.",
  ],
  no_token: ["bad", "no token", "This is no token of ours, and no JWT."],
};

export function StatusBadge({ status }: { readonly status: TokenStatus }) {
  const [tone, word] = STATUSES[status];
  return <span class={`badge ${tone}`}>{word}</span>;
}

export const statusText = (status: TokenStatus): string => STATUSES[status][2];

const WIDTH = 600;
const HEIGHT = 44;
const MARGIN = 12;
const MIDDLE = HEIGHT / 2;

interface Point {
  readonly name: string;
  readonly atMs: number;
  readonly kind: "issued" | "revoked" | "expires" | "now";
}

/** A token's times, drawn to scale on a line and written out as a list. */
export function Timeline({ diagnosis, nowMs }: { diagnosis: TokenDiagnosis; nowMs: number }) {
  const { issuedAtMs, expiresAtMs, revokedAtMs, status } = diagnosis;
  const hasExpired = expiresAtMs !== null && expiresAtMs <= nowMs;
  const name = status === "used_up" ? "Used up" : status === "replaced" ? "Replaced" : "Ended";
  const points: Point[] = [];
  if (issuedAtMs !== null) points.push({ name: "Issued", atMs: issuedAtMs, kind: "issued" });
  if (revokedAtMs !== null) points.push({ name, atMs: revokedAtMs, kind: "revoked" });
  if (expiresAtMs !== null) {
    points.push({
      name: hasExpired ? "Expired" : "Expires",
      atMs: expiresAtMs,
      kind: "expires",
    });
  }
  if (points.length === 0) return null;
  points.push({ name: "Now", atMs: nowMs, kind: "now" });
  points.sort((a, b) => a.atMs - b.atMs);
  return (
    <div class="time-line">
      <Line points={points} issuedAtMs={issuedAtMs} endMs={revokedAtMs ?? expiresAtMs} />
      <ol>
        {points.map(({ name, atMs, kind }) => (
          <li class={kind}>
            <strong>{name}</strong> <Time ms={atMs} />
            {kind !== "now" && (
              <span class="hint">
                {" "}
                <Relative ms={atMs} nowMs={nowMs} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

interface LineProps {
  readonly points: readonly Point[];
  readonly issuedAtMs: number | null;
  readonly endMs: number | null;
}

function Line({ points, issuedAtMs, endMs }: LineProps) {
  const first = points[0]?.atMs ?? 0;
  const length = Math.max(1, (points.at(-1)?.atMs ?? 0) - first);
  const x = (atMs: number) => MARGIN + ((atMs - first) / length) * (WIDTH - 2 * MARGIN);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line class="all" x1={MARGIN} x2={WIDTH - MARGIN} y1={MIDDLE} y2={MIDDLE} />
      {issuedAtMs !== null && endMs !== null && endMs > issuedAtMs && (
        <line class="life" x1={x(issuedAtMs)} x2={x(endMs)} y1={MIDDLE} y2={MIDDLE} />
      )}
      {points.map(({ kind, atMs }) =>
        kind === "now" ? (
          <line class="now" x1={x(atMs)} x2={x(atMs)} y1={4} y2={HEIGHT - 4} />
        ) : (
          <circle class={kind} cx={x(atMs)} cy={MIDDLE} r={7} />
        ),
      )}
    </svg>
  );
}
