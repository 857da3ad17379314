import { existsSync } from "node:fs";
import { addMissingSecrets, readSettings } from "../dev/secrets.ts";
import { applySchema, readSchema } from "../schema/apply.ts";
import { d1, NoDatabase } from "../users/d1.ts";
import { Refused } from "../users/refused.ts";
import { account, type Deployed } from "./account.ts";
import { botsAreRefused, type Fetch, untilHealthy } from "./health.ts";
import { KV_IS_READ_FROM_SECONDS, untilFlushed } from "./outbox.ts";
import { type Project, readProject } from "./project.ts";
import { checkSettings } from "./settings.ts";

export interface Options {
  readonly dryRun: boolean;
  readonly uploadOnly: boolean;
  readonly issuer: string | undefined;
  readonly location: string | undefined;
  readonly environment: string | undefined;
  readonly configFile: string;
}

export interface Surroundings {
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly fetch: Fetch;
  readonly stop: AbortSignal;
  /** How long to wait for KV, if not for two runs of the cron trigger. */
  readonly outboxPatienceMs?: number;
}

/** What a Worker may weigh on the paid plan, gzipped. */
const MAX_GZIP_BYTES = 10 * 1024 * 1024;

/** @returns the exit code @throws Refused that says what failed, what was done, and how to go on */
export async function deploy(options: Options, around: Surroundings): Promise<number> {
  if (!existsSync(options.configFile)) {
    throw new Refused(`There is no ${options.configFile} here. Start in the project's directory.`);
  }
  const project = await readProject(options.configFile, options.environment);
  const variables = {
    ...project.variables,
    ...(options.issuer !== undefined && { ISSUER: options.issuer }),
  };
  const kept = await readSettings([project.secretsFile]);
  const issuer = await checkSettings(project, variables, kept);
  const schema = await readSchema();
  const tell = (what: string, text: string) => around.write(`${what.padEnd(10)} ${text}`);
  tell("Settings", `${project.worker} at ${issuer}: the service starts with them`);
  const given = options.issuer === undefined ? [] : [`--var=ISSUER:${options.issuer}`];
  if (options.dryRun) {
    const tables = schema.filter(({ type }) => type === "table").length;
    tell("Schema", `${tables} tables, ${schema.length - tables} indexes`);
    tell("Build", size(await account(project, around.stop).deploy(["deploy", "--dry-run"], {})));
    around.write(wouldDo(project));
    return 0;
  }
  return inSteps(
    around.write,
    [
      ["Login", (steps) => login(steps)],
      ["Database", (steps) => database(steps, options.location)],
      ...(Number(project.variables.REVOCATION_LAG_SECONDS ?? 0) >= KV_IS_READ_FROM_SECONDS
        ? [["Outbox", (steps: Steps) => outbox(steps, around.outboxPatienceMs)] as const]
        : []),
      ["Secrets", (steps) => secrets(steps, variables)],
      ["KV", (steps) => namespace(steps)],
      [
        options.uploadOnly ? "Upload" : "Deploy",
        (steps) => upload(steps, options.uploadOnly, given),
      ],
      ...(options.uploadOnly
        ? []
        : [["Health", (steps: Steps) => health(steps, issuer, around.fetch)] as const]),
    ],
    {
      project,
      stop: around.stop,
      found: { secrets: {}, isNew: false, namespaceId: undefined, versionId: null },
    },
  );
}

/** What steps know of each other. */
interface Steps {
  readonly project: Project;
  readonly stop: AbortSignal;
  readonly found: {
    /** What the Worker has not yet. */
    secrets: Record<string, string>;
    isNew: boolean;
    namespaceId: string | undefined;
    /** What was uploaded. */
    versionId: string | null;
  };
}

type Step = readonly [name: string, run: (steps: Steps) => Promise<string>];

async function inSteps(
  write: (line: string) => void,
  plan: readonly Step[],
  steps: Steps,
): Promise<number> {
  const done: string[] = [];
  for (const [name, run] of plan) {
    try {
      write(`${name.padEnd(10)} ${await run(steps)}`);
      done.push(name);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const before = done.length === 0 ? "nothing was changed" : `done before: ${done.join(", ")}`;
      throw new Refused(
        `${name} failed: ${error.message}\n\n${before}. Run it again: it goes on from there.`,
      );
    }
  }
  return 0;
}

async function login({ project, stop }: Steps): Promise<string> {
  await account(project, stop).requireLogin();
  return process.env.CLOUDFLARE_API_TOKEN ? "by CLOUDFLARE_API_TOKEN" : "by wrangler login";
}

/** Before the code that needs it: the version that runs now knows nothing of what is new, and needs not to. */
async function database({ project, stop }: Steps, location: string | undefined): Promise<string> {
  const remote = d1({ remote: true, persistTo: undefined, project: project.args }, stop);
  const where = `the database ${project.database}`;
  try {
    const { changes, left } = await applySchema(remote, { where });
    const unknown = left.length > 0 ? `; not in schema.sql, and left: ${left.join(", ")}` : "";
    const added = changes.length > 0 ? `added ${changes.join(", ")}` : "has all of schema.sql";
    return `${project.database}: ${added}${unknown}`;
  } catch (error) {
    if (!(error instanceof NoDatabase)) throw error;
    await account(project, stop).createDatabase(location);
    const { changes } = await applySchema(remote, { isNew: true, where });
    const place = location ?? "wherever Cloudflare chose, as no --region was given";
    return `${project.database} made in ${place}, with ${changes.length} tables and indexes`;
  }
}

/** Before a version that reads KV is there: what was revoked before must stay revoked. */
async function outbox({ project, stop }: Steps, patienceMs?: number): Promise<string> {
  const remote = d1({ remote: true, persistTo: undefined, project: project.args }, stop);
  const left = await untilFlushed(remote, stop, patienceMs);
  if (left === 0) return "KV knows of everything that was revoked";
  throw new Refused(
    `KV has not been told of ${left} revocations, and a version with REVOCATION_LAG_SECONDS of ${KV_IS_READ_FROM_SECONDS} or more would accept what they revoked. The cron trigger tells it each minute: see that it runs`,
  );
}

async function secrets(
  { project, stop, found }: Steps,
  variables: Readonly<Record<string, unknown>>,
): Promise<string> {
  const there = await account(project, stop).secretNames();
  found.isNew = there === null;
  if (!there?.has("JWT_KEYS")) await addMissingSecrets(project.secretsFile);
  const kept = await readSettings([project.secretsFile]);
  for (const [name, value] of Object.entries(kept)) {
    if (value !== undefined && !there?.has(name)) found.secrets[name] = value;
  }
  if (
    variables.MAIL_WEBHOOK_URL &&
    !kept.MAIL_WEBHOOK_SECRET &&
    !there?.has("MAIL_WEBHOOK_SECRET")
  ) {
    throw new Refused(
      `MAIL_WEBHOOK_URL needs its MAIL_WEBHOOK_SECRET. Put it into ${project.secretsFile}.`,
    );
  }
  const names = Object.keys(found.secrets);
  return names.length === 0
    ? "the Worker has them"
    : `${names.join(", ")} from ${project.secretsFile}, uploaded with the code. Keep a copy of that file: keys are rotated with it`;
}

async function namespace({ project, stop, found }: Steps): Promise<string> {
  // A Worker keeps the namespace that it has. Another one would have none of the marks of what was ended.
  if (!found.isNew || project.namespaceId !== undefined) return "the Worker has its namespace";
  const { id, isNew } = await account(project, stop).namespace();
  found.namespaceId = id;
  return isNew ? `${project.namespace} made` : `${project.namespace} is there`;
}

async function upload(
  { project, stop, found }: Steps,
  isUploadOnly: boolean,
  given: readonly string[],
): Promise<string> {
  if (isUploadOnly && found.isNew) {
    throw new Refused("a first version has to be deployed whole. Leave out --upload.");
  }
  const command = isUploadOnly ? ["versions", "upload"] : ["deploy"];
  const { deploy } = account(project, stop);
  const deployed = await deploy([...command, ...given], found.secrets, found.namespaceId);
  found.versionId = deployed.versionId;
  const next = isUploadOnly ? "; no request reaches it. Next: npx wrangler versions deploy" : "";
  return `version ${deployed.versionId}, ${size(deployed)}${targetsOf(deployed)}${next}`;
}

async function health({ stop, found }: Steps, issuer: string, fetch: Fetch): Promise<string> {
  const wrong = await untilHealthy(issuer, { fetch, stop, versionId: found.versionId });
  if (wrong === null) {
    const refused = await botsAreRefused(issuer, fetch);
    const warning = refused === null ? "" : `\nWarning    ${refused}`;
    return `${issuer} answers, and so does its database${warning}`;
  }
  throw new Refused(
    `the version is deployed, but ${wrong}. A new domain may take minutes; then see that ISSUER is where it is deployed, and npx wrangler tail.`,
  );
}

function size({ bytes, gzipBytes }: Deployed): string {
  const kib = (count: number) => `${Math.round(count / 1024)} KiB`;
  if (gzipBytes > MAX_GZIP_BYTES) {
    throw new Refused(`${kib(gzipBytes)} gzipped are more than a Worker may have.`);
  }
  return `${kib(bytes)}, ${kib(gzipBytes)} gzipped`;
}

function targetsOf({ targets }: Deployed): string {
  return targets.length > 0 ? `, at ${targets.join(", ")}` : "";
}

function wouldDo({ database, namespace, secretsFile, worker }: Project): string {
  return `
Nothing was sent to Cloudflare. npm run deploy would now, unless it is there already:
  make the D1 database ${database}, and bring it to schema.sql
  make JWT_KEYS, and keep it in ${secretsFile}
  make the KV namespace ${namespace}
  deploy ${worker}, and wait until it answers`;
}
