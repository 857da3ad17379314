import type { CallerRef } from "./caller.ts";
import type { Page, PageRequest } from "./page.ts";
import type { Scope } from "./scopes.ts";
import type { OwnToken, TokenStatus } from "./token-diagnosis.ts";
import type { ApiToken } from "./token.ts";

/** `expiring`: in less than a week. `inactive`: revoked or expired, as long as the row is kept. */
export const TOKEN_FILTERS = ["expiring", "unused", "inactive"] as const;
export type TokenFilter = (typeof TOKEN_FILTERS)[number];

export const TOKEN_SORTS = ["created", "name", "expires", "used"] as const;
export type TokenSort = (typeof TOKEN_SORTS)[number];

export const EXPIRING_MS = 7 * 86_400_000;

/** What is looked for among a user's API tokens. */
export interface ApiTokenQuery {
  /** Part of the name or of the hint; upper and lower case of ASCII letters are the same. Empty for all. */
  readonly search: string;
  readonly filter: TokenFilter | null;
  readonly scope: Scope | null;
  readonly sort: TokenSort;
  readonly isDescending: boolean;
}

export const ALL_TOKENS: ApiTokenQuery = {
  search: "",
  filter: null,
  scope: null,
  sort: "created",
  isDescending: true,
};

/** At most so many of a user's newest API tokens are searched, because every row that is read costs. */
export const TOKENS_SEARCHED = 5_000;

/** An API token as its owner sees it, active or not. */
export type OwnApiToken = OwnToken & { readonly token: ApiToken };

export interface ListedToken {
  readonly token: ApiToken;
  readonly status: TokenStatus;
  /** When it was revoked, if it was by itself. */
  readonly revokedAtMs: number | null;
}

export interface TokenSearch<T> extends Page<T> {
  /** How many there are on all pages; null where the page is past them. */
  readonly total: number | null;
  /** False if there are more tokens than are searched. */
  readonly isAll: boolean;
  /**
   * Where nothing is searched or filtered: replaced tokens that still work. Each stands with its successor,
   * and not in the list.
   */
  readonly replaced: readonly T[];
}

/** Another token, as far as a page about one names it. */
export interface TokenLink {
  readonly id: string;
  readonly name: string;
  readonly hint: string;
}

/** At most so many related tokens are named. */
export const RELATED_MAX = 50;

/** What there is to know of a token, beside its events. */
export interface TokenDetails extends ListedToken, RelatedTokens {}

/** Those that a token is related to; all of them the user's own. */
export interface RelatedTokens {
  /** Those that it was created with, directly or through others. */
  readonly parents: readonly TokenLink[];
  /** Active ones that were created with it, directly or through others; the newest, of those that are searched. */
  readonly children: readonly TokenLink[];
  /** Those that it replaced and that still work. */
  readonly replaced: readonly TokenLink[];
}

/** Asks D1, whatever the revocation lag. */
export interface ApiTokenSearchStore {
  search(
    caller: CallerRef,
    query: ApiTokenQuery,
    page: PageRequest,
    nowMs: number,
  ): Promise<TokenSearch<OwnApiToken>>;
  /** One of the caller's own, active or not. */
  find(id: string, caller: CallerRef, nowMs: number): Promise<OwnApiToken | null>;
  related(id: string, caller: CallerRef, nowMs: number): Promise<RelatedTokens>;
}
