import type { TokenStatus } from "../core/token-diagnosis.ts";

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
