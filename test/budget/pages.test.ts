import { beforeAll, expect, it } from "vitest";
import { newFixtures, GET_PAGES, pathIn } from "../console/forms.ts";
import { newPageClient, type PageClient } from "../console/page-client.ts";
import { mailed } from "../support/mailed.ts";
import { isolate, type Isolate } from "../support/service.ts";
import { type Cost, meter } from "./measure.ts";

/**
 * How often a page asks the stores, opened by a user who is logged in, at a revocation lag of 0. The first
 * question of most is who that is. A number that changes is a decision, and is changed here.
 */
const CALLS: Readonly<Record<string, string>> = {
  "/": "1 D1",
  "/a/:token": "4 D1",
  "/a/:token (password reset)": "5 D1",
  "/console": "4 D1",
  "/console/account": "1 D1",
  "/console/account/deleted": "1 D1",
  "/console/account/data": "1 D1",
  "/console/account/data/export": "15 D1",
  "/console/account/security/passkeys": "3 D1",
  "/console/account/security/password": "2 D1",
  "/console/account/security/second-factor": "2 D1",
  "/console/account/security/second-factor/confirm": "1 D1",
  "/console/actions": "2 D1",
  "/console/actions/:id": "4 D1",
  "/console/actions/:id/uses": "3 D1",
  "/console/actions/new": "1 D1",
  "/console/actions/new/:action": "2 D1",
  "/console/actions/uses": "2 D1",
  "/console/activity": "3 D1",
  "/console/activity/export": "2 D1",
  "/console/account/security": "7 D1",
  "/console/admin": "5 D1",
  "/console/admin/deliveries": "5 D1",
  "/console/admin/events": "5 D1",
  "/console/admin/service": "6 D1",
  "/console/admin/throttles": "5 D1",
  "/console/admin/users/:user": "5 D1",
  "/console/admin/users/:user/delete": "4 D1",
  "/console/admin/users/:user/events": "7 D1",
  "/console/admin/users/:user/logins": "7 D1",
  "/console/admin/users/:user/tokens": "7 D1",
  "/console/confirm": "2 D1",
  "/console/contacts": "2 D1",
  "/console/contacts/:contact": "2 D1",
  "/console/contacts/followers": "2 D1",
  "/console/forgotten": "1 D1",
  "/console/forgotten/sent": "1 D1",
  "/console/inspector": "1 D1",
  "/console/login": "1 D1",
  "/console/login/code": "1 D1",
  "/console/login/email": "1 D1",
  "/console/login/email/code": "1 D1",
  "/console/login/link/:token": "2 D1",
  "/console/login/passkey": "1 D1",
  "/console/account/security/sessions": "2 D1",
  "/console/signup": "1 D1",
  "/console/tokens": "2 D1",
  "/console/tokens/:tokenId": "4 D1",
  "/console/tokens/new": "1 D1",
  "/docs": "1 D1",
  "/docs/:operation": "1 D1",
};

const measured = meter();
let place: Isolate;
let visitor: PageClient;
let world: Awaited<ReturnType<typeof newFixtures>>;

beforeAll(async () => {
  place = isolate({}, measured.bindings);
  visitor = await newPageClient(place.call);
  world = await newFixtures(visitor, place.call);
  await place.settled();
  measured.read();
});

const callsOf = ({ get, put, delete: ended, query }: Cost): string =>
  [
    [get, "KV read"],
    [put + ended, "KV write"],
    [query, "D1"],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ") || "none";

it("every page asks the stores as often as is written down", async () => {
  const calls: Record<string, string> = {};
  const user = { id: world.contactId, email: visitor.email };
  const pages = [
    ...GET_PAGES.map(({ path }) => [path, pathIn(path, world)] as const),
    ["/a/:token (password reset)", `/a/${await mailed(user, "resetPassword")}`] as const,
  ];
  measured.read();
  for (const [name, path] of pages) {
    await visitor.open(path);
    await place.settled();
    calls[name] = callsOf(measured.read());
  }
  expect(calls).toEqual(CALLS);
});
