import { createServer } from "node:net";
import type { networkInterfaces } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { originOf, readAddress, requireFree } from "../../../src/cli/dev/address.ts";
import { optionValues } from "../../../src/cli/dev/arguments.ts";
import { CannotStart } from "../../../src/cli/dev/cannot-start.ts";
import { lanAddresses, lanArguments } from "../../../src/cli/dev/lan.ts";
import { ownArguments, quietArguments } from "../../../src/cli/dev/own-arguments.ts";

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
    expect(() => readAddress([`--port=${port}`])).toThrow(CannotStart);
  });
});

const OUTBOX = "--var=MAIL_OUTBOX:on";

describe("what wrangler is told beyond the caller's arguments", () => {
  it.each([
    ["", undefined, ["--port=8787", "--var=ISSUER:http://localhost:8787", OUTBOX]],
    ["--port 8799", undefined, ["--var=ISSUER:http://localhost:8799", OUTBOX]],
    ["--port 8799", "https://a.test", ["--var=ISSUER:https://a.test"]],
    ["--port 8799 --var A:1 ISSUER:https://b.test", "https://a.test", []],
    ["--port 8799 --var ISSUER:http://127.0.0.1:8799", "https://a.test", [OUTBOX]],
    ["--port 8799 --var MAIL_OUTBOX:off", "http://[::1]", ["--var=ISSUER:http://[::1]"]],
  ])("%s with ISSUER %s configured: %j", (line, configured, own) => {
    const args = words(line);
    expect(ownArguments(args, readAddress(args), configured)).toEqual(own);
  });
});

describe("what every start is told", () => {
  const ROUTES = "--infer-origin-from-routes=false";
  it.each([
    ["", {}, false, ["--var=LOG:errors", "--var=DEV:on", ROUTES]],
    ["", {}, true, ["--var=LOG:errors", "--var=DEV:lan", ROUTES]],
    ["", { LOG: "requests" }, false, ["--var=DEV:on", ROUTES]],
    ["--var LOG:requests DEV:off --infer-origin-from-routes", {}, true, []],
    ["--no-infer-origin-from-routes", { DEV: "off", LOG: "errors" }, false, []],
  ])("%s with %j, for the network %s: %j", (line, settings, isLan, own) => {
    expect(quietArguments(words(line), settings, isLan)).toEqual(own);
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
    expect(() => lanAddresses({ lo: [] })).toThrow("this machine is in no network");
  });

  it("listens everywhere, unless it is told where", () => {
    expect(lanArguments(words("--lan --port 8799"))).toEqual(["--port", "8799", "--ip=0.0.0.0"]);
    expect(lanArguments(words("--ip 192.168.1.20 --lan"))).toEqual(["--ip", "192.168.1.20"]);
  });
});

it("refuses a port that is taken", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  onTestFinished(() => void server.close());
  const bound = server.address();
  const port = typeof bound === "object" ? bound?.port : undefined;
  const address = readAddress([`--port=${port}`]);
  await expect(requireFree(address)).rejects.toThrow(`Port ${port} is taken.`);
});
