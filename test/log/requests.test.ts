import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { app } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { platform } from "../../src/latchkey.ts";
import { servicesOver } from "../../src/services.ts";
import { call, newApiToken, newCaller, over, type Send } from "../support/client.ts";
import { service } from "../support/service.ts";
import { captureLines } from "./line.ts";

const SECRET = `lk_api_${"s3cr3t".repeat(8)}`;
const chatty = service({ LOG: "requests" });
const local = service({ LOG: "requests", ISSUER: "http://localhost:8787" });

describe("what no route serves is a line too, by a pattern and never by its URL", () => {
  it.each<[string, string, string, object]>([
    ["an unknown path", "GET", `/nothing/${SECRET}`, { route: "*", outcome: "path_not_found" }],
    [
      "another surface's",
      "GET",
      `/rest/${SECRET}?t=${SECRET}`,
      { route: "*", surface: "rest-tokens", outcome: "path_not_found" },
    ],
    [
      "a wrong method",
      "PUT",
      `/rest/token/${SECRET}`,
      { route: "/rest/token/:token", method: "PUT", outcome: "method_not_allowed", status: 405 },
    ],
    ["a preflight", "OPTIONS", "/rest/user", { method: "OPTIONS", outcome: "ok", status: 204 }],
    ["HEAD", "HEAD", "/health", { method: "HEAD", outcome: "ok", status: 200 }],
    [
      "plain HTTP",
      "GET",
      `http://latchkey.test/tokens?token=${SECRET}`,
      { route: "/tokens", outcome: "redirected", status: 301 },
    ],
    [
      "two credentials",
      "GET",
      "/rest/user",
      { outcome: "credentials_doubled", credential: "none", status: 400 },
    ],
    ["a scheme of no kind", "GET", "/rest/auth", { credential: "malformed", status: 401 }],
  ])("%s", async (what, method, path, wanted) => {
    const sent: Send =
      what === "two credentials"
        ? { bearer: SECRET, xAuthToken: SECRET }
        : what === "a scheme of no kind"
          ? { headers: { authorization: `Digest ${SECRET}` } }
          : {};
    const lines = captureLines();
    await chatty(method, path, sent);
    expect(lines).toEqual([expect.objectContaining(wanted)]);
    expect(JSON.stringify(lines)).not.toContain("s3cr3t");
  });
});

describe("LOG", () => {
  it("as `requests`, its default, writes of each request a line", async () => {
    const lines = captureLines();
    await service({ LOG: undefined })("GET", "/health");
    expect(lines).toHaveLength(1);
  });

  it("as `errors` writes of none but those that fail by our own doing", async () => {
    const quiet = service({ LOG: "errors" });
    const lines = captureLines();
    await quiet("GET", "/health");
    await quiet("GET", "/rest/user");
    expect(lines).toEqual([]);
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new TypeError("D1_ERROR: down");
    });
    expect((await quiet("GET", "/status-lists/0")).status).toBe(503);
    expect(lines).toEqual([
      expect.objectContaining({ status: 503, error: expect.stringContaining("D1_ERROR: down") }),
    ]);
  });

  it("as anything else does not let the service start", () => {
    expect(() => service({ LOG: "all" })).toThrow("LOG must be one of requests, errors");
  });
});

it("counts a call that KV refused and that was made again", async () => {
  const { access } = await newCaller();
  const { secret } = await newApiToken(access);
  const lagging = service({ LOG: "requests", REVOCATION_LAG_SECONDS: "60" });
  // It leaves a copy of the user in KV.
  await lagging("GET", "/rest/user", { bearer: secret });
  const lines = captureLines();
  await lagging("GET", "/rest/user", { bearer: secret });
  vi.spyOn(env.KV, "get").mockRejectedValueOnce(new Error("KV GET failed: 429"));
  await lagging("GET", "/rest/user", { bearer: secret });
  const [once = 0, again = 0] = lines.map((line) => line.kv_reads);
  expect(once).toBeGreaterThan(0);
  expect(again).toBe(once + 1);
});

it("says how long it waited for the stores", async () => {
  const { access } = await newCaller();
  const real = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    const statement = real(sql);
    return Object.assign(Object.create(statement), {
      bind: (...values: unknown[]) => {
        const bound = statement.bind(...values);
        const all = async () => {
          await new Promise((resolve) => setTimeout(resolve, 30));
          return bound.all();
        };
        return Object.assign(Object.create(bound), { all });
      },
    });
  });
  const lines = captureLines();
  await chatty("GET", "/rest/user", { bearer: access });
  const [{ d1_ms = 0, kv_ms = -1, duration_ms = 0 } = {}] = lines;
  expect(d1_ms).toBeGreaterThanOrEqual(25);
  expect(duration_ms).toBeGreaterThanOrEqual(d1_ms);
  expect(kv_ms).toBe(0);
});

it("says of work after the answer that fails, which request it was for", async () => {
  const { access } = await newCaller();
  const { secret } = await newApiToken(access);
  const warned = vi.spyOn(console, "warn").mockReturnValue();
  const background: Promise<unknown>[] = [];
  const fresh = service({}, { waitUntil: (work) => void background.push(work) });
  const real = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    if (sql.startsWith("UPDATE")) throw new Error("D1_ERROR: down");
    return real(sql);
  });
  const headers = { "cf-ray": "8f0c1d2e3f4a5b6c-AMS" };
  expect((await fresh("GET", "/rest/user", { bearer: secret, headers })).status).toBe(200);
  await Promise.all(background);
  expect(warned.mock.calls.flat().map((line) => JSON.parse(String(line)))).toEqual([
    expect.objectContaining({ level: "warn", request_id: "8f0c1d2e3f4a5b6c-AMS" }),
  ]);
});

describe("on one's own machine", () => {
  it("an answer says what it cost, and by which id the log has it", async () => {
    const lines = captureLines();
    const url = "http://localhost:8787/rest/user";
    const answer = await local("GET", url, { basic: { email: "a@example.com", password: "x" } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("server-timing")).toMatch(
      /^total;dur=\d+, kv;dur=0;desc="calls: 0", d1;dur=\d+;desc="queries: [1-9]"$/,
    );
    expect(answer.headers.get("x-request-id")).toBe(lines[0]?.request_id);
  });

  it("and nowhere else, whatever address it is asked at", async () => {
    const answer = await call("GET", "http://localhost:8787/health");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("server-timing")).toBeNull();
    expect(answer.headers.get("x-request-id")).toBeNull();
  });
});

describe("METRICS", () => {
  function measured(writeDataPoint: AnalyticsEngineDataset["writeDataPoint"]) {
    const config = readConfig({ ...env });
    const bindings = { ...env, METRICS: { writeDataPoint } };
    const { fetch } = app(servicesOver(bindings, config, platform), config);
    return over((request) => fetch(request));
  }

  it("has a data point of each request", async () => {
    const points: unknown[] = [];
    const send = measured((point) => void points.push(point));
    const { access } = await newCaller();
    await send("GET", "/rest/user", { bearer: access });
    await send("DELETE", `/api/action-tokens/${SECRET}`);
    expect(points).toEqual([
      {
        indexes: ["rest-tokens"],
        blobs: ["/rest/user", "GET", "ok", "2xx"],
        doubles: [expect.any(Number), 0, 1],
      },
      {
        indexes: ["action-tokens"],
        blobs: ["/api/action-tokens/:id", "DELETE", "caller_missing", "4xx"],
        doubles: [expect.any(Number), 0, 0],
      },
    ]);
  });

  it("fails no request where it fails itself", async () => {
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const send = measured(() => {
      throw new Error("too many data points");
    });
    const headers = { "cf-ray": "8f0c1d2e3f4a5b6c-AMS" };
    expect((await send("GET", "/health", { headers })).status).toBe(200);
    expect(JSON.parse(String(warned.mock.calls[0]?.[0]))).toMatchObject({
      level: "warn",
      request_id: "8f0c1d2e3f4a5b6c-AMS",
      failed: "write metrics",
    });
  });
});
