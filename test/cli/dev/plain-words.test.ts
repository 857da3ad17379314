import { describe, expect, it, vi } from "vitest";
import { createServer } from "node:http";
import { onTestFinished } from "vitest";
import { join } from "node:path";
import { d1 } from "../../../src/cli/database.ts";
import { errorText } from "../../../src/cli/wrangler.ts";
import { newProject } from "./project.ts";
import * as v from "valibot";
import type { AddressInfo } from "node:net";

/** A Cloudflare with the same answer for everything. */
async function api(status: number, body: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  // An object, because it listens on a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const refusal = (code: number, message: string) =>
  JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null });

describe("explains a failure of network or Cloudflare in a sentence", () => {
  it.each([
    ["nobody is logged in", undefined, undefined, "You are not logged in to Cloudflare."],
    ["there is no network", "a-token", "http://127.0.0.1:9", "Cannot reach Cloudflare's API"],
    [
      "the token is bogus",
      "a-token",
      [403, refusal(10000, "Authentication error")],
      "rejects the token or log-in (Authentication error [code: 10000])",
    ],
    [
      "the token is malformed",
      "a-token",
      [400, refusal(9109, "Invalid access token")],
      "rejects the token or log-in (Invalid access token [code: 9109])",
    ],
    ["Cloudflare is down", "a-token", [502, "<html>bad gateway</html>"], "is not working"],
  ] as const)("%s", { timeout: 60_000 }, async (_, token, answer, message) => {
    const directory = await newProject(["wrangler.toml"]);
    const url = typeof answer === "object" ? await api(answer[0], answer[1]) : answer;
    vi.stubEnv("CLOUDFLARE_API_TOKEN", token);
    vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", token && "0".repeat(32));
    vi.stubEnv("CLOUDFLARE_API_BASE_URL", url);
    vi.stubEnv("WRANGLER_HOME", join(directory, "home"));
    vi.stubEnv("XDG_CONFIG_HOME", join(directory, "home"));
    onTestFinished(() => void vi.unstubAllEnvs());
    const target = {
      remote: true,
      persistTo: undefined,
      project: { configFile: join(directory, "wrangler.toml"), environment: undefined },
    };
    const asked = d1(target, new AbortController().signal).query("SELECT 1", v.unknown());
    const said = await asked.then(String, ({ message }) => message);
    expect(said).toContain(message);
    expect(said).not.toMatch(/[{}]/);
  });

  it("otherwise it is wrangler's own message, without its JSON", () => {
    const json = { error: { text: 'near "FRM": syntax error', notes: [{ text: "at offset 7" }] } };
    expect(errorText(`a warning\n${JSON.stringify(json, null, 2)}`)).toBe(
      'near "FRM": syntax error\nat offset 7',
    );
    expect(errorText("besides\n✘ [ERROR] Something is wrong.\n")).toBe("Something is wrong.");
  });
});
