import { parseArgs } from "node:util";
import { deploy, type Options, type Surroundings } from "./deploy/steps.ts";
import { CannotStart } from "./dev/cannot-start.ts";
import { takenByNpm } from "./dev/taken-by-npm.ts";
import { Refused } from "./users/refused.ts";

export const LOCATIONS = ["weur", "eeur", "wnam", "enam", "apac", "oc"] as const;

const HELP = `Usage: npm run deploy -- [options]

Brings this service to Cloudflare, and can be run again at any time: it does what is missing.

  1. checks the settings in wrangler.toml by the service's own rules
  2. makes the D1 database and the KV namespace, if there are none, and brings the database to schema.sql
  3. makes the secrets that are missing (JWT_KEYS), and keeps them in .deploy.vars
  4. deploys, and waits until the service answers at ISSUER

Each step ends before the next begins: no version runs without its schema and its secrets. What
fails is told with what was done until then.

  --dry-run            all that needs no account: the settings, the schema, the build and its size
  --upload             uploads the version without giving it any request; to give it some:
                       npx wrangler versions deploy
  --issuer <origin>    ISSUER for this run, where wrangler.toml has none
  --region <hint>      where a new database is to be: ${LOCATIONS.join(", ")}
                       (--location is the same, but npm swallows it without a trace where -- is missing)
  --env <name>         [env.<name>] of wrangler.toml: another deployment, with stores of its own
  --config <file>      another file than wrangler.toml

Who may: npx wrangler login, or CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID, for more than one
account). Exit code: 0 if done, 1 if something failed, 2 for arguments that are not understood.`;

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

/** The command, on the project in the working directory. @returns its exit code */
export async function main(args: readonly string[], around: Surroundings): Promise<number> {
  const taken = takenByNpm(args, OPTIONS);
  if (taken !== null) {
    around.writeError(taken);
    return 2;
  }
  const options = readOptions(args);
  if ("wrong" in options) {
    around.writeError(`${options.wrong} Try: npm run deploy -- --help`);
    return 2;
  }
  if (options.help) {
    around.write(HELP);
    return 0;
  }
  try {
    return await deploy(options, around);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof CannotStart)) throw error;
    around.writeError(error.message);
    return 1;
  }
}

function readOptions(
  args: readonly string[],
): (Options & { readonly help: boolean }) | { readonly wrong: string } {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const { region = values.location, env } = values;
    if (region !== undefined && !LOCATIONS.some((each) => each === region)) {
      return { wrong: `--region is one of ${LOCATIONS.join(", ")}.` };
    }
    if (env !== undefined && !/^[\w-]+$/.test(env)) return { wrong: "--env takes a name." };
    return {
      help: values.help,
      dryRun: values["dry-run"],
      uploadOnly: values.upload,
      issuer: values.issuer,
      location: region,
      environment: env,
      configFile: values.config,
    };
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return { wrong: `${sentence.replace(/\.$/, "")}.` };
  }
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  process.exitCode = await main(process.argv.slice(2), {
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
    fetch,
    stop: stop.signal,
  });
}
