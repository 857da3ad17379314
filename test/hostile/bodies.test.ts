import { beforeAll, describe, expect, it } from "vitest";
import { call, newOperator, type Send, textAt } from "../support/client.ts";
import { some } from "../support/thorough.ts";
import { bodies, CONTENT_TYPES, FORMS, sampleFor, VALUES, withField } from "./bodies.ts";
import { type Probe, run } from "./probe.ts";
import { quick } from "./quick.ts";
import { ROUTE_KEYS, type RouteKey, ownerOf, pathOf } from "./routes.ts";

let email = "";
let bearer = "";

beforeAll(async () => {
  const caller = await newOperator();
  email = caller.email;
  // It lives a day, and checking it writes nothing.
  bearer = textAt(await call("GET", "/rest/auth", { bearer: caller.access }), "payload", "token");
});

/** Everything in place but the body. */
function probe({ route }: RouteKey, name: string, send: Send, statuses?: readonly number[]): Probe {
  return {
    name,
    method: route.method,
    path: pathOf(route),
    send: { ...send, ...(route.access === "caller" && { bearer }) },
    ...(statuses && { statuses }),
  };
}

const json = (body: BodyInit): Send => ({ headers: { "content-type": "application/json" }, body });

/** Bytes in pieces, so that no Content-Length goes with them. */
function streamed(length: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(16_384).fill(0x20);
  let left = length;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(piece.subarray(0, Math.min(left, piece.length)));
      left -= piece.length;
      if (left <= 0) controller.close();
    },
  });
}

const LIMIT = 64 * 1024;
const TAKES_BODY = ROUTE_KEYS.filter(({ route }) => route.method !== "GET");
/** Those that read the body: they cannot do without one. */
const READS_BODY = TAKES_BODY.filter(
  ({ route }) => route.method !== "DELETE" || route.path === "/rest/user",
);

describe.each(TAKES_BODY)("$name", (routeKey) => {
  const { surface, route } = routeKey;
  const turn = TAKES_BODY.indexOf(routeKey);

  it("takes each field as any type without harm", async () => {
    const sample = sampleFor(route, { email });
    const probes = Object.keys(sample).flatMap((field, at) =>
      some(Object.entries(VALUES), turn + at, 6).map(([name, value]) =>
        probe(routeKey, `${field} as ${name}`, json(withField(sample, field, value))),
      ),
    );
    expect(await run(surface, probes, quick)).toEqual([]);
  });

  it("takes any body without harm", async () => {
    const sample = sampleFor(route, { email });
    const probes = some(Object.entries(bodies(sample)), turn).map(([name, body]) =>
      probe(routeKey, name, json(body)),
    );
    expect(await run(surface, probes, quick)).toEqual([]);
  });

  it("takes any content type without harm", async () => {
    const sample = sampleFor(route, { email });
    const probes = some(CONTENT_TYPES, turn).flatMap((type) =>
      [JSON.stringify(sample), ...(/form/.test(type) ? FORMS : [])].map((body) =>
        probe(routeKey, `${type}: ${body}`, { headers: { "content-type": type }, body }),
      ),
    );
    expect(await run(surface, probes, quick)).toEqual([]);
  });
});

describe.each(READS_BODY)("$name", (routeKey) => {
  it("reads 64 KiB and not a byte more, with and without Content-Length", async () => {
    const space = (length: number) => new Uint8Array(length).fill(0x20);
    const probes = [
      probe(routeKey, "64 KiB and 1", json(space(LIMIT + 1)), [413]),
      probe(routeKey, "64 KiB and 1, streamed", json(streamed(LIMIT + 1)), [413]),
      probe(routeKey, "64 KiB", json(space(LIMIT)), [400]),
      probe(routeKey, "64 KiB, streamed", json(streamed(LIMIT)), [400]),
    ];
    expect(await run(routeKey.surface, probes)).toEqual([]);
  });
});

it("hashes any password without harm", async () => {
  const surface = ownerOf("/tokens");
  const probes = Object.entries(VALUES).map(([name, value]) => ({
    name,
    method: "POST",
    path: "/tokens",
    send: json(withField({ email_id: email }, "password", value)),
    statuses: [400],
  }));
  expect(await run(surface, probes)).toEqual([]);
});
