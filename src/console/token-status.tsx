import { EXPIRING_MS, type ListedToken } from "../core/api-token-search.ts";
import type { TokenStatus } from "../core/token-diagnosis.ts";
import type { ApiToken } from "../core/token.ts";
import { Pill, Relative, relative } from "./components.tsx";
import { apiTokens as words, inspector } from "./words.ts";

type Tone = Parameters<typeof Pill>[0]["tone"];

const TONES: Readonly<Record<TokenStatus, Tone>> = {
  active: "good",
  disabled: "warn",
  not_yours: "plain",
  unknown_issuer: "plain",
  expired: "bad",
  revoked: "bad",
  revoked_with_all: "bad",
  revoked_with_api_tokens: "bad",
  used_up: "bad",
  replaced: "bad",
  login_revoked: "bad",
  account_disabled: "bad",
  checksum_wrong: "bad",
  signature_wrong: "bad",
  key_unknown: "bad",
  no_token: "bad",
};

export const StatusPill = ({ status }: { readonly status: TokenStatus }) => (
  <Pill tone={TONES[status]}>{inspector.statuses[status][0]}</Pill>
);

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** By the time left, and not by the share of the lifetime. */
function toneOf(leftMs: number): Tone {
  if (leftMs < DAY_MS) return "bad";
  return leftMs < EXPIRING_MS ? "warn" : "good";
}

interface Props {
  readonly listed: ListedToken;
  readonly nowMs: number;
}

/** Whether an API token works, and until when. */
export function TokenPill({ listed: { token, status, revokedAtMs }, nowMs }: Props) {
  const when = (ms: number) => relative(ms, nowMs);
  const { expiresAtMs, replacedById } = token;
  if (status === "revoked" && revokedAtMs !== null) {
    return <Pill tone="plain">{words.revoked(when(revokedAtMs))}</Pill>;
  }
  if (status === "expired") return <Pill tone="plain">{words.expired(when(expiresAtMs))}</Pill>;
  if (status !== "active") return <StatusPill status={status} />;
  if (replacedById !== null) return <Pill tone="warn">{words.replaced(when(expiresAtMs))}</Pill>;
  return <Pill tone={toneOf(expiresAtMs - nowMs)}>{words.expires(when(expiresAtMs))}</Pill>;
}

/** Uses are recorded to the hour, so nothing finer is shown. */
export function LastUse({ token, nowMs }: { readonly token: ApiToken; readonly nowMs: number }) {
  const { lastUsedAtMs: ms } = token;
  return (
    <>
      {ms === null ? (
        words.neverUsed
      ) : nowMs - ms < HOUR_MS ? (
        words.thisHour
      ) : (
        <Relative ms={ms} nowMs={nowMs} />
      )}
    </>
  );
}
