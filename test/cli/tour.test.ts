import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { shorten } from "../../src/cli/tour/print.ts";
import { newPeople } from "../../src/cli/tour/run.ts";
import { fetchWithin, tour } from "../../src/cli/tour.ts";
import { type RunningServer, startServer } from "../clients/server.ts";

type Fetch = (request: Request) => Promise<Response>;

async function take(args: readonly string[], send: Fetch = fetch) {
  vi.stubEnv("NO_COLOR", "1");
  const out: string[] = [];
  const err: string[] = [];
  const code = await tour(args, {
    fetch: send,
    write: (line) => out.push(line),
    writeError: (line) => err.push(line),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

describe("on the real Worker", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  }, 60_000);
  afterAll(() => server.close());

  it("every answer is as documented", { timeout: 60_000 }, async () => {
    const { code, out, err } = await take(["--url", server.origin]);
    expect(out).not.toContain("✗");
    expect(out).toMatch(/\n(\d+) requests, \1 as documented$/);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    // No secret of ours, JWT, or password.
    expect(out).not.toMatch(/lk_(?:ses|api|act)_\w{5}|eyJ\w|"\w*password":"[^…]|Basic [^…]/);
    expect(out.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  it("names what is not as documented, and nothing else", { timeout: 60_000 }, async () => {
    const { code, out, err } = await take(["--url", server.origin], async (request) => {
      const { method, url } = request;
      const answer = await fetch(request);
      const text = await answer.text();
      const changed = (status: number, body = text) =>
        new Response(body === "" ? null : body, { status, headers: answer.headers });
      switch (`${method} ${new URL(url).pathname} ${answer.status}`) {
        case "PUT /tokens 200":
          return changed(202);
        case "POST /api/token/refresh/ 200":
          return changed(200, text.replace("{", '{"expires_in":300,'));
        case "GET /rest/token/list 200":
          return changed(200, text.replace(/"token_hint":[^,]*,/, ""));
        case "POST /rest/token 200":
          return changed(200, text.replace("true", "false"));
        case "POST /api/run-action-token 422":
          return changed(422, text.replace('"used"', '"gone"'));
        case "GET /api/user/get-contacts 200":
          return changed(200, text.replace(/"id":"[^"]*"/, `"id":"${crypto.randomUUID()}"`));
        default:
          return changed(answer.status);
      }
    });
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out.slice(out.indexOf("Mismatches:")).split("\n")).toEqual([
      "Mismatches:",
      "  Contract session-tokens: it is extended",
      "  Contract jwt-pair: the refresh JWT gives a new access JWT",
      "  Contract rest-tokens: creates an API token",
      "  Contract rest-tokens: the list of API tokens shows no secrets",
      "  Contract action-tokens: a second use is refused",
      "  Contract action-tokens: Ann is among Ben's contacts",
      "  Changing the password revokes everything else: Ann creates another API token",
      expect.stringMatching(/^\d+ requests, \d+ as documented$/),
    ]);
    for (const problem of [
      "the status is 202, not 200",
      "body.expires_in is not documented",
      "body.payload[].token_hint is missing",
      "body.success is false, not true",
      'body.reason is "gone", not "used"',
      "body.data.contacts.0.contact.id is not",
    ]) {
      expect(out).toContain(`! ${problem}`);
    }
  });
});

it("reports every answer of a server that always answers the same", async () => {
  const { code, out } = await take([], async () => new Response("<h1>Oops</h1>", { status: 500 }));
  expect(code).toBe(1);
  expect(out).toContain("the status is 500, not 201");
  expect(out).toMatch(/\n\d+ requests, 0 as documented$/);
});

/** Listens but never answers. */
async function silentServer() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${Object(server.address()).port}` };
}

it("does not wait for an answer forever", async () => {
  const { server, origin } = await silentServer();
  const { code, out, err } = await take(["--url", origin], fetchWithin(200));
  server.closeAllConnections();
  server.close();
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^No answer from .*: The operation was aborted due to timeout\./);
});

it("writes one line if there is no server", async () => {
  const { server, origin } = await silentServer();
  server.close();
  const { code, out, err } = await take(["--url", origin]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toBe(
    `No answer from ${origin}: the connection was refused. \`npm run dev\` starts a server here.`,
  );
});

it("--help says what the exit codes mean", async () => {
  const { code, out } = await take(["--help"]);
  expect(code).toBe(0);
  expect(out).toContain("Exit codes:");
});

it.for([
  [["--url", "localhost:8787"]],
  [["--url", "https://user:secret@example.com"]],
  [["--url", "https://example.com/path"]],
  [["--nonsense"]],
  [["left over"]],
])("rejects %j", async ([args]) => {
  const { code, err } = await take(args ?? []);
  expect(code).toBe(2);
  expect(err).toMatch(/^[^\n]+ Try: npm run tour -- --help$/);
  expect(err).not.toContain("secret");
});

it("shortens whatever could be a credential", () => {
  const people = newPeople();
  const password = people.get("ann password") ?? "";
  const text = shorten(`"${password}" ${people.get("ben new password")}`, people);
  expect(text).toBe('"…" …');
  expect(shorten("Basic QW5uLmRmZTQ6", people)).toBe("Basic …");
  expect(shorten("token=lk_api_0123456789abcdefghij&x=1", people)).toBe("token=lk_api_0123…&x=1");
  expect(shorten('"eyJhbGciOi.eyJ0b2tlbl.AbCd-EfGh_IjKl"', people)).toBe('"eyJ…IjKl"');
});
