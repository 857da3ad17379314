import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as v from "valibot";
import { errorText, LOG_IN, plainReason } from "../dev/plain-words.ts";
import { runWrangler } from "../dev/wrangler.ts";
import { Refused } from "../users/refused.ts";
import { type Project, withNamespace } from "./project.ts";

/** What a deploy, or a dry run of one, made. */
export interface Deployed {
  readonly versionId: string | null;
  /** Where it is reached, as wrangler tells. */
  readonly targets: readonly string[];
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** A project's things at Cloudflare, by way of wrangler, which is asked nothing and asks nothing. */
export function account(project: Project, stop: AbortSignal) {
  async function attempt(args: readonly string[], env?: Readonly<Record<string, string>>) {
    const { code, said } = await runWrangler(args, {
      stop,
      output: "answer",
      env: { NO_COLOR: "1", FORCE_COLOR: "0", ...env },
    });
    if (stop.aborted) throw new Refused("Stopped.");
    return { succeeded: code === 0, said: stripVTControlCharacters(said).trim() };
  }

  async function run(args: readonly string[], env?: Readonly<Record<string, string>>) {
    const { succeeded, said } = await attempt(args, env);
    if (!succeeded) throw new Refused(errorOf(said));
    return said;
  }

  return {
    /** @throws Refused if nobody is logged in */
    async requireLogin(): Promise<void> {
      if (process.env.CLOUDFLARE_API_TOKEN) return;
      const { succeeded } = await attempt(["whoami", "--json"]);
      if (!succeeded) throw new Refused(LOG_IN);
    },

    async createDatabase(location: string | undefined): Promise<void> {
      await run([
        ...["d1", "create", project.database, "--no-update-config", ...project.args],
        ...(location ? [`--location=${location}`] : []),
      ]);
    },

    /** @returns the names of the Worker's secrets; null if there is no such Worker yet */
    async secretNames(): Promise<ReadonlySet<string> | null> {
      const { succeeded, said } = await attempt([
        ...["secret", "list", "--format=json", ...project.args],
      ]);
      if (succeeded) return new Set(listOf(said, v.object({ name: v.string() })).map(nameOf));
      if (/Worker ".*" .*not found|not found\./.test(said)) return null;
      throw new Refused(errorOf(said));
    },

    /** The namespace's id, and whether it was made now. */
    async namespace(): Promise<{ readonly id: string; readonly isNew: boolean }> {
      // Not with --env, which would go into its title.
      const config = `--config=${project.configFile}`;
      const made = await attempt([
        ...["kv", "namespace", "create", project.namespace, "--no-update-config", config],
      ]);
      if (!made.succeeded && !made.said.includes("already exists")) {
        throw new Refused(errorOf(made.said));
      }
      const listed = await run(["kv", "namespace", "list", ...project.args]);
      const found = listOf(listed, v.object({ id: v.string(), title: v.string() })).find(
        ({ title }) => title === project.namespace,
      );
      if (found === undefined) throw new Refused(`KV does not list ${project.namespace} yet.`);
      return { id: found.id, isNew: made.succeeded };
    },

    /**
     * Uploads the Worker together with those of its secrets that it has not, so that no version is
     * ever without them.
     * @param namespaceId for a Worker that is new; one that is there keeps the namespace that it has
     */
    async deploy(
      command: readonly string[],
      secrets: Readonly<Record<string, string>>,
      namespaceId?: string,
    ): Promise<Deployed> {
      const directory = await mkdtemp(join(tmpdir(), "latchkey-deploy-"));
      try {
        const output = join(directory, "output");
        const secretsFile = join(directory, "secrets.json");
        await writeFile(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
        const more = Object.keys(secrets).length > 0 ? [`--secrets-file=${secretsFile}`] : [];
        const upload = (args: readonly string[]) =>
          run([...command, ...args, ...more], { WRANGLER_OUTPUT_FILE_PATH: output });
        await (namespaceId === undefined
          ? upload(project.args)
          : withNamespace(project, namespaceId, upload));
        return deployedOf(await readFile(output, "utf8"));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

const nameOf = ({ name }: { name: string }) => name;

/** The JSON list at the end of what wrangler said. */
function listOf<S extends v.GenericSchema>(said: string, row: S): v.InferOutput<S>[] {
  const json = v.pipe(v.string(), v.parseJson(), v.array(row));
  const result = v.safeParse(json, said.slice(said.search(/^\[(?!.*\[ERROR)/m)));
  if (!result.success) throw new Refused(`wrangler answered something else:\n${said}`);
  return result.output;
}

const Output = v.object({
  type: v.picklist(["deploy", "version-upload"]),
  version_id: v.optional(v.nullable(v.string())),
  targets: v.optional(v.array(v.string())),
  bundle_size: v.optional(v.object({ raw_bytes: v.number(), gzip_bytes: v.number() })),
});

function deployedOf(output: string): Deployed {
  for (const line of output.split("\n").filter(Boolean)) {
    const result = v.safeParse(v.pipe(v.string(), v.parseJson(), Output), line);
    if (!result.success) continue;
    const { version_id = null, targets = [], bundle_size } = result.output;
    const { raw_bytes = 0, gzip_bytes = 0 } = bundle_size ?? {};
    return { versionId: version_id, targets, bytes: raw_bytes, gzipBytes: gzip_bytes };
  }
  throw new Refused("wrangler does not say what it deployed.");
}

function errorOf(said: string): string {
  return plainReason(said) ?? errorText(said);
}
