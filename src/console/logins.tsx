import * as v from "valibot";
import type { Login, Logins } from "../core/logins.ts";
import { cursorText, readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import {
  type PageRoutes,
  type AuthedPageContext,
  seeOtherWithMessage,
  seeOther,
  clearSession,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Confirm, Pagination, Relative, Time } from "./components.tsx";

interface Deps {
  readonly logins: Logins;
}

const LoginId = v.object({
  id: v.pipe(v.string("is required"), v.uuid("must be the id of a login"), v.toLowerCase()),
});

const KINDS: Readonly<Record<Login["kind"], string>> = {
  session: "Session",
  family: "Login with tokens",
};

/** Where the user is logged in, with buttons to log out each. */
export function loginPages({ page, action }: PageRoutes, { logins }: Deps): readonly Route[] {
  async function list({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const { items, next } = await logins.list(caller, readPage(request), nowMs);
    const hasOthers = items.some(({ isCurrent }) => !isCurrent);
    return {
      title: "Where I am logged in",
      body: (
        <>
          <h1>Where I am logged in</h1>
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">From</th>
                <th scope="col">Since</th>
                <th scope="col">Last renewed</th>
                <th scope="col">Ends</th>
                <th scope="col">
                  <span class="unseen">End it</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((login) => (
                <LoginRow login={login} isCurrent={login.isCurrent} nowMs={nowMs} />
              ))}
            </tbody>
          </table>
          <Pagination path="/console/logins" cursor={cursorText(next)} />
          {hasOthers && (
            <div class="below">
              <Confirm summary="End all others">
                <p>
                  Every other browser and program that is logged in as you is logged out. API tokens
                  are no logins, and stay.
                </p>
                <form method="post" action="/console/logins/end-others">
                  <button class="danger" type="submit">
                    Log out everywhere but here
                  </button>
                </form>
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
      schema: LoginId,
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

interface RowProps {
  readonly login: Login;
  readonly isCurrent: boolean;
  readonly nowMs: number;
}

function LoginRow({ login, isCurrent, nowMs }: RowProps) {
  const { id, kind, address, createdAtMs, modifiedAtMs, expiresAtMs } = login;
  return (
    <tr>
      <th scope="row">
        {KINDS[kind]} {isCurrent && <span class="badge good">this browser</span>}
      </th>
      <td data-label="From">{address ?? "not kept"}</td>
      <td data-label="Since">
        <Time ms={createdAtMs} />
      </td>
      <td data-label="Last renewed">
        <Relative ms={modifiedAtMs} nowMs={nowMs} />
      </td>
      <td data-label="Ends">
        <Relative ms={expiresAtMs} nowMs={nowMs} />
      </td>
      <td class="act">
        {isCurrent ? (
          <form method="post" action="/console/logout">
            <button class="quiet small" type="submit">
              Log out here
            </button>
          </form>
        ) : (
          <Confirm
            summary="End"
            subject={`the login from ${address ?? "an address that is not kept"}`}
          >
            <form method="post" action="/console/logins/end">
              <input type="hidden" name="id" value={id} />
              <button class="danger small" type="submit">
                End this login
              </button>
            </form>
          </Confirm>
        )}
      </td>
    </tr>
  );
}
