import { readFileSync } from "node:fs";
import { bundledTypes } from "../../src/cli/build-package/bundled-types.ts";

export const API_PAGE = "docs/reference/api.md";

/** What users of the packages may rely on, from what `npm run build:package` built. */
export function apiPage(): string {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const entries = Object.entries<{ types: string }>(exports).map(([path, { types }]) => {
    const name = `latchkey${path.slice(1)}`;
    return [name, readFileSync(types, "utf8")] as const;
  });
  // Its routes and their types are those of /openapi.json, which has tests of its own.
  const client = bundledTypes("dist/client", "latchkey.d.ts", /\/api\.d\.ts$/);
  const sections = [...entries, ["latchkey-client", client] as const].map(
    ([name, types]) =>
      `## \`${name}\`\n\n\`\`\`ts\n${types.replaceAll("    ", "  ").trim()}\n\`\`\`\n`,
  );
  return `# The packages' API

*For those who install \`latchkey\` or \`latchkey-client\`: what can I rely on?*

What is exported below, and the types that it names, follow [Semantic Versioning](https://semver.org). So do the
[contracts](contracts.md), [settings](settings.md), [events](events.md) and [commands](cli.md). Everything else in the packages and the
tables of the database, but for those that a migration of yours refers to, may change in any release. This page is made from the packages
by \`npm run docs\`, so that a change of it is seen.

${sections.join("\n")}`;
}
