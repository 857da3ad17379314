/** Whether an option is given, with or without a value, or in its form with `no-`. */
export function hasOption(args: readonly string[], name: string): boolean {
  const names = [`--${name}`, `--no-${name}`];
  return args.some((arg) => names.includes(arg.split("=")[0] ?? ""));
}

/**
 * What follows `--name` in arguments for wrangler, read as wrangler reads them: `--name=value`, or
 * every word up to the next option, since some options (`--var A:1 B:2`) take more than one; a
 * name of two words in kebab or camel case.
 */
export function optionValues(args: readonly string[], name: string): string[] {
  const values: string[] = [];
  let taking = false;
  for (const arg of args) {
    if (arg === "--") break;
    if (arg.startsWith("-")) {
      const [option = "", ...value] = arg.split("=");
      const named =
        option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) === `--${name}`;
      taking = named && value.length === 0;
      if (named && !taking) values.push(value.join("="));
    } else if (taking) {
      values.push(arg);
    }
  }
  return values;
}
