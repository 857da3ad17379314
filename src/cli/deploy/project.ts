import * as v from "valibot";
import { readConfig } from "../../config.ts";
import { argumentsFor, type ConfigPlace } from "../changed-config.ts";
import { CliError } from "../cli-error.ts";
import { newKey } from "../keys/rotation.ts";

/** What is used of the configuration that wrangler has read. */
const Config = v.object({
  name: v.optional(v.string()),
  account_id: v.optional(v.string()),
  preview_urls: v.optional(v.boolean()),
  workers_dev: v.optional(v.boolean()),
  route: v.optional(v.unknown()),
  routes: v.optional(v.array(v.unknown()), []),
  kv_namespaces: v.array(v.object({ binding: v.string(), id: v.optional(v.string()) })),
  d1_databases: v.array(v.object({ binding: v.string(), database_name: v.optional(v.string()) })),
  vars: v.record(v.string(), v.unknown()),
});

/** A deployment: its names at Cloudflare, and its settings. */
export interface Project extends ConfigPlace {
  /** The Worker's name at Cloudflare. */
  readonly worker: string;
  /** It has no route, so its address is one of workers.dev. */
  readonly isAtWorkersDev: boolean;
  readonly database: string;
  /** If the configuration has one. */
  readonly accountId: string | undefined;
  /** The title of the namespace that wrangler creates. */
  readonly namespace: string;
  /** If the configuration has one. */
  readonly namespaceId: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The file with this deployment's secrets on this machine. */
  readonly secretsFile: string;
  /** Arguments that make wrangler use this deployment. */
  readonly args: readonly string[];
}

/** @throws CliError for a configuration without a name or a store, or with addresses beside ISSUER */
export async function readProject(
  configFile: string,
  environment: string | undefined,
): Promise<Project> {
  // Loaded only here, because it is large.
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
  if (config.name === undefined) throw new CliError(`${where} has no name.`);
  if (namespace === undefined || database?.database_name === undefined) {
    throw new CliError(
      `${where} needs a KV namespace bound as KV, and a D1 database bound as DB with a database_name.`,
    );
  }
  const others = otherAddresses(config);
  if (others.length > 0) {
    throw new CliError([`${where} leaves addresses open beside ISSUER:`, ...others].join("\n  "));
  }
  return {
    configFile,
    environment,
    worker: config.name,
    isAtWorkersDev: !isRouted(config) && config.workers_dev !== false,
    database: database.database_name,
    accountId: config.account_id,
    namespace: `${config.name}-kv`,
    namespaceId: namespace.id,
    variables: config.vars,
    secretsFile: [".deploy.vars", environment].filter(Boolean).join("."),
    args: argumentsFor({ configFile, environment }),
  };
}

const isRouted = ({ route, routes }: v.InferOutput<typeof Config>) =>
  route !== undefined || routes.length > 0;

/** Addresses beside the service's own, at which an old version with old keys could still be reached. */
function otherAddresses(config: v.InferOutput<typeof Config>): string[] {
  return [
    ...(config.preview_urls === false
      ? []
      : ["every uploaded version, with its keys, at its own address. Add: preview_urls = false"]),
    ...(isRouted(config) && config.workers_dev === true
      ? ["workers.dev, beside the route. Change it to: workers_dev = false"]
      : []),
  ];
}

function readOrRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error));
  }
}

/** Not allowed in wrangler.toml, because it is committed. */
const SECRETS = [
  "JWT_KEYS",
  "ENCRYPTION_KEYS",
  "MAIL_WEBHOOK_SECRET",
  "EVENTS_WEBHOOK_SECRET",
  "GOOGLE_CLIENT_SECRET",
];

/** Secrets of the right form, for a check without the real ones. */
async function standIns(variables: Readonly<Record<string, unknown>>) {
  const key = { ...(await newKey("ES256", 0)), state: "active" };
  return {
    JWT_KEYS: JSON.stringify({ keys: [key] }),
    ENCRYPTION_KEYS: Buffer.alloc(32).toString("base64"),
    ...Object.fromEntries(
      ["MAIL", "EVENTS"]
        .filter((each) => variables[`${each}_WEBHOOK_URL`] !== undefined)
        .map((each) => [`${each}_WEBHOOK_SECRET`, `whsec_${Buffer.alloc(32).toString("base64")}`]),
    ),
  };
}

export const issuerWanted = (
  project: Project,
) => `ISSUER is missing: the origin of ${project.worker}. Add it under ${
  project.environment ? `[env.${project.environment}.vars]` : "[vars]"
} in ${project.configFile}:
  ISSUER = "https://auth.example.com"
with your own domain at Cloudflare, or, to try it,
  ISSUER = "https://${project.worker}.<subdomain>.workers.dev"
where Workers & Pages at dash.cloudflare.com shows your subdomain.
It goes into every token, so choose one that you will keep.`;

/**
 * Checks that the service would start with these settings, by its own rules. Missing secrets are no error.
 * @returns the issuer
 * @throws CliError with everything that is wrong
 */
export async function checkSettings(
  project: Project,
  variables: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const open = SECRETS.filter((name) => variables[name] !== undefined);
  if (open.length > 0) {
    throw new CliError(
      `${open.join(" and ")} in ${project.configFile} would be committed. Move it to ${project.secretsFile}.`,
    );
  }
  if (variables.DEV !== undefined && variables.DEV !== "off") {
    throw new CliError(`DEV is for npm run dev. Remove it from ${project.configFile}.`);
  }
  if (variables.ISSUER === undefined) throw new CliError(issuerWanted(project));
  const checked = { ...variables, ...(await standIns(variables)), ...secrets };
  try {
    const { issuer } = readConfig(checked);
    if (!issuer.startsWith("https://")) {
      throw new Error("ISSUER must be https: the service redirects everything else to it");
    }
    return issuer;
  } catch (error) {
    throw new CliError(error instanceof Error ? error.message : String(error));
  }
}
