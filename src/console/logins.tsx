import * as v from "valibot";
import type { Login, OwnLogin } from "../core/logins.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import {
  ItemId,
  type PageRoutes,
  type AuthedPageContext,
  seeOtherWithMessage,
  seeOther,
  clearSession,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Confirm, Pagination, PostForm, Relative, Table, Time } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";

const KINDS: Readonly<Record<Login["kind"], string>> = {
  session: "Session",
  family: "Login with tokens",
};

/** Where the user is logged in, with buttons to log out each. */
export function loginPages(
  { page, action }: PageRoutes,
  { logins }: ConsoleDeps,
): readonly Route[] {
  async function list({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const { items, next } = await logins.list(caller, readPage(request), nowMs);
    const hasOthers = items.some(({ isCurrent }) => !isCurrent);
    return {
      title: "Where I am logged in",
      body: (
        <>
          <h1>Where I am logged in</h1>
          <Table
            rows={items}
            columns={[
              ["What", whatOf],
              ["From", ({ address }) => address ?? "not kept"],
              ["Since", ({ createdAtMs }) => <Time ms={createdAtMs} />],
              ["Last renewed", ({ modifiedAtMs }) => <Relative ms={modifiedAtMs} nowMs={nowMs} />],
              ["Ends", ({ expiresAtMs }) => <Relative ms={expiresAtMs} nowMs={nowMs} />],
            ]}
            act={["End it", endButton]}
          />
          <Pagination path="/console/logins" next={next} />
          {hasOthers && (
            <div class="below">
              <Confirm summary="End all others">
                <p>
                  Every other browser and program that is logged in as you is logged out. API tokens
                  are no logins, and stay.
                </p>
                <PostForm
                  action="/console/logins/end-others"
                  button="Log out everywhere but here"
                  look="danger"
                />
              </Confirm>
            </div>
          )}
        </>
      ),
    };
  }

  return [
    page("/console/logins", list),
    action({
      path: "/console/logins/end",
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await logins.revoke(caller, id, nowMs);
        return id === caller.tokenId
          ? seeOther("/console/login", clearSession)
          : seeOtherWithMessage("/console/logins", "login_revoked");
      },
    }),
    action({
      path: "/console/logins/end-others",
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        const { isAll } = await logins.revokeOthers(caller, nowMs);
        return seeOtherWithMessage("/console/logins", isAll ? "logins_ended" : "logins_ended_some");
      },
    }),
  ];
}

const whatOf = ({ kind, isCurrent }: OwnLogin) => (
  <>
    {KINDS[kind]} {isCurrent && <span class="badge good">this browser</span>}
  </>
);

const endButton = ({ id, address, isCurrent }: OwnLogin) =>
  isCurrent ? (
    <PostForm action="/console/logout" button="Log out here" look="quiet small" />
  ) : (
    <Confirm summary="End" subject={`the login from ${address ?? "an address that is not kept"}`}>
      <PostForm action="/console/logins/end" id={id} button="End this login" look="danger small" />
    </Confirm>
  );
