import * as v from "valibot";
import { ALL_TOKENS, TOKEN_FILTERS } from "../core/api-token-search.ts";
import { ALL_EVENTS } from "../core/events.ts";
import { isPowerful, requireFresh } from "../core/caller.ts";
import { pathId } from "../http/fields.ts";
import { queryValue, readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { readTokenQuery } from "../http/token-query.ts";
import { tokenName } from "../surfaces/rest/fields.ts";
import type { ConsoleDeps } from "./deps.ts";
import { NewToken, newTokenPage, requestOf, secretPage } from "./new-token.tsx";
import {
  type AuthedPageContext,
  type FormState,
  itemId,
  type PageRoutes,
  seeOther,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import { TOKENS, tokenListPage, tokenPath } from "./token-list.tsx";
import { tokenPage } from "./token-page.tsx";
import { apiTokens as words } from "./words.ts";

/** A page stays light. */
const DEFAULT_LIMIT = 15;
const EVENTS_SHOWN = 20;

/** The event of a token's creation may come from a clock that is behind. */
const CLOCK_SKEW_MS = 60_000;

const text = v.optional(v.string("must be one text"), "");

const Find = v.object({ search: text, filter: text, scope: text, sort: text });

const name = v.pipe(
  v.string(words.newToken.needsName),
  v.check((sent) => sent.trim() !== "", words.newToken.needsName),
  tokenName,
);

const Rotate = v.object({
  token_secret: text,
  grace: v.pipe(
    v.picklist(Object.keys(words.rotate.graces), "must be one of the choices"),
    v.transform(Number),
  ),
});

const Enabled = v.object({
  enabled: v.pipe(
    v.picklist(["true", "false"], "must be true or false"),
    v.transform((sent) => sent === "true"),
  ),
});

/** API tokens: list, search, create, and a page for each. */
export function tokenPages(
  { page, form, formOn, action }: PageRoutes,
  { apiTokens, audit, scopes, issuer, brand }: ConsoleDeps,
): readonly Route[] {
  const shared = { origin: issuer, brand: brand.name };
  /** Never a secret or a JWT, which revoke themselves too. */
  const idOf = ({ request }: AuthedPageContext) => {
    const id = pathId(request, "tokenId");
    return v.is(itemId, id) ? id : "";
  };

  async function list({ request, caller, nowMs }: AuthedPageContext) {
    const limit = queryValue(request, "limit") ?? "";
    const listPage = { ...readPage(request), ...(limit === "" && { limit: DEFAULT_LIMIT }) };
    const query = readTokenQuery(request, scopes, TOKEN_FILTERS) ?? ALL_TOKENS;
    const found = await apiTokens.search(caller, query, listPage, nowMs);
    return tokenListPage({ query, found, limit, scopes, nowMs });
  }

  async function one(context: AuthedPageContext, renaming?: FormState) {
    const { caller, nowMs } = context;
    const id = idOf(context);
    const details = await apiTokens.find(caller, id, nowMs);
    const filter = {
      ...ALL_EVENTS,
      aboutId: id,
      fromMs: details.token.createdAtMs - CLOCK_SKEW_MS,
    };
    const history = await audit.find(
      caller.userId,
      filter,
      readPage(context.request, EVENTS_SHOWN),
    );
    const secret = await apiTokens.newSecret();
    return tokenPage({ details, history, secret, scopes, nowMs, ...(renaming && { renaming }) });
  }

  return [
    page(TOKENS, list),
    // What is searched may be a secret, which must not stand in an address: it leads to the token's page.
    action({
      path: `${TOKENS}/find`,
      schema: Find,
      async submit(_, { search, ...choices }) {
        const id = await apiTokens.idIn(search.trim());
        // guard: searched-secret-stays-out-of-addresses
        if (id !== null) return seeOther(tokenPath(id));
        const given = Object.entries({ search: search.trim(), ...choices });
        const query = new URLSearchParams(given.filter(([, value]) => value !== ""));
        if (query.get("sort") === "-created") query.delete("sort");
        return seeOther(query.size === 0 ? TOKENS : `${TOKENS}?${query}`);
      },
    }),
    ...form({
      path: `${TOKENS}/new`,
      schema: NewToken,
      show: async ({ nowMs }, state) =>
        newTokenPage(state, await apiTokens.newSecret(), scopes, nowMs),
      async submit({ caller, nowMs }, fields) {
        const wanted = requestOf(fields, scopes, nowMs);
        // guard: page-makes-powerful-tokens-for-a-fresh-log-in
        if (isPowerful(wanted.scopes ?? [], (wanted.ttlSeconds ?? 0) * 1000)) {
          requireFresh(caller, nowMs);
        }
        const issued = await apiTokens.create(caller, wanted, nowMs, fields.token_secret || null);
        return secretPage({ ...shared, issued });
      },
    }),
    page(`${TOKENS}/:tokenId`, one),
    formOn({
      path: `${TOKENS}/:tokenId/rename`,
      schema: v.object({ name }),
      show: one,
      async submit(context, wanted) {
        const { caller, nowMs } = context;
        const token = await apiTokens.change(caller, idOf(context), wanted, nowMs);
        return seeOtherWithMessage(tokenPath(token.id), "token_renamed", token.name);
      },
    }),
    action({
      path: `${TOKENS}/:tokenId/rotate`,
      schema: Rotate,
      async submit(context, { grace, token_secret }) {
        const { caller, nowMs } = context;
        const sent = token_secret || null;
        const issued = await apiTokens.rotate(caller, idOf(context), grace, nowMs, sent);
        const oldEndsAtMs = Math.min(nowMs + grace * 1000, issued.token.expiresAtMs);
        return secretPage({ ...shared, issued, oldEndsAtMs });
      },
    }),
    action({
      path: `${TOKENS}/:tokenId/enabled`,
      schema: Enabled,
      async submit(context, { enabled }) {
        const { caller, nowMs } = context;
        const token = await apiTokens.change(caller, idOf(context), { enabled }, nowMs);
        const message = enabled ? "token_enabled" : "token_disabled";
        return seeOtherWithMessage(tokenPath(token.id), message, token.name);
      },
    }),
    action({
      path: `${TOKENS}/:tokenId/revoke`,
      schema: v.object({}),
      async submit(context) {
        const { name: revoked } = await apiTokens.revoke(
          context.caller,
          idOf(context),
          context.nowMs,
        );
        return seeOtherWithMessage(TOKENS, "token_revoked", revoked ?? "");
      },
    }),
    action({
      path: `${TOKENS}/revoke-all`,
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        await apiTokens.revokeAll(caller, nowMs);
        return seeOtherWithMessage(TOKENS, "tokens_revoked");
      },
    }),
  ];
}
