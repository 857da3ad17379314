import type { Device } from "../../core/devices.ts";
import type { KnownDevice, Login, LoginList, Logins, OwnLogin } from "../../core/logins.ts";
import type { Json } from "../../core/token.ts";
import { pathId } from "../../http/fields.ts";
import { cursorText, readPage } from "../../http/query.ts";
import { defineRoutes, isoTime, isoTimeOrNull, ok } from "../../http/surface.ts";
import { success } from "./accounts.ts";

export interface LoginServices {
  readonly logins: Logins;
}

/** `/rest/user/logins`: where the user is logged in. */
export const loginRoutes = ({ logins }: LoginServices) =>
  defineRoutes([
    {
      method: "GET",
      path: "/rest/user/logins",
      access: "caller",
      scope: "account:read",
      async handle({ request, nowMs }, caller) {
        return loginsToJson(await logins.list(caller, readPage(request), nowMs));
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/logins",
      access: "caller",
      scope: "account:write",
      async handle({ nowMs }, caller) {
        const { revoked, isAll } = await logins.revokeOthers(caller, nowMs);
        return success({ revoked, all: isAll });
      },
    },
    {
      method: "DELETE",
      path: "/rest/user/logins/:id",
      access: "caller",
      scope: "account:write",
      async handle({ request, nowMs }, caller) {
        await logins.revoke(caller, pathId(request, "id"), nowMs);
        return success({});
      },
    },
  ]);

/** @param list of the user's own, or of another's */
export const loginsToJson = ({ items, next, devices }: LoginList<Login & Partial<OwnLogin>>) =>
  ok({
    success: true,
    payload: items.map(loginToJson),
    devices: devices.map(deviceToJson),
    next_cursor: cursorText(next),
  });

const recognized = ({ browser, system, country, city }: Device) => ({
  browser,
  system,
  country,
  city,
});

const loginToJson = (login: Login & Partial<OwnLogin>): Readonly<Record<string, Json>> => ({
  id: login.id,
  kind: login.kind === "family" ? "jwt_pair" : login.kind,
  current: login.isCurrent ?? false,
  way: login.way,
  ...recognized(login),
  address: login.address,
  created_on: isoTime(login.createdAtMs),
  last_used_on: isoTime(login.modifiedAtMs),
  expired_on: isoTime(login.expiresAtMs),
  device_since: isoTimeOrNull(login.deviceSinceMs),
});

const deviceToJson = (device: KnownDevice): Readonly<Record<string, Json>> => ({
  ...recognized(device),
  way: device.way,
  first_seen_on: isoTime(device.firstSeenAtMs),
  last_seen_on: isoTime(device.lastSeenAtMs),
});
