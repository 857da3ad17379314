import { mismatches } from "./checks.ts";
import { type Paint, replyText, requestText, shortener, wrapped } from "./print.ts";
import { type Reply, send } from "./send.ts";
import {
  type Ask,
  type Chapter,
  type Expectation,
  NotKeptError,
  newTour,
  type Step,
  type Tour,
} from "./step.ts";

export interface TourOptions {
  readonly origin: string;
  readonly deadlineMs: number;
  readonly write: (line: string) => void;
  readonly paint: Paint;
}

export interface Score {
  readonly sent: number;
  readonly asDocumented: number;
  /** Not sent, since they need what an earlier answer did not give. */
  readonly left: number;
  /** Titles of the steps that went wrong. */
  readonly wrong: readonly string[];
}

/**
 * Walks through all steps, whatever is wrong with one of them.
 * @throws NoAnswerError
 */
export async function walk(chapters: readonly Chapter[], options: TourOptions): Promise<Score> {
  const { paint } = options;
  const tour = newTour();
  const short = shortener(tour);
  const wrong: string[] = [];
  let sent = 0;
  let left = 0;
  // Headings wait for the first answer below them, so that no answer at all is one line of text.
  let headings = [`The tour of ${options.origin}`];
  const write = (line: string) => {
    for (const heading of headings) options.write(heading);
    headings = [];
    options.write(line);
  };

  for (const chapter of chapters) {
    headings.push("", paint("bold", chapter.title));
    for (const step of chapter.steps) {
      const ask = askOf(step, tour);
      if (ask === null) {
        left += 1;
        write(
          `  ${paint("yellow", "-")} ${step.title}: not sent, an earlier answer lacks what it needs`,
        );
        continue;
      }
      const reply = await send(options.origin, ask, options.deadlineMs);
      sent += 1;
      const problems = problemsOf(step, reply, tour, options.origin);
      const ok = problems.length === 0;
      if (!ok) wrong.push(`${chapter.title}: ${step.title}`);
      write(`  ${ok ? paint("green", "✓") : paint("red", "✗")} ${step.title}`);
      for (const line of wrapped(">", short(requestText(ask)))) write(paint("dim", line));
      for (const line of wrapped("<", short(replyText(reply)))) write(line);
      for (const problem of problems) {
        for (const line of wrapped("!", short(problem))) write(paint("red", line));
      }
    }
  }
  return { sent, asDocumented: sent - wrong.length, left, wrong };
}

function askOf(step: Step, tour: Tour): Ask | null {
  return unlessNotKept(() => step.ask(tour));
}

function problemsOf(step: Step, reply: Reply, tour: Tour, origin: string): readonly string[] {
  const wanted = unlessNotKept(() => step.answer(tour));
  if (wanted === null) return ["cannot be checked: an earlier answer lacks what it must be like"];
  const statusProblems =
    reply.status === wanted.status ? [] : [`the status is ${reply.status}, not ${wanted.status}`];
  return [
    ...statusProblems,
    ...headerProblems(wanted, reply, origin),
    ...bodyProblems(wanted, reply, tour),
  ];
}

function bodyProblems(wanted: Expectation, reply: Reply, tour: Tour): readonly string[] {
  if (wanted.body === undefined) return reply.text === "" ? [] : ["there is a body"];
  if (reply.text === "") return ["there is no body"];
  if (reply.body === undefined) return ["the body is not JSON"];
  return mismatches(wanted.body, reply.body, "body", tour);
}

/** What every answer has, and what this one must have besides. */
function headerProblems(wanted: Expectation, reply: Reply, origin: string): readonly string[] {
  const headers: Record<string, string | RegExp> = {
    "cache-control": "no-store",
    ...(wanted.body !== undefined && { "content-type": "application/json" }),
    ...(origin.startsWith("https:") && { "strict-transport-security": /^max-age=\d+/ }),
    ...wanted.headers,
  };
  return Object.entries(headers).flatMap(([name, value]) => {
    const found = reply.headers.get(name);
    if (found === null) return [`the header ${name} is missing`];
    const fits = typeof value === "string" ? value === found : value.test(found);
    return fits ? [] : [`the header ${name} is "${found}", not ${value}`];
  });
}

function unlessNotKept<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof NotKeptError) return null;
    throw error;
  }
}
