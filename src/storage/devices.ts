import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { KnownDevice } from "../core/logins.ts";
import type { DeviceStatements, NoticeStatements, Served } from "./context.ts";
import { shortDigestOf } from "./d1.ts";
import { uuid } from "../core/uuid.ts";

/** How many a user has at most; those that logged in longest ago make room. */
const DEVICES_MAX = 50;
const NETWORKS_MAX = 10;

export function createDeviceStatements(
  { device: ofRequest, attemptNetwork }: Pick<Served, "device" | "attemptNetwork">,
  notices: NoticeStatements,
): DeviceStatements {
  return {
    async detail(way) {
      const device = ofRequest();
      const { name, mayBeKnown } = attemptNetwork();
      const { browser, system, country } = device;
      const [id, network] = await Promise.all([
        shortDigestOf(JSON.stringify([browser, system, country])),
        mayBeKnown && name !== "" ? shortDigestOf(name) : null,
      ]);
      return { ...device, way, device: id, network };
    },

    // guard: known-log-in-is-known-by-all
    isKnown: ({ network, device, way }, userId) =>
      sql`EXISTS (SELECT 1 FROM devices WHERE devices.user_id = ${uuid(userId)} AND devices.id = ${device} AND devices.way = ${way}
        AND EXISTS (SELECT 1 FROM json_each(devices.networks) WHERE value = ${network}))`,

    seen({ network, device: id, ...login }, userId, loginId, onlyIf, nowMs) {
      const own = sql`devices.user_id = ${uuid(userId)}`;
      // NULL, and so no, where the account has no device yet.
      // guard: known-network-or-device-is-no-news
      const isNews = sql`(SELECT MAX(devices.id = ${id} OR EXISTS (SELECT 1 FROM json_each(devices.networks)
        WHERE value = ${network})) FROM devices WHERE ${own}) = 0`;
      const before = sql`SELECT value FROM json_each(devices.networks) WHERE value IS NOT ${network} LIMIT ${
        network === null ? NETWORKS_MAX : NETWORKS_MAX - 1
      }`;
      const latest = network === null ? sql`` : sql`SELECT ${network} AS value UNION ALL`;
      const { browser, system, country, city, way } = login;
      return {
        notice: notices.queue(
          "new_login",
          userId,
          sql`${onlyIf} AND ${isNews}`,
          nowMs,
          loginId ?? undefined,
          JSON.stringify(login),
        ),
        device: [
          sql`INSERT INTO devices (user_id, id, browser, system, country, city, way, networks, first_seen_at, last_seen_at)
            SELECT ${uuid(userId)}, ${id}, ${browser}, ${system}, ${country}, ${city}, ${way},
              ${JSON.stringify(network === null ? [] : [network])}, ${nowMs}, ${nowMs} WHERE ${onlyIf}
            ON CONFLICT (user_id, id) DO UPDATE SET city = excluded.city, way = excluded.way,
              last_seen_at = MAX(last_seen_at, excluded.last_seen_at),
              networks = (SELECT json_group_array(value) FROM (${latest} SELECT value FROM (${before})))`,
          // guard: devices-are-bounded
          sql`DELETE FROM devices WHERE ${own} AND id IN (SELECT id FROM devices WHERE ${own}
            ORDER BY last_seen_at DESC, id LIMIT -1 OFFSET ${DEVICES_MAX})`,
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
    FROM devices WHERE user_id = ${uuid(userId)} ORDER BY last_seen_at DESC, id`;
