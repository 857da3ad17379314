import * as v from "valibot";
import type { WayIn } from "../core/caller.ts";
import type { Device } from "../core/devices.ts";
import type { KnownDevice, Login, OwnLogin } from "../core/logins.ts";
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
import { Confirm, Pagination, PostForm, Relative, Table, Time, UserText } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";

const KINDS: Readonly<Record<Login["kind"], string>> = {
  session: "Session",
  family: "Login with tokens",
};

const WAYS: Readonly<Record<WayIn, string>> = {
  password: "password",
  identity: "another account",
  email: "mail",
  passkey: "passkey",
  ha1b: "HA1B",
};

/** Of another version, perhaps. */
const wayOf = (way: string | null) =>
  Object.entries(WAYS).find(([name]) => name === way)?.[1] ?? "not known";

const deviceOf = ({ browser, system }: Device): string =>
  [browser ?? "Something", ...(system === null ? [] : [`on ${system}`])].join(" ");

const REGIONS = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/** A country by its name, which `T1` has not. */
function locationOf({ country, city }: Device): string | null {
  if (country === null) return null;
  if (country === "T1") return "Tor";
  const name = REGIONS.of(country) ?? country;
  return city === null ? name : `${city}, ${name}`;
}

/** Where the user is logged in, with buttons to log out each. */
export function loginPages(
  { page, action }: PageRoutes,
  { logins }: ConsoleDeps,
): readonly Route[] {
  async function list({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const { items, previous, next, devices } = await logins.list(caller, readPage(request), nowMs);
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
              ["From", fromOf],
              ["By", ({ way }) => wayOf(way)],
              ["Since", ({ createdAtMs }) => <Time ms={createdAtMs} />],
              ["Last renewed", ({ modifiedAtMs }) => <Relative ms={modifiedAtMs} nowMs={nowMs} />],
              ["Ends", ({ expiresAtMs }) => <Relative ms={expiresAtMs} nowMs={nowMs} />],
            ]}
            act={["End it", endButton]}
          />
          <Pagination path="/console/logins" previous={previous} next={next} />
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
          {devices.length > 0 && <Devices devices={devices} nowMs={nowMs} />}
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

function Devices({
  devices,
  nowMs,
}: {
  readonly devices: readonly KnownDevice[];
  readonly nowMs: number;
}) {
  return (
    <section class="card">
      <h2>Devices that have logged in</h2>
      <p>
        A program that sends your password with each request, or that got a token with it directly,
        is here and not above. It cannot be logged out by itself: log out everywhere but here, and
        if it is not yours, change your password.
      </p>
      <Table
        rows={devices}
        columns={[
          ["Device", (device) => <UserText text={deviceOf(device)} />],
          ["From", (device) => locationOf(device) ?? "not kept"],
          ["Last by", ({ way }) => wayOf(way)],
          ["First seen", ({ firstSeenAtMs }) => <Time ms={firstSeenAtMs} />],
          ["Last seen", ({ lastSeenAtMs }) => <Relative ms={lastSeenAtMs} nowMs={nowMs} />],
        ]}
      />
    </section>
  );
}

const fromOf = (login: OwnLogin) => {
  const places = [locationOf(login), login.address].filter((each) => each !== null);
  return places.length === 0 ? "not kept" : places.join(" · ");
};

const whatOf = (login: OwnLogin) => (
  <>
    <UserText text={deviceOf(login)} /> <span class="hint">{KINDS[login.kind]}</span>{" "}
    {login.isCurrent && <span class="badge good">this browser</span>}
  </>
);

const endButton = (login: OwnLogin) =>
  login.isCurrent ? (
    <PostForm action="/console/logout" button="Log out here" look="quiet small" />
  ) : (
    <Confirm summary="End" subject={`the login of ${deviceOf(login)}`}>
      <PostForm
        action="/console/logins/end"
        id={login.id}
        button="End this login"
        look="danger small"
      />
    </Confirm>
  );
