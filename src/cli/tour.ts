import { parseArgs } from "node:util";
import { takenByNpm } from "./dev/taken-by-npm.ts";
import { accountSteps } from "./tour/accounts.ts";
import { actionTokenSteps } from "./tour/action-tokens.ts";
import { deletionSteps, passwordSteps } from "./tour/endings.ts";
import { jwtPairSteps } from "./tour/jwt-pair.ts";
import { type Paint, painter } from "./tour/print.ts";
import { restTokenSteps } from "./tour/rest-tokens.ts";
import { type Score, walk } from "./tour/run.ts";
import { DEADLINE_MS, NoAnswerError } from "./tour/send.ts";
import { sessionTokenSteps } from "./tour/session-tokens.ts";
import type { Chapter } from "./tour/step.ts";

const DEFAULT_URL = "http://localhost:8787";

const HELP = `Usage: npm run tour [-- --url <origin>]

Signs up two new users on a running server, walks through all four contracts as them, and prints
each request and answer in short. Tokens and passwords are never printed whole. Both users are
deleted at the end, unless the tour breaks off.

  --url <origin>   the server, such as https://auth.example.com (default ${DEFAULT_URL})
  --help           this text

Exit code: 0 if every answer is as documented, 1 if one is not or the server does not answer,
2 for arguments that are not understood.

The server must let anybody sign up (SIGN_UP is open) and refuse at once what was ended
(REVOCATION_LAG_SECONDS is 0); both are the defaults.`;

const OPTIONS = {
  url: { type: "string", default: DEFAULT_URL },
  help: { type: "boolean", short: "h" },
} as const;

const CHAPTERS: readonly Chapter[] = [
  { title: "Accounts", steps: accountSteps },
  { title: "Contract session-tokens", steps: sessionTokenSteps },
  { title: "Contract jwt-pair", steps: jwtPairSteps },
  { title: "Contract rest-tokens", steps: restTokenSteps },
  { title: "Contract action-tokens", steps: actionTokenSteps },
  { title: "A new password ends everything else", steps: passwordSteps },
  { title: "The end of an account", steps: deletionSteps },
];

interface Surroundings {
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
  readonly paint: Paint;
  readonly deadlineMs: number;
}

/** The command. @returns its exit code */
export async function tour(args: readonly string[], around: Surroundings): Promise<number> {
  const { write, writeError, paint, deadlineMs } = around;
  const taken = takenByNpm(args, OPTIONS);
  if (taken !== null) {
    writeError(taken);
    return 2;
  }
  const options = readOptions(args);
  if ("wrong" in options) {
    writeError(`${options.wrong} Try: npm run tour -- --help`);
    return 2;
  }
  if (options.help) {
    write(HELP);
    return 0;
  }
  const { origin } = options;
  try {
    const score = await walk(CHAPTERS, { origin, write, paint, deadlineMs });
    for (const line of summary(score, paint)) write(line);
    return score.wrong.length === 0 && score.left === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    writeError(`${error.message} Is the server running? \`npm run dev\` starts one here.`);
    return 1;
  }
}

function readOptions(
  args: readonly string[],
): { help: boolean; origin: string } | { wrong: string } {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const url = URL.parse(values.url);
    const isOrigin =
      url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (!isOrigin) return { wrong: "--url must be an origin, such as https://auth.example.com." };
    return { help: values.help ?? false, origin: url.origin };
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return { wrong: `${sentence.replace(/\.$/, "")}.` };
  }
}

function summary({ sent, asDocumented, left, wrong }: Score, paint: Paint): string[] {
  const count = `${sent} requests, ${asDocumented} as documented`;
  const notSent = left === 0 ? "" : `, ${left} more not sent`;
  return [
    "",
    ...(wrong.length === 0
      ? []
      : ["Not as documented:", ...wrong.map((title) => `  ${title}`), ""]),
    paint(wrong.length === 0 && left === 0 ? "green" : "red", count + notSent),
  ];
}

if (import.meta.main) {
  process.exitCode = await tour(process.argv.slice(2), {
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
    paint: painter(process.stdout.isTTY === true, process.env.NO_COLOR),
    deadlineMs: DEADLINE_MS,
  });
}
