import { execFile } from "node:child_process";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseEnv, promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseKeySet } from "../../../src/crypto/keys.ts";
import { directory, file, run, stored } from "./run.ts";

const ROOT = join(import.meta.dirname, "../../..");

describe("the file", () => {
  it.each([
    ["in single quotes", (set: string) => `A=1\r\nJWT_KEYS='${set}' # ours\nB="x\ny"\n`],
    ["without quotes", (set: string) => `A=1\nJWT_KEYS=${set}\nB=2`],
    ["exported, in backticks", (set: string) => `  export JWT_KEYS = \`${set}\`\nB=2\n`],
    ["twice", (set: string) => `JWT_KEYS=old\nA=1\nJWT_KEYS='${set}'\n`],
  ])("keeps all else byte for byte, the keys being %s", async (_, content) => {
    await run("add");
    const set = JSON.stringify({ keys: await stored() });
    const bytes = Buffer.concat([Buffer.from([0x23, 0xff, 0xfe, 0x0a]), Buffer.from(content(set))]);
    await writeFile(file, bytes);
    expect((await run("add")).code).toBe(0);
    const after = (await readFile(file)).toString("latin1");
    const changed = JSON.stringify({ keys: await stored() });
    expect(await stored()).toHaveLength(2);
    expect(after.replace(/(['`]?)\{"keys":.*\}\1/, "SET").replace(changed, "")).toBe(
      bytes.toString("latin1").replace(/(['`]?)\{"keys":.*\}\1/, "SET"),
    );
    expect(await readdir(directory)).toEqual([".dev.vars"]);
  });

  it("is not changed if that is not safe", async () => {
    await run("add");
    const set = JSON.stringify({ keys: await stored() });
    // The last apparent assignment is inside another value.
    const content = `JWT_KEYS='${set}'\nNOTE="\nJWT_KEYS=this\n"\n`;
    await writeFile(file, content);
    const { code, err } = await run("add");
    expect([code, err]).toEqual([1, expect.stringContaining("on its own line")]);
    expect(await readFile(file, "utf8")).toBe(content);
  });

  it("accepts a kid that needs quoting", async () => {
    await run("add");
    const [first] = await stored();
    const kid = 'it\'s $HOME \\ "ключ"';
    await writeFile(file, `JWT_KEYS=\`${JSON.stringify({ keys: [{ ...first, kid }] })}\`\n`);
    expect((await run("add")).code).toBe(0);
    expect((await stored()).map((key) => key.kid)).toContain(kid);
  });
});

describe("the upload", () => {
  /** The part of Cloudflare's API that wrangler uses here. */
  async function api() {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      bodies.push(await text(request));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ success: true, errors: [], messages: [], result: {} }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const bound = server.address();
    if (typeof bound !== "object" || bound === null) throw new Error("no port");
    return { bodies, url: `http://127.0.0.1:${bound.port}` };
  }

  it("is one command that uploads exactly the file's set", { timeout: 60_000 }, async () => {
    for (const name of ["package.json", "node_modules", "wrangler.toml", "src"]) {
      await symlink(join(ROOT, name), join(directory, name));
    }
    // It ignores the keys of npm run dev, so no --file is needed.
    await run("add");
    const deployment = join(directory, ".deploy.vars");
    const added = await run(`add --file ${deployment}`);
    const printed = added.out.split("\n").at(-1)?.trim() ?? "";
    const command = printed.replace(` --file ${deployment}`, "");
    expect(command).toBe("npm run --silent keys -- export | npx wrangler secret bulk");
    const { bodies, url } = await api();
    const upload = () =>
      promisify(execFile)("sh", ["-c", command], {
        cwd: directory,
        env: {
          ...process.env,
          CLOUDFLARE_API_BASE_URL: url,
          CLOUDFLARE_API_TOKEN: "none",
          CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
          WRANGLER_HIDE_BANNER: "true",
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_WRITE_LOGS: "false",
        },
      });
    await upload();
    const [{ secrets } = { secrets: {} }, ...more] = bodies.map((body) => JSON.parse(body));
    expect(more).toEqual([]);
    expect(Object.keys(secrets)).toEqual(["JWT_KEYS"]);
    expect(parseKeySet(secrets.JWT_KEYS.text)).not.toHaveProperty("wrong");
    expect(JSON.parse(secrets.JWT_KEYS.text).keys).toEqual(await stored(deployment));

    // Without a set nothing is uploaded, neither an empty secret nor development's.
    await rm(deployment);
    await upload();
    expect(bodies).toHaveLength(1);
  });
});

it("another file is named with --file, and the upload goes to its deployment", async () => {
  const other = join(directory, ".deploy.vars.staging");
  const { code, out } = await run(`add --file ${other}`);
  expect(code).toBe(0);
  expect(parseEnv(await readFile(other, "utf8")).JWT_KEYS).toContain('"state":"active"');
  expect(out).toContain(`export --file ${other} | npx wrangler secret bulk --env staging`);
  await expect(readFile(file, "utf8")).rejects.toThrow("ENOENT");
});
