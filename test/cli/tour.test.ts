import { createServer, type RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { painter, shortener } from "../../src/cli/tour/print.ts";
import { newTour } from "../../src/cli/tour/step.ts";
import { tour } from "../../src/cli/tour.ts";
import { type RunningServer, startServer } from "../clients/server.ts";

async function take(args: readonly string[], deadlineMs = 15_000) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await tour(args, {
    write: (line) => out.push(line),
    writeError: (line) => err.push(line),
    paint: painter(false, undefined),
    deadlineMs,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** @returns the origin of a server that lives as long as the test */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server.address())}`;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return address.port;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A server that answers as the one at `origin` does, but for what `tamper` changes. */
function servePast(
  origin: string,
  tamper: (answer: Answer, method: string, path: string) => Answer,
): Promise<string> {
  return serve(async (request, response) => {
    const { method = "", url = "" } = request;
    const sent = await buffer(request);
    const headers = new Headers();
    for (const name of [
      "authorization",
      "content-type",
      "idempotency-key",
      "x-auth-token",
      "x-token",
    ]) {
      const value = request.headers[name];
      if (typeof value === "string") headers.set(name, value);
    }
    const real = await fetch(origin + url, {
      method,
      headers,
      ...(sent.byteLength > 0 && { body: new Uint8Array(sent) }),
    });
    const { status, body } = tamper({ status: real.status, body: await real.text() }, method, url);
    // fetch has decoded the body, and the length may be another one now.
    const returned = new Headers(real.headers);
    for (const name of ["content-encoding", "content-length"]) returned.delete(name);
    response.writeHead(status, Object.fromEntries(returned)).end(body);
  });
}

describe("past the real Worker", () => {
  let server: RunningServer;
  let origin = "";

  beforeAll(async () => {
    server = await startServer();
    ({ origin } = server);
  }, 60_000);
  afterAll(() => server.close());

  it("every answer is as documented", { timeout: 60_000 }, async () => {
    const { code, out, err } = await take(["--url", origin]);
    expect(out).not.toContain("✗");
    expect(out).toMatch(/\n(\d+) requests, \1 as documented$/);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    // Neither a secret of ours, nor a JWT, nor a password as it was sent.
    expect(out).not.toMatch(/lk_(?:ses|api|act)_\w{5}|eyJ\w|"\w*password":"[^…]|password=[^…]/);
    expect(out.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  it("whatever is not as documented is told, and nothing else", { timeout: 60_000 }, async () => {
    const tampered = await servePast(origin, (answer, method, path) => {
      const what = `${method} ${path.replace(/[?].*/, "")} ${answer.status}`;
      const body = (from: string | RegExp, to: string) => ({
        ...answer,
        body: answer.body.replace(from, to),
      });
      if (what === "DELETE /tokens 200") return { ...answer, status: 202 };
      if (what === "POST /api/token/refresh/ 200") return body("{", '{"expires_in":300,');
      if (what.startsWith("PATCH /rest/token/")) return body(/"last_used_on":[^,]*,/, "");
      if (answer.body.includes('"reason":"used"')) return { ...answer, status: 200 };
      if (what === "DELETE /rest/token/all 200") return body("true", "false");
      return answer;
    });
    const { code, out, err } = await take(["--url", tampered]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const lines = out.split("\n");
    expect(lines.slice(lines.indexOf("Not as documented:") + 1)).toEqual([
      "  Contract session-tokens: it is deleted",
      "  Contract jwt-pair: the refresh JWT gives a new access JWT",
      "  Contract rest-tokens: a token is renamed",
      "  Contract rest-tokens: goes with all others",
      "  Contract action-tokens: a second run is refused",
      "",
      expect.stringMatching(/^\d+ requests, \d+ as documented$/),
    ]);
    for (const problem of [
      "the status is 202, not 200",
      "body.expires_in is not documented",
      "body.payload.last_used_on is missing",
      "body.success is false, not true",
    ]) {
      expect(out).toContain(`! ${problem}`);
    }
  });
});

it("a server that answers everything alike is wrong everywhere", async () => {
  const origin = await serve((_, response) => {
    response.writeHead(500, { "content-type": "text/html" }).end("<h1>Oops</h1>");
  });
  const { code, out } = await take(["--url", origin]);
  expect(code).toBe(1);
  expect(out).toContain("the status is 500, not 201");
  expect(out).toContain("the body is not JSON");
  expect(out).toMatch(/\n\d+ requests, 0 as documented, \d+ more not sent$/);
});

it("a server that is not there gets one line", async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const port = portOf(gone.address());
  await new Promise((resolve) => gone.close(resolve));

  const { code, out, err } = await take(["--url", `http://127.0.0.1:${port}`]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toBe(
    `No answer from http://127.0.0.1:${port}: the connection was refused. ` +
      "Is the server running? `npm run dev` starts one here.",
  );
});

it("a server that does not answer is waited for until the deadline, and no longer", async () => {
  const origin = await serve(() => {});
  const { code, err } = await take(["--url", origin], 200);
  expect(code).toBe(1);
  expect(err).toMatch(/^No answer from .*: it took longer than 0\.2 seconds\..*$/);
});

it("--help says what the exit codes mean", async () => {
  const { code, out } = await take(["--help"]);
  expect(code).toBe(0);
  expect(out).toContain("Exit code:");
});

it.for([
  [["--url", "localhost:8787"]],
  [["--url", "https://user:secret@example.com"]],
  [["--url", "https://example.com/path"]],
  [["--nonsense"]],
  [["left over"]],
])("%j is not understood", async ([args]) => {
  const { code, err } = await take(args ?? []);
  expect(code).toBe(2);
  expect(err).toMatch(/^[^\n]+ Try: npm run tour -- --help$/);
  expect(err).not.toContain("secret");
});

it("what could be a credential is shortened, whatever its form", () => {
  const people = newTour();
  const short = shortener(people);
  const { password, newPassword } = people.ann;
  const sent = new URLSearchParams({ password });
  const text = short(`${password} ${newPassword} ${sent} ${btoa(password.repeat(2))}`);
  expect(text).toBe("… … password=… QW5u…");
  expect(short("token=lk_api_0123456789abcdefghij&x=1")).toBe("token=lk_api_0123…&x=1");
  expect(short('"eyJhbGciOi.eyJ0b2tlbl.AbCd-EfGh_IjKl"')).toBe('"eyJ…IjKl"');
});
