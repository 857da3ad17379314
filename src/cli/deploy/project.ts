import { rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { Refused } from "../users/refused.ts";

/** What is read of wrangler's configuration, as it comes from wrangler. */
const Config = v.object({
  name: v.optional(v.string()),
  preview_urls: v.optional(v.boolean()),
  workers_dev: v.optional(v.boolean()),
  route: v.optional(v.unknown()),
  routes: v.optional(v.array(v.unknown()), []),
  kv_namespaces: v.array(v.object({ binding: v.string(), id: v.optional(v.string()) })),
  d1_databases: v.array(v.object({ binding: v.string(), database_name: v.optional(v.string()) })),
  vars: v.record(v.string(), v.unknown()),
});

/** The same as it is written, with all else that stands in it. */
const Namespaces = {
  kv_namespaces: v.optional(
    v.array(v.looseObject({ binding: v.string(), id: v.optional(v.string()) })),
  ),
};
const Raw = v.looseObject({
  ...Namespaces,
  env: v.optional(v.record(v.string(), v.looseObject(Namespaces)), {}),
});

/** What a deployment is called, and what it runs with. */
export interface Project {
  readonly configFile: string;
  readonly environment: string | undefined;
  /** The Worker's name at Cloudflare. */
  readonly worker: string;
  readonly database: string;
  /** The namespace's title: as wrangler would call one that it makes itself. */
  readonly namespace: string;
  /** The namespace's id, where the configuration has one. */
  readonly namespaceId: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The file that keeps this deployment's secrets on this machine. */
  readonly secretsFile: string;
  /** Arguments by which wrangler finds the same. */
  readonly args: readonly string[];
}

/** @throws Refused for a configuration that names no Worker, or not both stores */
export async function readProject(
  configFile: string,
  environment: string | undefined,
): Promise<Project> {
  // Loaded only here: it is large.
  const { unstable_readConfig } = await import("wrangler");
  const config = readOrRefuse(() =>
    v.parse(
      Config,
      unstable_readConfig({ config: configFile, ...(environment && { env: environment }) }),
    ),
  );
  const namespace = config.kv_namespaces.find(({ binding }) => binding === "KV");
  const database = config.d1_databases.find(({ binding }) => binding === "DB");
  const where = environment === undefined ? configFile : `[env.${environment}] of ${configFile}`;
  if (config.name === undefined) throw new Refused(`${where} has no name.`);
  if (namespace === undefined || database?.database_name === undefined) {
    throw new Refused(
      `${where} needs a KV namespace bound as KV, and a D1 database bound as DB with a database_name.`,
    );
  }
  const ways = waysInOf(config);
  if (ways.length > 0) {
    throw new Refused(
      [
        `${where} leaves more ways in than the one at ISSUER:`,
        ...ways.map((way) => `  ${way}`),
      ].join("\n"),
    );
  }
  return {
    configFile,
    environment,
    worker: config.name,
    database: database.database_name,
    namespace: `${config.name}-kv`,
    namespaceId: namespace.id,
    variables: config.vars,
    secretsFile: [".deploy.vars", environment].filter(Boolean).join("."),
    args: [
      `--config=${configFile}`,
      // An empty one says that the top level is meant.
      `--env=${environment ?? ""}`,
    ],
  };
}

/** Addresses beside the service's own, at which an old version with old keys could be asked. */
function waysInOf(config: v.InferOutput<typeof Config>): string[] {
  const isRouted = config.route !== undefined || config.routes.length > 0;
  return [
    ...(config.preview_urls === false
      ? []
      : [
          "every version ever uploaded, with its keys, at an address of its own. Add: preview_urls = false",
        ]),
    ...(isRouted && config.workers_dev === true
      ? ["workers.dev, beside the route. Change it to: workers_dev = false"]
      : []),
  ];
}

/**
 * Runs `use` with arguments for a configuration that names the namespace by its id, as wrangler
 * takes it on no command line. It lies beside the real one, whose paths it shares, and goes again.
 */
export async function withNamespace<T>(
  project: Project,
  id: string,
  use: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  const { experimental_readRawConfig } = await import("wrangler");
  const { rawConfig } = experimental_readRawConfig({ config: project.configFile });
  const raw = v.parse(Raw, rawConfig);
  const own = project.environment === undefined ? raw : raw.env[project.environment];
  for (const each of own?.kv_namespaces ?? []) if (each.binding === "KV") each.id = id;
  const file = join(dirname(resolve(project.configFile)), `.wrangler-${project.worker}.json`);
  try {
    await writeFile(file, JSON.stringify(raw));
    return await use([`--config=${file}`, `--env=${project.environment ?? ""}`]);
  } finally {
    await rm(file, { force: true });
  }
}

function readOrRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Refused(error instanceof Error ? error.message : String(error));
  }
}
