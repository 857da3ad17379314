import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const CHECK = "node src/cli/needs-node.js && ";
const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));

/** The check, in a Node that claims another version. */
function checkedBy(version: string) {
  const pretend = `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`,
  )}`;
  const args = ["--import", pretend, "src/cli/needs-node.js"];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

describe("the Node that a command needs", () => {
  it.each(["18.20.8", "20.20.2", "22.12.0", "22.20.0", "23.11.0", "24.1.9"])(
    "is not %s",
    (version) => {
      const { status, stderr } = checkedBy(version);
      expect(status).toBe(1);
      expect(stderr).toContain(`This needs Node 24.2 or later, and is run by Node ${version}.`);
      expect(stderr).toContain("npm rebuild node --ignore-scripts=false");
      expect(stderr).not.toContain("    at ");
    },
  );

  it.each(["24.2.0", "24.21.0", "25.0.0", "26.1.0"])("may be %s", (version) => {
    expect(checkedBy(version)).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });

  it.each(Object.entries<string>(scripts).filter(([, line]) => /\.ts\b|\bvitest\b/.test(line)))(
    "is asked for first by npm run %s",
    (_, line) => {
      expect(line.startsWith(CHECK)).toBe(true);
    },
  );
});
