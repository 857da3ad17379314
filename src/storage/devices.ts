import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { KnownDevice } from "../core/logins.ts";
import { uuid } from "../core/uuid.ts";
import type { DeviceStatements, NoticeStatements, SeenLogin, Served } from "./context.ts";
import { networkDigest } from "./d1.ts";

/** How many a user has at most; those that logged in longest ago make room. */
const DEVICES_MAX = 50;
const NETWORKS_MAX = 20;

const HOUR_MS = 3_600_000;
/** How long a network is known after the last log-in from it: rounded up to the hour. */
const KNOWN_HOURS = 90 * 24;

const hourOf = (ms: number) => Math.floor(ms / HOUR_MS);
/** The hour of a device's last log-in from a network; NULL where there was none. */
const lastFrom = (network: string | null): Sql =>
  network === null ? sql`NULL` : sql`(devices.networks ->> ${`$."${network}"`})`;

/** Whether a user has logged in from a network lately. @param userId an expression @param network its digest */
// guard: networks-are-known-for-90-days
export const isKnownNetwork = (userId: Sql, network: string, nowMs: number): Sql =>
  sql`EXISTS (SELECT 1 FROM devices WHERE devices.user_id = ${userId}
    AND ${lastFrom(network)} >= ${hourOf(nowMs) - KNOWN_HOURS})`;

export function createDeviceStatements(
  { device: ofRequest, attemptNetwork }: Pick<Served, "device" | "attemptNetwork">,
  notices: NoticeStatements,
): DeviceStatements {
  const isIt = ({ browser, system, country }: SeenLogin): Sql =>
    sql`devices.browser IS ${browser} AND devices.system IS ${system} AND devices.country IS ${country}`;
  const ownedBy = (userId: string): Sql => sql`devices.user_id = ${uuid(userId)}`;

  /** Of those that the user has, or after all of them. */
  const idOf = (login: SeenLogin, userId: string, nowMs: number): Sql =>
    sql`COALESCE((SELECT first_seen_at FROM devices WHERE ${ownedBy(userId)} AND ${isIt(login)}),
      (SELECT MAX(${nowMs}, COALESCE(MAX(first_seen_at), 0) + 1) FROM devices WHERE ${ownedBy(userId)}))`;

  return {
    async login(way) {
      const { name, mayBeKnown } = attemptNetwork();
      const network = mayBeKnown && name !== "" ? await networkDigest(name) : null;
      return { ...ofRequest(), way, network };
    },

    idOf,

    // guard: known-log-in-is-known-by-all
    isKnown: (login, userId) =>
      sql`EXISTS (SELECT 1 FROM devices WHERE ${ownedBy(userId)} AND ${isIt(login)} AND devices.way = ${login.way}
        AND ${lastFrom(login.network)} IS NOT NULL)`,

    isNew: (login, userId) =>
      sql`NOT EXISTS (SELECT 1 FROM devices WHERE ${ownedBy(userId)} AND ${isIt(login)})`,

    isNoted: (login, userId, nowMs) =>
      sql`EXISTS (SELECT 1 FROM devices WHERE ${ownedBy(userId)} AND ${isIt(login)} AND ${
        login.network === null
          ? sql`devices.last_seen_at >= ${hourOf(nowMs) * HOUR_MS}`
          : sql`devices.way = ${login.way} AND ${lastFrom(login.network)} >= ${hourOf(nowMs)}`
      })`,

    seen(login, userId, loginId, onlyIf, nowMs) {
      const own = ownedBy(userId);
      const { network, ...noticed } = login;
      const { browser, system, country, city, way } = noticed;
      // NULL, and so no, where the account has no device yet.
      // guard: known-network-or-device-is-no-news
      const isNews = sql`(SELECT MAX(${isIt(login)} OR ${lastFrom(network)} IS NOT NULL) FROM devices WHERE ${own}) = 0`;
      const networks =
        network === null
          ? sql`networks`
          : sql`(SELECT json_group_object(key, value) FROM (SELECT key, value
              FROM json_each(json_set(networks, ${`$."${network}"`}, ${hourOf(nowMs)}))
              ORDER BY value DESC, key = ${network} DESC LIMIT ${NETWORKS_MAX}))`;
      return {
        notice: notices.queue(
          "new_login",
          userId,
          sql`${onlyIf} AND ${isNews}`,
          nowMs,
          loginId ?? undefined,
          JSON.stringify(noticed),
        ),
        device: [
          sql`INSERT INTO devices (user_id, first_seen_at, last_seen_at, browser, system, country, city, way, networks)
            SELECT ${uuid(userId)}, ${idOf(login, userId, nowMs)}, ${nowMs}, ${browser}, ${system}, ${country}, ${city}, ${way},
              ${JSON.stringify(network === null ? {} : { [network]: hourOf(nowMs) })} WHERE ${onlyIf}
            ON CONFLICT (user_id, first_seen_at) DO UPDATE SET city = excluded.city, way = excluded.way,
              last_seen_at = MAX(last_seen_at, excluded.last_seen_at), networks = ${networks}`,
          // guard: devices-are-bounded
          sql`DELETE FROM devices WHERE ${own} AND first_seen_at IN (SELECT first_seen_at FROM devices WHERE ${own}
            ORDER BY last_seen_at DESC, first_seen_at LIMIT -1 OFFSET ${DEVICES_MAX})`,
        ],
      };
    },
  };
}

const nullableText = v.nullable(v.string());

/** The columns of a device. */
export const DEVICE_FIELDS = {
  browser: nullableText,
  system: nullableText,
  country: nullableText,
  city: nullableText,
};

export const DeviceRow = v.object({
  ...DEVICE_FIELDS,
  way: v.string(),
  firstSeenAtMs: v.number(),
  lastSeenAtMs: v.number(),
}) satisfies v.GenericSchema<unknown, KnownDevice>;

export const devicesOf = (userId: string): Sql =>
  sql`SELECT browser, system, country, city, way, first_seen_at AS firstSeenAtMs, last_seen_at AS lastSeenAtMs
    FROM devices WHERE user_id = ${uuid(userId)} ORDER BY last_seen_at DESC, first_seen_at`;
