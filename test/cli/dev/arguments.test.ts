import { createServer } from "node:net";
import type { networkInterfaces } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { CliError } from "../../../src/cli/cli-error.ts";
import { requireFree } from "../../../src/cli/dev.ts";
import {
  lanAddresses,
  optionValues,
  originOf,
  readAddress,
  wranglerArguments,
} from "../../../src/cli/dev-arguments.ts";

const words = (line: string) => line.split(" ").filter(Boolean);

describe("the values of an option", () => {
  it.each([
    ["--port 8799", "port", ["8799"]],
    ["--port=8799", "port", ["8799"]],
    ["--var A:1 B:2 --port 8799 --var C:3", "var", ["A:1", "B:2", "C:3"]],
    ["--var=A:x=y B:2", "var", ["A:x=y"]],
    ["--persistTo here", "persist-to", ["here"]],
    ["--ports 1 --port-of 2", "port", []],
    ["-- --port 8799", "port", []],
    ["--port", "port", []],
  ])("%s: %s is %j", (line, name, values) => {
    expect(optionValues(words(line), name)).toEqual(values);
  });
});

describe("the origin served at", () => {
  it.each([
    ["", "http://localhost:8787"],
    ["--port 8799", "http://localhost:8799"],
    ["--port 80", "http://localhost"],
    ["--local-protocol https --port 8443", "https://localhost:8443"],
    ["--ip 127.0.0.1", "http://127.0.0.1:8787"],
    ["--ip ::1", "http://[::1]:8787"],
    ["--ip 0.0.0.0", "http://localhost:8787"],
    ["--ip=*", "http://localhost:8787"],
  ])("%s is %s", (line, origin) => {
    expect(originOf(readAddress(words(line)))).toBe(origin);
  });

  it.each(["0", "65536", "http", "-1", ""])("is none for --port=%s", (port) => {
    expect(() => readAddress([`--port=${port}`])).toThrow(CliError);
  });
});

const OUTBOX = "--var=MAIL_OUTBOX:on";
const DEV = "--var=DEV:on";
const ROUTES = "--infer-origin-from-routes=false";

describe("what wrangler is told beyond the caller's arguments", () => {
  const own = (
    line: string,
    settings: Readonly<Record<string, string>>,
    lan: readonly string[] | null,
  ) => wranglerArguments(words(line), { settings, lan }).slice(words(line).length);
  const always = [DEV, ROUTES];

  it.each([
    ["", {}, ["--port=8787", "--var=ISSUER:http://localhost:8787", OUTBOX, ...always]],
    ["--port 8799", {}, ["--var=ISSUER:http://localhost:8799", OUTBOX, ...always]],
    ["--port 8799", { ISSUER: "https://a.test" }, ["--var=ISSUER:https://a.test", ...always]],
    ["--port 8799 --var A:1 ISSUER:https://b.test", { ISSUER: "https://a.test" }, always],
    [
      "--port 8799 --var ISSUER:http://127.0.0.1:8799",
      { ISSUER: "https://a.test" },
      [OUTBOX, ...always],
    ],
    [
      "--port 8799 --var MAIL_OUTBOX:off",
      { ISSUER: "http://[::1]" },
      ["--var=ISSUER:http://[::1]", ...always],
    ],
    ["--port 1 --var ISSUER:https://b.test", {}, [DEV, ROUTES]],
    ["--port 1 --var ISSUER:https://b.test --no-infer-origin-from-routes", { DEV: "off" }, []],
    ["--port 1 --infer-origin-from-routes --var ISSUER:https://b.test DEV:off", {}, []],
  ])("%s with %j configured: %j", (line, settings, expected) => {
    expect(own(line, settings, null)).toEqual(expected);
  });

  it("serves a network under this machine's address in it, with the outbox", () => {
    expect(own("--port 8799", {}, ["192.168.1.20"])).toEqual([
      "--var=ISSUER:http://192.168.1.20:8799",
      OUTBOX,
      "--var=DEV:lan",
      ROUTES,
    ]);
  });
});

describe("--lan", () => {
  const address = (given: string, internal = false, family: "IPv4" | "IPv6" = "IPv4") => ({
    address: given,
    internal,
    family,
    netmask: "",
    mac: "",
    cidr: null,
    ...(family === "IPv6" && { scopeid: 0 }),
  });

  it("names the address that a phone can reach before those of containers and tunnels", () => {
    const interfaces = {
      lo: [address("127.0.0.1", true)],
      docker0: [address("172.17.0.1")],
      utun3: [address("100.64.0.7")],
      wlan0: [address("fe80::1", false, "IPv6"), address("192.168.1.20")],
      eth1: [address("169.254.3.4")],
    };
    expect(lanAddresses(interfaces as ReturnType<typeof networkInterfaces>)).toEqual([
      "192.168.1.20",
      "172.17.0.1",
      "100.64.0.7",
      "169.254.3.4",
    ]);
    expect(() => lanAddresses({ lo: [] })).toThrow("this machine is not in a network");
  });
});

it("refuses a port that is in use", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  onTestFinished(() => void server.close());
  const bound = server.address();
  const port = typeof bound === "object" ? bound?.port : undefined;
  const address = readAddress([`--port=${port}`]);
  await expect(requireFree(address)).rejects.toThrow(`Port ${port} is in use.`);
});
