import * as v from "valibot";
import type { ActionUses } from "../core/action-tokens.ts";
import type { Action } from "../core/action.ts";
import { refuse } from "../core/fault.ts";
import { formValue } from "../core/form.ts";
import type { ActionToken } from "../core/token.ts";
import { pathId } from "../http/fields.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { formPage, Terms } from "./action-token-form.tsx";
import { IssuedPage, OwnTokenPage, UseList } from "./action-token-page.tsx";
import { type PageRoutes, type AuthedPageContext, seeOtherWithMessage } from "./page-routes.tsx";
import { PAGE_HEADERS } from "./page.tsx";
import { Pagination, Relative, Table, Time } from "./components.tsx";
import { isolated } from "./isolated.ts";
import type { ConsoleDeps } from "./deps.ts";
import { contactName, type UserOptions } from "./schema-form.tsx";

/** How many contacts a form offers. */
const MAX_USERS = 100;
/** How many uses of a token are shown. */
const MAX_USES = 100;

/** Action tokens: the list, the form to create one, the code, and who used it. */
export function actionTokenPages(
  { form, page, fragment, action }: PageRoutes,
  { actionTokens, actionUses, actionPages, contacts, issuer }: ConsoleDeps,
): readonly Route[] {
  function actionOf({ request }: AuthedPageContext): Action {
    const name = request.param("action") ?? "";
    const action = actionUses.issuable().find((each) => each.name === name);
    return action ?? refuse({ code: "action_unknown" });
  }

  async function usersFor({
    caller,
  }: AuthedPageContext): Promise<{ users: UserOptions; hasMore: boolean }> {
    const { items, next } = await contacts.list(caller.userId, { limit: MAX_USERS, after: null });
    const others = items.map((each) => [each.id, contactName(each)] as const);
    return { users: [[caller.userId, "Me"], ...others], hasMore: next !== null };
  }

  const idOf = ({ request }: AuthedPageContext) => pathId(request, "id");

  const usesOf = async ({ caller }: AuthedPageContext, id: string) =>
    (await actionUses.runs(caller, id, { limit: MAX_USES, after: null })).items;

  return [
    page("/console/actions", async (context) => {
      const { items, previous, next } = await actionTokens.list(
        context.caller,
        readPage(context.request),
        context.nowMs,
      );
      return {
        title: "Action tokens",
        body: (
          <>
            <h1>Action tokens</h1>
            <Choices actions={actionUses.issuable()} />
            <List tokens={items} actions={actionUses} nowMs={context.nowMs} />
            <Pagination path="/console/actions" previous={previous} next={next} />
          </>
        ),
      };
    }),

    ...form({
      path: "/console/actions/new/:action",
      schema: Terms,
      async show(context, state) {
        const action = actionOf(context);
        const secret = await actionTokens.newSecret();
        const { users, hasMore } = await usersFor(context);
        return formPage(action, users, hasMore, secret, state);
      },
      async submit(context, sent) {
        const action = actionOf(context);
        const issue = {
          action: action.name,
          payload: formValue(action.payloadFields ?? [], sent),
          ttlSeconds: sent.token_lifetime,
          maxUses: sent.token_uses,
          audience: sent.token_audience,
        };
        const {
          token: { id },
          secret,
          isRepeated,
        } = await actionTokens.issue(context.caller, issue, context.nowMs, sent.token_secret);
        const { token, status, revokedAtMs } = await actionUses.one(
          context.caller,
          id,
          context.nowMs,
        );
        return {
          title: "Action token",
          body: (
            <IssuedPage
              title={action.page.title}
              token={token}
              status={status}
              revokedAtMs={revokedAtMs}
              link={`${issuer}/a/${secret}`}
              described={await actionPages.describe(token, isolated)}
              uses={isRepeated ? await usesOf(context, id) : []}
              isRepeated={isRepeated}
            />
          ),
        };
      },
    }),

    page("/console/actions/:id", async (context) => {
      const { token, status, revokedAtMs, action } = await actionUses.one(
        context.caller,
        idOf(context),
        context.nowMs,
      );
      return {
        title: "Action token",
        // With JavaScript, only the list of uses is refreshed.
        head: (
          <noscript>
            <meta http-equiv="refresh" content="15" />
          </noscript>
        ),
        body: (
          <OwnTokenPage
            title={action?.page.title ?? token.action}
            token={token}
            status={status}
            revokedAtMs={revokedAtMs}
            described={await actionPages.describe(token, isolated)}
            uses={await usesOf(context, token.id)}
          />
        ),
      };
    }),

    // The list of uses on both pages above, polled by the script.
    fragment("/console/actions/:id/uses", async (context) => {
      const { token, status } = await actionUses.one(context.caller, idOf(context), context.nowMs);
      const uses = await usesOf(context, token.id);
      return {
        status: 200,
        body: null,
        text: String(<UseList token={token} status={status} uses={uses} />),
        headers: PAGE_HEADERS,
      };
    }),

    action({
      path: "/console/actions/:id/end",
      schema: v.object({}),
      async submit(context) {
        await actionTokens.revoke(context.caller, idOf(context), context.nowMs);
        return seeOtherWithMessage(`/console/actions/${idOf(context)}`, "action_revoked");
      },
    }),
  ];
}

function Choices({ actions }: { readonly actions: readonly Action[] }) {
  return (
    <ul class="tiles choices">
      {actions
        .filter((action) => action.payloadFields !== null)
        .map(({ name, page: { title, note } }) => (
          <li>
            <a href={`/console/actions/new/${name}`}>
              <strong>New: {title}</strong>
              <span>{note}</span>
            </a>
          </li>
        ))}
    </ul>
  );
}

interface ListProps {
  readonly tokens: readonly ActionToken[];
  readonly actions: ActionUses;
  readonly nowMs: number;
}

function List({ tokens, actions, nowMs }: ListProps) {
  if (tokens.length === 0) {
    return <p class="card empty">None of yours can be used at the moment.</p>;
  }
  return (
    <Table
      caption="Those that can be used, newest first"
      rows={tokens}
      columns={[
        [
          "Action",
          ({ id, action }) => (
            <a href={`/console/actions/${id}`}>{actions.find(action)?.page.title ?? action}</a>
          ),
        ],
        ["Used", ({ uses, maxUses }) => `${uses} of ${maxUses}`],
        ["Ends", ({ expiresAtMs }) => <Relative ms={expiresAtMs} nowMs={nowMs} />],
        ["Made", ({ createdAtMs }) => <Time ms={createdAtMs} />],
      ]}
    />
  );
}
