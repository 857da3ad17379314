import * as v from "valibot";
import type { Device } from "../core/devices.ts";
import type { KnownDevice, OwnLogin } from "../core/logins.ts";
import { readPage } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { accountPage, SECURITY } from "./account.tsx";
import {
  Confirm,
  Pagination,
  Panel,
  Pill,
  PostForm,
  Relative,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import {
  type AuthedPageContext,
  clearSession,
  ItemId,
  type PageRoutes,
  seeOther,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { security, time } from "./words.ts";

export const SESSIONS = `${SECURITY}/sessions`;

const words = security.sessions;

/** A page stays light: each session has its form. */
const SHOWN = 10;

/** Another version's way in may have no name here. */
const wayOf = (way: string | null) =>
  Object.entries(words.ways).find(([name]) => name === way)?.[1] ?? words.unknown;

export const deviceOf = ({ browser, system }: Device): string =>
  browser !== null && system !== null
    ? words.on(browser, system)
    : (browser ?? system ?? words.unknownDevice);

/** Made on first use: it takes as long as starting all else. */
let regions: Intl.DisplayNames | undefined;

/** A country by its name, which `T1` has not. */
export function locationOf({ country, city }: Pick<Device, "country" | "city">): string | null {
  if (country === null) return null;
  if (country === "T1") return "Tor";
  regions ??= new Intl.DisplayNames(time.locale, { type: "region", fallback: "none" });
  const name = regions.of(country) ?? country;
  return city === null ? name : `${city}, ${name}`;
}

/** Where the user is logged in, with buttons to log out each, and what has logged in. */
export function loginPages(
  { page, action }: PageRoutes,
  { logins }: ConsoleDeps,
): readonly Route[] {
  async function list({ request, caller, nowMs }: AuthedPageContext): Promise<Page> {
    const { items, devices, ...pages } = await logins.list(caller, readPage(request, SHOWN), nowMs);
    return accountPage({
      title: words.title,
      lead: words.lead,
      back: [SECURITY, security.back],
      tab: SECURITY,
      body: (
        <>
          <SessionTable logins={items} nowMs={nowMs} />
          <Pagination path={SESSIONS} {...pages} />
          <div class="below">
            <OthersForm logins={items} />
          </div>
          {devices.length > 0 && <Devices devices={devices} nowMs={nowMs} />}
        </>
      ),
    });
  }

  return [
    page(SESSIONS, list),
    action({
      path: `${SESSIONS}/end`,
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await logins.revoke(caller, id, nowMs);
        return id === caller.tokenId
          ? seeOther("/console/login", clearSession)
          : seeOtherWithMessage(SESSIONS, "login_revoked");
      },
    }),
    action({
      path: `${SESSIONS}/end-others`,
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        const { isAll } = await logins.revokeOthers(caller, nowMs);
        return seeOtherWithMessage(SESSIONS, isAll ? "logins_ended" : "logins_ended_some");
      },
    }),
  ];
}

interface SessionTableProps {
  readonly logins: readonly OwnLogin[];
  readonly nowMs: number;
}

export function SessionTable({ logins, nowMs }: SessionTableProps) {
  const { columns } = words;
  return (
    <Table
      rows={logins}
      columns={[
        [
          columns.device,
          (login) => (
            <>
              <UserText text={deviceOf(login)} />{" "}
              {login.isCurrent && <Pill tone="good">{words.current}</Pill>}
              {login.kind === "family" && <span class="hint">{words.client}</span>}
            </>
          ),
        ],
        [columns.place, whereOf],
        [columns.way, ({ way }) => wayOf(way)],
        [
          columns.first,
          ({ deviceSinceMs, createdAtMs }) => <Time ms={deviceSinceMs ?? createdAtMs} />,
        ],
        [columns.last, ({ modifiedAtMs }) => <Relative ms={modifiedAtMs} nowMs={nowMs} />],
      ]}
      act={[columns.act, endButton]}
    />
  );
}

const whereOf = (login: OwnLogin) => {
  const places = [locationOf(login), login.address].filter((each) => each !== null);
  return places.length === 0 ? words.unknown : places.join(" · ");
};

const endButton = (login: OwnLogin) =>
  login.isCurrent ? (
    <PostForm action="/console/logout" button={words.logOut} look="quiet small" />
  ) : (
    <Confirm summary={words.logOut} subject={words.subject(deviceOf(login))}>
      <PostForm
        action={`${SESSIONS}/end`}
        id={login.id}
        button={words.logOutButton}
        look="danger small"
      />
    </Confirm>
  );

/** Logs out all sessions but this one, where there is another. */
export function OthersForm({ logins }: Pick<SessionTableProps, "logins">) {
  if (logins.every(({ isCurrent }) => isCurrent)) return null;
  return (
    <Confirm summary={words.others}>
      <p>{words.othersText}</p>
      <PostForm action={`${SESSIONS}/end-others`} button={words.others} look="danger" />
    </Confirm>
  );
}

function Devices({
  devices,
  nowMs,
}: {
  readonly devices: readonly KnownDevice[];
  readonly nowMs: number;
}) {
  const { columns } = words;
  return (
    <Panel title={words.devices}>
      <p>
        {words.devicesText} {devices.length > SHOWN && words.devicesMore(devices.length)}
      </p>
      <Table
        rows={devices.slice(0, SHOWN)}
        columns={[
          [columns.device, (device) => <UserText text={deviceOf(device)} />],
          [columns.place, (device) => locationOf(device) ?? words.unknown],
          [columns.way, ({ way }) => wayOf(way)],
          [columns.first, ({ firstSeenAtMs }) => <Time ms={firstSeenAtMs} />],
          [columns.last, ({ lastSeenAtMs }) => <Relative ms={lastSeenAtMs} nowMs={nowMs} />],
        ]}
      />
    </Panel>
  );
}
