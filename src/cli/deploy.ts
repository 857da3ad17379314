import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { parsedArguments, runCommand, stopSignal } from "./arguments.ts";
import { withBinding } from "./changed-config.ts";
import { CliError, NoDatabaseError, UsageError } from "./cli-error.ts";
import { d1, migrate, requireProject } from "./database.ts";
import { cloudflareApi } from "./deploy/cloudflare-api.ts";
import { checkSettings, issuerWanted, type Project, readProject } from "./deploy/project.ts";
import {
  botsAreRefused,
  type Fetch,
  KV_IS_READ_FROM_SECONDS,
  untilFlushed,
  untilHealthy,
} from "./deploy/readiness.ts";
import { addMissingSecrets, readSettings } from "./vars-file.ts";
import { errorText, plainReason, runWrangler } from "./wrangler.ts";

const LOCATIONS = ["weur", "eeur", "wnam", "enam", "apac", "oc"] as const;

const HELP = `Usage: npm run deploy -- [options]

Deploys this service to Cloudflare. Can be repeated at any time: it does what is missing.

  1. checks the settings in wrangler.toml by the service's own rules
  2. creates the D1 database if there is none, applies the migrations that it lacks, and switches its read
     replication on where READ_REPLICAS is
  3. creates the secrets that are missing (JWT_KEYS, ENCRYPTION_KEYS), and keeps them in .deploy.vars
  4. deploys, which creates the KV namespace if there is none, and waits until the service answers at ISSUER

Each step ends before the next begins: no version runs without its tables and its secrets. If a step
fails, you are told what was done before.

  --dry-run            everything that needs no account: checks the settings, builds, shows the size
  --upload             uploads the version without sending it any requests; to send it some:
                       npx wrangler versions deploy
  --issuer <origin>    ISSUER for this run, if wrangler.toml has none. Without either, and without a route, it
                       is the Worker's address at workers.dev
  --region <hint>      where to create a new database: ${LOCATIONS.join(", ")}
                       (--location is the same, but without -- npm swallows it unnoticed)
  --env <name>         [env.<name>] of wrangler.toml: another deployment, with its own stores
  --config <file>      another file than wrangler.toml

Log in with npx wrangler login, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID, for more than one
account). Exit codes: 0 success, 1 failure, 2 invalid arguments.`;

const OPTIONS = {
  "dry-run": { type: "boolean", default: false },
  upload: { type: "boolean", default: false },
  issuer: { type: "string" },
  region: { type: "string" },
  location: { type: "string" },
  env: { type: "string" },
  config: { type: "string", default: "wrangler.toml" },
  help: { type: "boolean", short: "h", default: false },
} as const;

export interface CliContext {
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly fetch: Fetch;
  readonly stop: AbortSignal;
  /** How long to wait for KV, if not for two runs of the cron trigger. */
  readonly outboxPatienceMs?: number;
}

/** The command, in the project of the working directory. @returns the exit code */
export function main(args: readonly string[], context: CliContext): Promise<number> {
  const { write, writeError } = context;
  return runCommand("deploy", { args, flags: OPTIONS, writeError }, async () => {
    const { values, positionals } = parsedArguments(args, OPTIONS);
    const [word] = positionals;
    if (word !== undefined) throw new UsageError(`Unexpected argument: ${word}.`);
    const { region = values.location, env } = values;
    if (region !== undefined && !LOCATIONS.some((each) => each === region)) {
      throw new UsageError(`--region is one of ${LOCATIONS.join(", ")}.`);
    }
    if (env !== undefined && !/^[\w-]+$/.test(env)) throw new UsageError("--env takes a name.");
    if (values.help) write(HELP);
    else await deploy({ ...values, region, env }, context);
    return 0;
  });
}

interface Options {
  readonly "dry-run": boolean;
  readonly upload: boolean;
  readonly issuer?: string | undefined;
  readonly region: string | undefined;
  readonly env: string | undefined;
  readonly config: string;
}

/** @throws CliError that says what failed and what was done before */
async function deploy(options: Options, context: CliContext): Promise<void> {
  const { write, stop, fetch } = context;
  requireProject(options.config);
  const project = await readProject(options.config, options.env);
  const { issuer: given = await missingIssuer(project, options, stop) } = options;
  const variables = { ...project.variables, ...(given && { ISSUER: given }) };
  const issuer = await checkSettings(project, variables, await readSettings([project.secretsFile]));
  const tell = (name: string, text: string) => write(`${name.padEnd(10)} ${text}`);
  tell("Settings", `${project.worker} at ${issuer}: valid`);
  if (given !== undefined && options.issuer === undefined) {
    write(`ISSUER is not set, so this address goes into every token. To keep it when you deploy otherwise:
  ISSUER = "${given}"
under [vars] in ${project.configFile}`);
  }
  const extra = given === undefined ? [] : [`--var=ISSUER:${given}`];
  const command = options.upload ? ["versions", "upload", ...extra] : ["deploy", ...extra];
  const upload = (more: readonly string[], secrets: Secrets) =>
    uploadVersion([...command, ...more], secrets, stop);
  if (options["dry-run"]) {
    tell("Build", (await upload([...project.args, "--dry-run"], {})).size);
    write(dryRun(project));
    return;
  }

  const done: string[] = [];
  const step = async <T>(name: string, run: () => Promise<readonly [text: string, result: T]>) => {
    try {
      const [text, result] = await run();
      tell(name, text);
      done.push(name);
      return result;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const before = done.length === 0 ? "Nothing was changed" : `Done before: ${done.join(", ")}`;
      throw new CliError(`${name} failed: ${error.message}\n\n${before}. Run it again to resume.`);
    }
  };
  // Before the code that needs it. The version that still runs does not know what is new, and needs not.
  await step("Database", () => prepareDatabase(project, options.region, stop));
  if (project.variables.READ_REPLICAS === "on")
    await step("Replicas", () => withReplicas(project, stop));
  // Before a version that reads KV runs: what was revoked must stay revoked.
  if (Number(project.variables.REVOCATION_LAG_SECONDS ?? 0) >= KV_IS_READ_FROM_SECONDS) {
    await step("Outbox", () => requireEmptyOutbox(project, stop, context.outboxPatienceMs));
  }
  const { isNew, secrets } = await step("Secrets", () => missingSecrets(project, variables, stop));
  const versionId = await step(options.upload ? "Upload" : "Deploy", async () => {
    if (options.upload && isNew) {
      throw new CliError("The first version cannot be uploaded alone. Leave out --upload.");
    }
    const { size, targets, version } = isNew
      ? await withExistingNamespace(project, stop, (args) => upload(args, secrets))
      : await upload(project.args, secrets);
    const where = targets.length > 0 ? `, at ${targets.join(", ")}` : "";
    const next = options.upload ? "; it gets no requests. Next: npx wrangler versions deploy" : "";
    return [`version ${version}, ${size}${where}${next}`, version];
  });
  if (options.upload) return;
  await step("Health", async () => {
    const problem = await untilHealthy(issuer, { fetch, stop, versionId });
    if (problem !== null) {
      throw new CliError(
        `the version is deployed, but ${problem}. A new domain may take minutes. Then check that ISSUER is where it is deployed, and npx wrangler tail.`,
      );
    }
    const refused = await botsAreRefused(issuer, fetch);
    const warning = refused === null ? "" : `\nWarning    ${refused}`;
    return [`${issuer} answers, and so does its database${warning}`, null];
  });
}

function dryRun({ database, namespace, secretsFile, worker }: Project): string {
  return `
Dry run: nothing was sent. npm run deploy would create what's missing:
  the D1 database ${database}, with the migrations
  JWT_KEYS and ENCRYPTION_KEYS, kept in ${secretsFile}
  the KV namespace ${namespace}
and deploy ${worker}, and wait until it answers`;
}

async function prepareDatabase(project: Project, region: string | undefined, stop: AbortSignal) {
  const { database, args } = project;
  const target = { remote: true, project };
  const create = async (error: unknown) => {
    if (!(error instanceof NoDatabaseError)) throw error;
    const place = region === undefined ? [] : [`--location=${region}`];
    await wrangler(["d1", "create", database, "--no-update-config", ...args, ...place], stop);
    return `created in ${region ?? "a region that Cloudflare chose, without --region"}, `;
  };
  let applied: readonly string[];
  let created = "";
  try {
    applied = await migrate(target, stop);
  } catch (error) {
    created = await create(error);
    applied = await migrate(target, stop);
  }
  const what = applied.length > 0 ? `applied ${applied.join(", ")}` : "has all migrations";
  return [`${database}: ${created}${what}`, null] as const;
}

const loggedInApi = async (project: Project, stop: AbortSignal) =>
  cloudflareApi(project, await wrangler(["auth", "token", "--json", ...project.args], stop), stop);

/** So that the first deployment of a fresh copy, such as by Deploy to Cloudflare, needs no setting. */
async function missingIssuer(project: Project, options: Options, stop: AbortSignal) {
  if (project.variables.ISSUER !== undefined || options["dry-run"] || !project.isAtWorkersDev)
    return;
  try {
    return await (await loggedInApi(project, stop)).workersDevOrigin();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(`${issuerWanted(project)}\nThat subdomain was not found: ${error.message}`);
  }
}

async function withReplicas(project: Project, stop: AbortSignal) {
  const wasOff = await (await loggedInApi(project, stop)).replicate();
  return [
    `${project.database}: read replication ${wasOff ? "switched on" : "is on"}`,
    null,
  ] as const;
}

async function requireEmptyOutbox(project: Project, stop: AbortSignal, patienceMs?: number) {
  const left = await untilFlushed(d1({ remote: true, project }, stop), stop, patienceMs);
  if (left === 0) return ["KV has everything that was revoked", null] as const;
  throw new CliError(
    `KV lacks ${left} revocations, and a version with REVOCATION_LAG_SECONDS of ${KV_IS_READ_FROM_SECONDS} or more would accept what they revoked. The cron trigger writes them every minute: check that it runs`,
  );
}

type Secrets = Readonly<Record<string, string>>;

/** The secrets that the Worker lacks: those it has are never replaced. */
async function missingSecrets(
  project: Project,
  variables: Readonly<Record<string, unknown>>,
  stop: AbortSignal,
) {
  const { secretsFile } = project;
  const { succeeded, said } = await attempt(
    ["secret", "list", "--format=json", ...project.args],
    stop,
  );
  const isNew = !succeeded && /Worker ".*" .*not found|not found\./.test(said);
  if (!succeeded && !isNew) throw new CliError(plainReason(said) ?? errorText(said));
  const existing = isNew ? [] : listOf(said, v.object({ name: v.string() }));
  const has = (name: string) => existing.some((each) => each.name === name);
  await addMissingSecrets(secretsFile, has);
  const kept = await readSettings([secretsFile]);
  const name = "MAIL_WEBHOOK_SECRET";
  if (variables.MAIL_WEBHOOK_URL && !kept[name] && !has(name)) {
    throw new CliError(`MAIL_WEBHOOK_URL needs ${name}. Put it into ${secretsFile}.`);
  }
  const secrets = Object.fromEntries(
    Object.entries(kept).flatMap(([name, value]) =>
      value === undefined || has(name) ? [] : [[name, value] as const],
    ),
  );
  const names = Object.keys(secrets).join(", ");
  const text =
    names === ""
      ? "the Worker has them"
      : `${names} from ${secretsFile}, uploaded with the code. Keep a copy of that file: you need it to rotate keys`;
  return [text, { isNew, secrets }] as const;
}

/**
 * For a Worker that is new. wrangler creates the namespace, but fails if an earlier deploy that broke off
 * has done so. A Worker that exists keeps its namespace: another one would lack all tombstones.
 */
async function withExistingNamespace<T>(
  project: Project,
  stop: AbortSignal,
  use: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  const listed = await wrangler(["kv", "namespace", "list", ...project.args], stop);
  const found = listOf(listed, v.object({ id: v.string(), title: v.string() })).find(
    ({ title }) => title === project.namespace,
  );
  return found === undefined || project.namespaceId !== undefined
    ? use(project.args)
    : withBinding(
        project,
        { list: "kv_namespaces", binding: "KV", changes: { id: found.id } },
        use,
      );
}

const Output = v.object({
  type: v.picklist(["deploy", "version-upload"]),
  version_id: v.optional(v.nullable(v.string()), null),
  targets: v.optional(v.array(v.string()), []),
  bundle_size: v.object({ raw_bytes: v.number(), gzip_bytes: v.number() }),
});

/** Uploads the Worker together with its secrets, so that no version is ever without them. */
async function uploadVersion(command: readonly string[], secrets: Secrets, stop: AbortSignal) {
  const directory = await mkdtemp(join(tmpdir(), "latchkey-deploy-"));
  try {
    const output = join(directory, "output");
    const file = join(directory, "secrets.json");
    await writeFile(file, JSON.stringify(secrets), { mode: 0o600 });
    const more = Object.keys(secrets).length > 0 ? [`--secrets-file=${file}`] : [];
    await wrangler([...command, ...more], stop, { WRANGLER_OUTPUT_FILE_PATH: output });
    for (const line of (await readFile(output, "utf8")).split("\n").filter(Boolean)) {
      const result = v.safeParse(v.pipe(v.string(), v.parseJson(), Output), line);
      if (!result.success) continue;
      const { version_id: version, targets, bundle_size } = result.output;
      const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
      const size = `${kib(bundle_size.raw_bytes)}, ${kib(bundle_size.gzip_bytes)} gzipped`;
      return { version, targets, size };
    }
    throw new CliError("wrangler does not say what it deployed.");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Variables = Readonly<Record<string, string>>;

async function attempt(args: readonly string[], stop: AbortSignal, env: Variables = {}) {
  const options = {
    stop,
    output: "answer",
    env: { NO_COLOR: "1", FORCE_COLOR: "0", ...env },
  } as const;
  const { code, said } = await runWrangler(args, options);
  if (stop.aborted) throw new CliError("Stopped.");
  return { succeeded: code === 0, said: stripVTControlCharacters(said).trim() };
}

/** @returns what wrangler prints @throws CliError with its error */
async function wrangler(args: readonly string[], stop: AbortSignal, env?: Variables) {
  const { succeeded, said } = await attempt(args, stop, env);
  if (!succeeded) throw new CliError(plainReason(said) ?? errorText(said));
  return said;
}

/** The JSON list at the end of what wrangler printed. */
function listOf<S extends v.GenericSchema>(said: string, row: S): v.InferOutput<S>[] {
  const json = v.pipe(v.string(), v.parseJson(), v.array(row));
  const result = v.safeParse(json, said.slice(said.search(/^\[(?!.*\[ERROR)/m)));
  if (!result.success) throw new CliError(`Unexpected answer from wrangler:\n${said}`);
  return result.output;
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  return main(args, {
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
    fetch,
    stop: stopSignal().signal,
  });
}
