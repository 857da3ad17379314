import { execFile, spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { freePort, startDev, untilServing } from "../cli/dev/project.ts";
import { operatedProject } from "../cli/users/operator.ts";
import { launch } from "../console/browser/chromium.ts";
import { runUsers } from "./move-in.ts";
import { newPerson } from "./people.ts";
import { type RunningServer, startServer } from "./server.ts";

// What five readers do, from the first page that they read to the end. What another test walks is named here, by the
// end of its file's path and words of its title; the rest is walked below, with the seconds of each step.

const WALKED_ELSEWHERE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a mobile developer": {
    "reads README and pastes its commands": "readme-blocks: answers as the paper says",
    "shows a QR code that another phone scans": "browser/flows: addContactByCode",
    "lets the app vouch for the service's links": "oauth/published: assetlinks.json",
  },
  "a Django team": {
    "moves a site with simplejwt in, with its tokens and integer ids":
      "django-migration: passwords, old access tokens and refresh tokens go on",
    "keeps an API on its table of users":
      "django-migration: the old API finds its rows by their integer ids",
    "checks tokens in Python": "clients/python: takes a fresh token, by a clock that is off",
  },
  "an adopter": {
    "installs the package and begins a project":
      "adopter/adopter: has the files that its README names",
    "writes an action, scopes, a brand":
      "adopter/adopter: does what its own actions, scopes, brand",
    upgrades: "adopter/adopter: keeps its data and its files when it upgrades",
  },
  "an operator": {
    deploys:
      "deploy/deploy: resumes where it was interrupted, from nothing to a service that answers",
    "rotates keys": "cli/keys: always has exactly one active key, and finally only the new one",
    "restores an old database": "revocation/restore: ",
    "upgrades the database": "dev/database: migrates a new folder, then what is new",
  },
  "a front-end developer": {
    "has types in every resolution": "clients/latchkey: the package",
    "refreshes once in all tabs":
      "clients/latchkey: two tabs whose access token has ended refresh once",
  },
};

describe.each(Object.entries(WALKED_ELSEWHERE))("%s", (_, steps) => {
  it.each(Object.entries(steps))("%s: in %s", (__, test) => {
    const [file = "", title = ""] = test.split(": ");
    const named = globSync(`test/**/${file}{.test,.node.test}.ts`, {
      exclude: ["**/node_modules/**"],
    });
    expect(named).toHaveLength(1);
    expect(readFileSync(named[0] ?? "", "utf8")).toContain(title);
  });
});

/** A stopwatch that says what each step took, and all of them. */
function stopwatch(reader: string) {
  const startedMs = Date.now();
  const seconds = (sinceMs: number) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
  onTestFinished(() => console.log(`${reader}: ${seconds(startedMs)} in all`));
  return async <T>(step: string, does: () => Promise<T>): Promise<T> => {
    const sinceMs = Date.now();
    const result = await does();
    console.log(`${reader} ${step}: ${seconds(sinceMs)}`);
    return result;
  };
}

async function newServer(settings: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const server = await startServer(settings);
  onTestFinished(() => server.close());
  return server;
}

const json = async (url: string, body?: object, token?: string) => {
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url, { headers, ...sent });
  return { status: response.status, body: await response.json() };
};

it("a mobile developer: a token, and a link that opens in their app", {
  timeout: 60_000,
}, async () => {
  const step = stopwatch("a mobile developer");
  const fingerprint = Array(32).fill("AB").join(":");
  const server = await step("starts the service", () =>
    newServer({
      APPLE_APPS: "TEAMID1234.com.acme.app",
      ANDROID_APPS: `com.acme.app=${fingerprint}`,
    }),
  );
  const [ann, ben] = await step("has two people sign up and log in", () =>
    Promise.all([newPerson(server), newPerson(server)]),
  );
  const link = await step("creates a link", async () => {
    const body = { action: "addContact", payload: { contact_id: ann.id } };
    const made = await json(`${server.origin}/api/generate-action-token`, body, ann.access);
    expect(made.status).toBe(200);
    return made.body.token.token;
  });
  await step("asks whether the app may open it, as a phone does", async () => {
    const apple = await json(`${server.origin}/.well-known/apple-app-site-association`);
    const { components } = apple.body.applinks.details[0];
    expect(components).toContainEqual(expect.objectContaining({ "/": "/a/*" }));
    const android = await json(`${server.origin}/.well-known/assetlinks.json`);
    expect(android.body[0].target.package_name).toBe("com.acme.app");
  });
  await step("has the app run it", async () => {
    const ran = await json(`${server.origin}/api/run-action-token`, { token: link }, ben.access);
    expect([ran.status, ran.body.data]).toEqual([
      200,
      expect.objectContaining({ contact_id: ann.id }),
    ]);
  });
});

/** Of a real site; the folder of test vectors stands beside it. */
const DUMPS = [join(process.env.VECTORS ?? "", "../data/django-dumpdata.json")].filter(existsSync);

/** Their passwords, which Django hashed in every way that it has. */
const PASSWORDS: readonly (readonly [email: RegExp, password: (found: string) => string])[] = [
  [/^pbk(\d+)\.[01]@/, (rounds) => `pass word ${rounds}`],
  [/^(?:argon)\.(small|64)@/, (kind) => `argon ${kind} pw`],
  [/^bcs1[02]@/, () => "bcrypt sha pw"],
  [/^bc12@/, () => "bcrypt pw"],
  [/^(scrypt|md5|sha1)@/, (kind) => `${kind} pw 123`],
  [/^pbksha1@/, () => "pbk sha1 pw"],
  [/^upper\.case@/, () => "upper case pw"],
  [/^dup@/, () => "dup one pw1"],
  [/^jürgen@/, () => "pässwörd ü"],
  [/^日本@/, () => "日本語パスワード"],
  [/^a@b\.co$/, () => "short mail pw"],
  [/^short\.pw@/, () => "abc"],
  [/^common@/, () => "password"],
  [/^longname@/, () => "long name pw"],
  [/^phone\d@/, () => "phone pw 123"],
  [/^(staff|fill|quote|plus)\W?/, (kind) => `${kind} pw 123`],
  [/^space@/, () => " space pw "],
];

it.each(DUMPS)(
  "a Django team: 50 users of eighteen hash kinds, of %s",
  { timeout: 300_000 },
  async (dump) => {
    const step = stopwatch("a Django team");
    const server = await step("starts the service", () =>
      newServer({ USER_ID_CLAIM: "external_id" }),
    );
    const command = ["import", dump, "--from", "django"];
    const looked = await step("looks what an import would do", () =>
      runUsers(server, [...command, "--dry-run"]),
    );
    expect(looked.code).toBe(1);
    expect(looked.said).toContain("45 accounts would be imported.");
    // As it is told to.
    const fixes =
      /with (--fix \S+) takes the others/.exec(looked.said.join("\n"))?.[1]?.split(" ") ?? [];
    const imported = await step("imports", () => runUsers(server, [...command, ...fixes]));
    expect([imported.code, imported.said.at(-1)]).toEqual([0, "Imported 48 accounts, skipped 0."]);
    const rows = await server.write(
      "SELECT email, external_id, password, disabled_on FROM users ORDER BY email",
    );
    const known = rows as {
      email: string;
      external_id: string;
      password: string;
      disabled_on: number | null;
    }[];
    const kinds = new Set<string>();
    await step("has everyone log in with their old password", async () => {
      const left: string[] = [];
      for (const { email, external_id, password: hash, disabled_on } of known) {
        const found = PASSWORDS.map(([is, of]) => [is.exec(email), of] as const).find(
          ([is]) => is !== null,
        );
        const password = found?.[1](found[0]?.[1] ?? "") ?? "inactive pw";
        const { status, body } = await json(`${server.origin}/api/token/`, { email, password });
        const isOpen = hash !== "!" && disabled_on === null;
        if (isOpen) kinds.add(hash.split("$").slice(0, 2).join("$"));
        if (status !== (isOpen ? 200 : 401)) left.push(`${email}: ${status}`);
        else if (isOpen) expect(decodeJwt(body.access).user_id).toBe(Number(external_id));
      }
      expect(left).toEqual([]);
    });
    // The other three are Argon2 past our limit, no password, and none that can be used.
    expect(kinds.size).toBe(15);
    const after = await server.write(
      "SELECT count(*) AS n FROM users WHERE password LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'",
    );
    expect(after).toEqual([
      {
        n: known.filter(({ password, disabled_on }) => password !== "!" && disabled_on === null)
          .length,
      },
    ]);
  },
);

const MAIN = `import { latchkey, webStore } from "latchkey-client";

const auth = latchkey({ baseUrl: import.meta.env.VITE_AUTH, store: webStore(localStorage) });
const login = { email: "ann@example.com", password: "correct horse battery" };
if (!(await auth.isLoggedIn())) {
  await auth.signUp(login);
  await auth.logIn(login);
}
const { data, error } = await auth.GET("/rest/user");
document.title = data?.payload.email ?? error?.message ?? "none";
`;

/** As in a terminal: without what this run's npm and vitest have set. @returns what it printed */
async function terminal(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|VITEST|NODE_ENV)/i.test(name),
  );
  const env = { ...Object.fromEntries(own), npm_config_update_notifier: "false", NO_COLOR: "1" };
  const ran = await promisify(execFile)(command, [...args], { cwd, env, maxBuffer: 1e8 }).catch(
    (error) => {
      throw new Error(`${command} ${args.join(" ")}: ${error.stdout}${error.stderr}`);
    },
  );
  return ran.stdout + ran.stderr;
}

it("a front-end developer: the client in a fresh Vite project", { timeout: 300_000 }, async () => {
  const step = stopwatch("a front-end developer");
  const server = await step("starts the service", () => newServer());
  const folder = await mkdtemp(join(tmpdir(), "latchkey-vite-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const app = join(folder, "app");
  await step("creates a project", () =>
    terminal(
      folder,
      "npm",
      "exec",
      "--yes",
      "--",
      "create-vite@9.3.0",
      "app",
      "--template",
      "vanilla-ts",
      "--no-interactive",
    ),
  );
  await step("installs it and the client", async () => {
    const [{ filename }] = JSON.parse(
      await terminal(folder, "npm", "pack", resolve("dist/client"), "--json", "--loglevel=error"),
    );
    await terminal(app, "npm", "install", join(folder, filename));
  });
  await step("writes a page and builds it", async () => {
    await writeFile(join(app, "src/main.ts"), MAIN);
    await writeFile(join(app, ".env"), `VITE_AUTH=${server.origin}\n`);
    await terminal(app, "npm", "run", "build");
  });
  await step("opens it in a browser, twice", async () => {
    const port = String(await freePort());
    const preview = spawn(
      join(app, "node_modules/.bin/vite"),
      ["preview", "--port", port, "--host", "127.0.0.1"],
      { cwd: app },
    );
    onTestFinished(() => void preview.kill());
    const url = `http://127.0.0.1:${port}/`;
    await vi.waitFor(() => fetch(url), { timeout: 30_000 });
    const browser = await launch();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    for (const _ of ["logs in", "is still logged in"]) {
      await page.goto(url);
      await page.waitForFunction('document.title === "ann@example.com"');
    }
  });
});

it("an operator: a backup becomes a database that the service runs on", {
  timeout: 300_000,
}, async () => {
  const step = stopwatch("an operator");
  const old = await step("has an account", async () => {
    const project = await operatedProject();
    expect(
      (await project.users(["add", "ann@example.com", "--password-stdin"], "correct horse\n")).code,
    ).toBe(0);
    return project;
  });
  const wrangler = (cwd: string, ...args: readonly string[]) =>
    terminal(cwd, process.execPath, "node_modules/wrangler/bin/wrangler.js", ...args);
  await step("exports the database", () =>
    wrangler(old.directory, "d1", "export", "DB", "--local", "--output=backup.sql"),
  );
  const restored = await operatedProject();
  await step("fills a new one", async () => {
    await cp(join(old.directory, "backup.sql"), join(restored.directory, "backup.sql"));
    await wrangler(
      restored.directory,
      "d1",
      "execute",
      "DB",
      "--local",
      "--yes",
      "--file=backup.sql",
    );
  });
  await step("starts the service on it, and someone logs in", async () => {
    const run = startDev(restored.directory, await freePort());
    await untilServing(run);
    const login = { email: "ann@example.com", password: "correct horse" };
    expect((await json(`${run.origin}/api/token/`, login)).status).toBe(200);
    expect(await readFile(join(restored.directory, "backup.sql"), "utf8")).not.toContain(
      login.password,
    );
  });
});
