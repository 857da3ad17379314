import * as v from "valibot";
import { WAYS_IN } from "../../core/caller.ts";
import type { Component, OperationDoc, RoutesOf } from "../../openapi/description.ts";
import {
  answer,
  count,
  describe,
  nextCursor,
  PAGE,
  pathParameter,
  text,
  textOrNull,
  time,
  timeOrNull,
  uuid,
} from "../../openapi/shapes.ts";
import { Empty, success } from "./accounts.doc.ts";
import type { loginRoutes } from "./logins.ts";

const recognized = {
  browser: describe(textOrNull, "The browser, or the name that the program gives itself."),
  system: textOrNull,
  country: describe(textOrNull, "ISO 3166-1 alpha-2; null where the deployment keeps no address."),
  city: textOrNull,
};

const UserLogin = v.object({
  id: uuid,
  kind: v.picklist(["session", "jwt_pair"]),
  current: describe(v.boolean(), "Whether it is the one of this request."),
  way: describe(v.nullable(v.picklist(WAYS_IN)), "With what it was made."),
  ...recognized,
  address: describe(textOrNull, "As far as the deployment keeps it."),
  created_on: time,
  last_used_on: describe(
    time,
    "When it was last extended, refreshed, or used for a JWT (to the hour).",
  ),
  expired_on: time,
  device_since: describe(timeOrNull, "The first log-in from a device like this one."),
});

const UserDevice = v.object({
  ...recognized,
  way: describe(text, "With what the last log-in was made."),
  first_seen_on: time,
  last_seen_on: time,
});

export const UserLogins = v.object({
  success: v.literal(true),
  payload: v.array(UserLogin),
  devices: v.array(UserDevice),
  next_cursor: nextCursor,
});

export const loginComponents: Readonly<Record<string, Component>> = {
  UserLogin: { schema: UserLogin },
  UserDevice: {
    schema: UserDevice,
    description:
      "Devices that can be told apart by browser, system and country. One may have logged in only for the JWT of `GET /rest/auth`, or with a password beside each request: that cannot be revoked by itself.",
  },
};

export const loginOperations: Readonly<Record<RoutesOf<typeof loginRoutes>, OperationDoc>> = {
  "GET /rest/user/logins": {
    id: "listLogins",
    summary: "List where the user is logged in, this log-in first",
    description:
      "Sessions and JWT pairs. The first page also has the devices that logged in lately.",
    parameters: PAGE,
    answers: answer("A page of log-ins.", UserLogins),
  },
  "DELETE /rest/user/logins": {
    id: "revokeOtherLogins",
    summary: "Log out everywhere else",
    description:
      "Also revokes JWTs that were obtained with a password alone. API tokens are no log-ins, and stay.",
    answers: answer(
      "Revoked.",
      success(
        v.object({
          revoked: count,
          all: describe(
            v.boolean(),
            "False if there were more than one request revokes: repeat it.",
          ),
        }),
      ),
    ),
  },
  "DELETE /rest/user/logins/:id": {
    id: "revokeLogin",
    summary: "Log out one device",
    description: "Revokes the log-in with all JWTs that were derived from it.",
    parameters: pathParameter("id", "The log-in's `id`."),
    answers: answer("Revoked.", success(Empty)),
    refuses: [404],
  },
};
