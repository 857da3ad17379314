import { rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as v from "valibot";

/** A file for wrangler, and the environment in it. */
export interface ConfigPlace {
  readonly configFile: string;
  /** Undefined means the top level. */
  readonly environment: string | undefined;
}

/** Arguments that make wrangler use it. An empty `--env` means the top level. */
export const argumentsFor = ({ configFile, environment = "" }: ConfigPlace): readonly string[] => [
  `--config=${configFile}`,
  `--env=${environment}`,
];

const Bindings = v.optional(v.array(v.looseObject({ binding: v.string() })));
const Stores = { kv_namespaces: Bindings, d1_databases: Bindings, r2_buckets: Bindings };
/** The configuration as it is written, with everything else in it. */
const Raw = v.looseObject({
  ...Stores,
  env: v.optional(v.record(v.string(), v.looseObject(Stores)), {}),
});

/**
 * Runs `use` with arguments for a copy of the configuration in which bindings are changed, because wrangler takes
 * some things only from there. The copy is put beside the original, whose paths it shares, and then deleted.
 */
export async function withBinding<T>(
  place: ConfigPlace,
  change: Change | readonly Change[],
  use: (args: readonly string[], configFile: string) => Promise<T>,
): Promise<T> {
  // Loaded only here, because it is large.
  const { experimental_readRawConfig } = await import("wrangler");
  const { rawConfig } = experimental_readRawConfig({ config: place.configFile });
  const raw = v.parse(Raw, rawConfig);
  const own = place.environment === undefined ? raw : raw.env[place.environment];
  for (const { list, binding, changes } of [change].flat()) {
    for (const each of own?.[list] ?? [])
      if (each.binding === binding) Object.assign(each, changes);
  }
  const configFile = join(dirname(resolve(place.configFile)), `.wrangler-${process.pid}.json`);
  try {
    await writeFile(configFile, JSON.stringify(raw));
    return await use(argumentsFor({ ...place, configFile }), configFile);
  } finally {
    await rm(configFile, { force: true });
  }
}

interface Change {
  readonly list: keyof typeof Stores;
  readonly binding: string;
  readonly changes: Readonly<Record<string, string | boolean>>;
}
