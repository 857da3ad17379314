import type { Run } from "../rounds.ts";
import type { Fleet } from "../servers.ts";
import type { Verdict } from "../verdict.ts";

/** What is measured apart from the cases. */
export interface Part {
  /** As `--cases` names it. */
  readonly name: string;
  readonly title: string;
  measure(fleet: Fleet, run: Run): Promise<Findings>;
}

export interface Findings {
  readonly verdicts: readonly Verdict[];
  /** SVG by the file's name. */
  readonly charts?: Readonly<Record<string, string>>;
}
