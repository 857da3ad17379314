import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import committed from "../../src/openapi/examples.json?raw";
import { app } from "../../src/app.ts";
import { pages } from "../../src/latchkey.ts";
import { readConfig } from "../../src/config.ts";
import { type Example, readExamples } from "../../src/openapi/examples.ts";
import { platform } from "../../src/latchkey.ts";
import { type Services, servicesOver } from "../../src/services.ts";
import { type Answered, over, type Send, textAt } from "../support/client.ts";
import { CHEAP } from "../support/service.ts";
import { intercept } from "../support/stores.ts";
import { requestOf } from "../faults/requests.ts";
import { buildWorld, begin, type World } from "../faults/world.ts";
import { ROUTE_KEYS, ownerOf } from "../hostile/routes.ts";
import { newRealm, taking } from "../identities/realms.ts";
import { BY_IDENTITY, BY_SCOPE, GRANTED, REFUSED, type Trouble } from "./requests.ts";
import { recorded } from "./recorded.ts";

declare module "vitest" {
  interface TaskMeta {
    /** For `npm run examples`, which writes them down. */
    example?: Example;
  }
}

/** One day, so that the examples tell of one. */
const NOW = Date.UTC(2026, 9, 26, 8, 44, 20);
const TRIES = 100;

let world: World;
const examples = readExamples(committed);
const executed: Example[] = [];

beforeAll(async () => {
  world = await buildWorld(NOW);
});
beforeEach(async () => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "warn").mockReturnValue();
  await begin(world);
});

const failing = async () => Promise.reject(new TypeError("broken on purpose"));

/** One call of each surface with a defect in it. */
const defective = (services: Services): Services => ({
  ...services,
  accounts: { ...services.accounts, read: failing },
  jwtPairs: { ...services.jwtPairs, obtain: failing },
  actionTokens: { ...services.actionTokens, list: failing },
  sessions: { ...services.sessions, create: failing },
  introspection: { ...services.introspection, revoke: failing },
  statusLists: { ...services.statusLists, read: failing },
});

/** The only wait of half a minute is the one for a body. */
function hurry(): () => void {
  const real = setTimeout;
  const spy = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((...[run, ms = 0, ...args]) => real(run, ms === 30_000 ? 0 : ms, ...args));
  return () => spy.mockRestore();
}

const isOver = { limit: async () => ({ success: false }) };

function serviceWith(settings: Readonly<Record<string, string>> = {}, trouble?: Trouble) {
  const config = readConfig({ ...env, ...settings });
  const bindings =
    trouble === "no storage"
      ? intercept(async () => Promise.reject(new Error("D1_ERROR: injected")))
      : trouble === "many requests"
        ? { ...env, REVOKE_LIMIT: isOver, STATUS_LIST_LIMIT: isOver }
        : env;
  const services = servicesOver(bindings, config, {
    ...platform,
    waitUntil: () => undefined,
    passwords: CHEAP,
  });
  const { fetch } = app(
    trouble === "broken code" ? defective(services) : services,
    config,
    pages(services, config),
  );
  return over((request) => fetch(request));
}

const call = (...[method, path, send]: [string, string, Send?]) =>
  serviceWith()(method, path, send);

/** @returns the example, as the document has it */
function note(operation: string, as: string, path: string, send: Send, answer: Answered): Example {
  const surface = ROUTE_KEYS.find(({ name }) => name === operation)?.surface ?? ownerOf(path);
  const example = recorded({ surface: surface.name, operation, as, path, send, answer });
  executed.push(example);
  return example;
}

/** What every run of the same request has in common: which members there are, and of what type. */
function shapeOf(value: unknown): unknown {
  // Events of one instant have no order.
  if (Array.isArray(value))
    return [...new Set(value.map((each) => JSON.stringify(shapeOf(each))))].sort();
  // Which ids and names there are, the order of events decides too.
  if (value === null) return "string";
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]));
}

const same = ({ operation, as }: Example) => `${operation} (${as})`;

function expectDocumented(example: Example): void {
  const found = examples.find((each) => same(each) === same(example));
  expect(found, "is not in examples.json: npm run examples").toBeDefined();
  expect(shapeOf(example)).toEqual(shapeOf(found));
  expect(example.status).toBe(found?.status);
}

describe("the document's examples are what is really answered", () => {
  it.for(GRANTED)("$routeKey ($as)", async (each, { task }) => {
    const [method, path, send] = requestOf(each, world);
    const answer = await serviceWith(each.settings)(method, path, send);
    expect(answer.status).toBe(each.status);
    task.meta.example = note(each.routeKey, each.as, path, send, answer);
    expectDocumented(task.meta.example);
  });

  it.for(REFUSED)("$operation ($as)", async (each, { task }) => {
    const [method = "", route = ""] = each.operation.split(" ");
    const path = each.path?.(world) ?? route;
    const send = each.send(world);
    const request = serviceWith(each.settings, each.trouble);
    const calm = each.trouble === "slow body" ? hurry() : () => {};
    let answer = await request(method, path, send).finally(calm);
    for (let n = 0; each.trouble === "many tries" && answer.status !== 429 && n < TRIES; n++) {
      answer = await request(method, path, send);
    }
    expect(answer.status).toBe(each.status);
    task.meta.example = note(each.operation, each.as, path, send, answer);
    expectDocumented(task.meta.example);
  });

  it.for(BY_SCOPE)("%s (without the scope)", async ([operation, more], { task }) => {
    const json = { name: "another", scopes: ["actions:issue"] };
    const made = await call("POST", "/rest/token", { bearer: world.alice.api, json });
    const send = { ...more, bearer: textAt(made, "payload", "token") };
    const [method = "", path = ""] = operation.split(" ");
    const answer = await call(method, path, send);
    expect(answer.status).toBe(403);
    task.meta.example = note(operation, "without the scope", path, send, answer);
    expectDocumented(task.meta.example);
  });

  it.for(BY_IDENTITY)("%s (email of another account)", async (operation, { task }) => {
    const realm = newRealm();
    const idToken = await realm.idToken({ email: world.alice.email, email_verified: false });
    const send = { headers: { [realm.header]: idToken } };
    const [method = "", path = ""] = operation.split(" ");
    const answer = await serviceWith(taking(realm))(method, path, send);
    expect(answer.status).toBe(409);
    task.meta.example = note(operation, "identity of another", path, send, answer);
    expectDocumented(task.meta.example);
  });

  it("and are no others", () => {
    expect(examples.map(same).sort()).toEqual(executed.map(same).sort());
  });
});
