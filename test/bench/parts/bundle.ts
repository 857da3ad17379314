import { gzipSync } from "node:zlib";
import { type Bundle, buildWithoutConsole } from "../build.ts";
import { figure } from "../statistics.ts";
import type { Part } from "./part.ts";

/** What a deploy uploads and an isolate loads, gzipped as Cloudflare counts it. */
export const bundle: Part = {
  name: "bundle",
  title: "bundle, gzipped",
  async measure({ builds }, { progress }) {
    progress(this.title);
    const withConsole = await builds.latchkey();
    const verdicts = [
      verdict("without the console", await buildWithoutConsole(), 70),
      verdict("with the console", withConsole, 160),
    ];
    return { verdicts };
  },
};

const verdict = (which: string, built: Bundle, limit: number) => ({
  title: `bundle ${which}, gzipped`,
  measured: figure([gzippedKiB(built)]),
  limit,
  of: "KiB",
});

const gzippedKiB = ({ modules }: Bundle) =>
  modules.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0) / 1024;
