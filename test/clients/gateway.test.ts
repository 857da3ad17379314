import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort } from "../cli/dev/project.ts";
import { present } from "./tools.ts";

const RECIPE = readFileSync("test/clients/recipes/nginx.conf", "utf8");

/** What the service answers at /rest/auth. */
const CALLERS: Readonly<Record<string, string>> = {
  everything: "tokens:read tokens:write account:read account:write",
  reader: "account:read",
  lookalike: "account:read x-account:write account:write:not",
  writer: "account:read account:write",
};

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return port;
}

/** nginx with the recipe, its addresses aside, between a stand-in for the service and one for what is behind. */
async function gateway(nginx: string): Promise<string> {
  const service = await listen((request, response) => {
    const name = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const scope = CALLERS[name];
    if (request.url !== "/rest/auth" || scope === undefined) response.writeHead(401).end();
    else response.writeHead(200, { "x-auth-user": name, "x-auth-scope": scope }).end("{}");
  });
  const behind = await listen(({ method, url, headers }, response) => {
    const { "x-auth-user": user, "x-auth-scope": scope } = headers;
    response.end(JSON.stringify({ method, url, user, scope }));
  });
  const [front, refusing] = [await freePort(), await freePort()];
  const recipe = RECIPE.replaceAll("127.0.0.1:3000", `127.0.0.1:${behind}`)
    .replaceAll("127.0.0.1:8081", `127.0.0.1:${refusing}`)
    .replace("listen 8080", `listen 127.0.0.1:${front}`)
    .replace("https://auth.example.com", `http://127.0.0.1:${service}`);
  const folder = await mkdtemp(join(tmpdir(), "latchkey-nginx-"));
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join("\n");
  const config = `pid ${folder}/pid; error_log stderr; daemon off; events {}
    http { access_log off; ${paths}\n${recipe} }`;
  await writeFile(join(folder, "nginx.conf"), config);
  const process = spawn(nginx, ["-p", folder, "-c", join(folder, "nginx.conf")]);
  const ended = new Promise((resolve) => process.once("close", resolve));
  let said = "";
  process.stderr.on("data", (bytes) => {
    said += bytes;
  });
  onTestFinished(async () => {
    process.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const origin = `http://127.0.0.1:${front}`;
  await vi
    .waitFor(() => fetch(origin), { timeout: 10_000 })
    .catch(() => {
      throw new Error(`nginx does not serve: ${said}`);
    });
  return origin;
}

describe("the gateway of the guide", () => {
  it.each(present(["nginx", "/usr/sbin/nginx"], "-v"))(
    "%s asks who the caller is, and enforces their scope",
    async (nginx) => {
      const origin = await gateway(nginx);
      const ask = async (method: string, name: string) => {
        const headers = {
          ...(name !== "" && { authorization: `Bearer ${name}` }),
          "x-auth-user": "somebody else",
          "x-auth-scope": "account:write",
        };
        const answer = await fetch(`${origin}/orders?a=b%20c`, { method, headers });
        return answer.ok && method !== "HEAD" ? answer.json() : answer.status;
      };
      const through = (method: string, user: string) => ({
        method,
        url: "/orders?a=b%20c",
        user,
        scope: CALLERS[user],
      });
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        expect(await ask(method, "")).toBe(401);
        expect(await ask(method, "nobody")).toBe(401);
        for (const name of ["everything", "writer"]) {
          expect(await ask(method, name)).toEqual(through(method, name));
        }
        for (const name of ["reader", "lookalike"]) {
          expect(await ask(method, name)).toEqual(method === "GET" ? through(method, name) : 403);
        }
      }
      expect(await ask("HEAD", "reader")).toBe(200);
    },
  );
});
