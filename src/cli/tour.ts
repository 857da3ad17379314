import { readFileSync } from "node:fs";
import { parseArgs, styleText } from "node:util";
import { readExamples } from "../openapi/examples.ts";
import { takenByNpm } from "./arguments.ts";
import { NoAnswerError, runTour } from "./tour/run.ts";

const DEFAULT_URL = "http://localhost:8787";

const HELP = `Usage: npm run tour [-- --url <origin>]

Signs up two users on a running server, uses all four contracts as them, and prints each request and
answer in short. Answers are compared with the examples of the API document. Tokens and passwords
are never printed whole. Both users are deleted at the end, unless the tour breaks off.

  --url <origin>   the server, such as https://auth.example.com (default ${DEFAULT_URL})
  --help           this text

Exit codes: 0 every answer is as documented, 1 one is not or the server does not answer, 2 invalid
arguments.

The server must let anyone sign up (SIGN_UP is open) and refuse at once what was revoked
(REVOCATION_LAG_SECONDS is 0); both are the defaults.`;

const OPTIONS = {
  url: { type: "string", default: DEFAULT_URL },
  help: { type: "boolean", short: "h" },
} as const;

interface CliContext {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly write: (line: string) => void;
  readonly writeError: (line: string) => void;
}

/** The command. @returns its exit code */
export async function tour(args: readonly string[], context: CliContext): Promise<number> {
  const { write, writeError } = context;
  const taken = takenByNpm(args, OPTIONS);
  if (taken !== null) {
    writeError(taken);
    return 2;
  }
  const options = readOptions(args);
  if (typeof options === "string") {
    writeError(`${options} Try: npm run tour -- --help`);
    return 2;
  }
  if (options.help) {
    write(HELP);
    return 0;
  }
  const { origin } = options;
  const file = new URL("../openapi/examples.json", import.meta.url);
  const examples = readExamples(readFileSync(file, "utf8"));
  try {
    const { sent, differing } = await runTour({ ...context, origin, examples });
    const ok = differing.length === 0;
    write(ok ? "" : ["", "Mismatches:", ...differing].join("\n  ").replace("  ", ""));
    write(
      styleText(ok ? "green" : "red", `${sent} requests, ${sent - differing.length} as documented`),
    );
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    const reason = reasonOf(error.cause);
    writeError(`No answer from ${origin}: ${reason}. \`npm run dev\` starts a server here.`);
    return 1;
  }
}

/** @returns what is wrong with them, if they are not valid */
function readOptions(args: readonly string[]): { help: boolean; origin: string } | string {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const url = URL.parse(values.url);
    const isOrigin =
      url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (!isOrigin) return "--url must be an origin, such as https://auth.example.com.";
    return { help: values.help ?? false, origin: url.origin };
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    return `${sentence.replace(/\.$/, "")}.`;
  }
}

/** A 301 is an answer, and no credential follows it to another address. */
export const fetchWithin = (deadlineMs: number) => (request: Request) =>
  fetch(request, { redirect: "manual", signal: AbortSignal.timeout(deadlineMs) });

/** `fetch` itself says only that it failed. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const { code, message: reason } = Object(cause);
  return code === "ECONNREFUSED" ? "the connection was refused" : reason || code || message;
}

/** @returns the exit code */
export function command(args: readonly string[]): Promise<number> {
  return tour(args, {
    fetch: fetchWithin(15_000),
    write: (line) => console.log(line),
    writeError: (line) => console.error(line),
  });
}
