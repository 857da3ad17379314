/** What a command takes, by name: whether a value follows. */
export type Flags = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/**
 * npm reads a word of several letters as so many of its own short options where each is one:
 * `--lan` becomes `--all --long --no-yes`.
 */
const SHORT: Readonly<Record<string, string>> = { a: "all", g: "global", l: "long", f: "force" };
/** A short option that leaves no trace in the environment, or one that npm also says by itself. */
const TRACELESS = "n";

/**
 * Without `--` npm takes options to itself, and the command would run without them: on the local
 * database in place of the remote one, say. All that is left of them is `npm_config_*`.
 * @param args what reached the command
 * @returns what to type, or null if npm has taken nothing
 */
export function takenByNpm(
  args: readonly string[],
  flags: Flags,
  env: NodeJS.ProcessEnv = process.env,
): string | null {
  const arrived = args.filter((arg) => arg.startsWith("--")).map((arg) => arg.split("=")[0]);
  const taken = Object.entries(flags).flatMap(([name, { type }]) => {
    if (arrived.includes(`--${name}`)) return [];
    const value = valueTaken(name, env);
    return value === undefined ? [] : [{ name, type, value }];
  });
  if (taken.length === 0) return null;
  const names = taken.map(({ name }) => `--${name}`).join(" and ");
  return `npm has taken ${names} to itself, so nothing was done. npm needs -- before arguments:
  npm run ${env.npm_lifecycle_event ?? "…"} -- ${asMeant(args, taken)}
(If you did not type ${names}, an .npmrc or the environment sets it for npm.)`;
}

function valueTaken(name: string, env: NodeJS.ProcessEnv): string | undefined {
  // `--persist-to`, and wrangler's other spelling `--persistTo`.
  const value =
    env[`npm_config_${name.replaceAll("-", "_")}`] || env[`npm_config_${name.replaceAll("-", "")}`];
  if (value) return value;
  const letters = [...name].filter((letter) => letter !== TRACELESS);
  if (!letters.every((letter) => SHORT[letter] !== undefined)) return undefined;
  return letters.every((letter) => env[`npm_config_${SHORT[letter]}`] === "true")
    ? "true"
    : undefined;
}

/** npm leaves the value of an option that it does not know among the words, and says "true". */
function asMeant(
  args: readonly string[],
  taken: readonly { readonly name: string; readonly type: string; readonly value: string }[],
): string {
  const words = [...args];
  const valueless = taken.filter(({ type, value }) => type === "string" && value === "true");
  // Of two values nobody knows which belongs to which.
  const left = valueless.length === 1 ? words.pop() : undefined;
  const options = taken.map(({ name, type, value }) => {
    if (type === "boolean") return `--${name}`;
    return `--${name} ${quoted(value === "true" ? (left ?? "…") : value)}`;
  });
  return [...words.map(quoted), ...options].join(" ");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
