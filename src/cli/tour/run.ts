import { styleText } from "node:util";
import type { Example, Examples } from "../../openapi/examples.ts";
import { mismatches, type Reply } from "./compare.ts";
import { replyText, requestText, type Saved, shorten, type TourRequest, wrapped } from "./print.ts";
import { STORY, type Step } from "./story.ts";

export interface TourOptions {
  readonly origin: string;
  readonly examples: Examples;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly write: (line: string) => void;
}

export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/**
 * @returns how many requests were sent, and the titles of those whose answers differ
 * @throws NoAnswerError
 */
export async function runTour({ origin, examples, fetch, write }: TourOptions) {
  const saved = newPeople();
  const indented = (mark: string, text: string) => wrapped(mark, shorten(text, saved));
  const differing: string[] = [];
  let sent = 0;
  for (const [chapter, steps] of Object.entries(STORY)) {
    // A heading waits for the first answer: if none comes, one line says so.
    let heading = sent === 0 ? [`The tour of ${origin}`] : [];
    heading.push("", styleText("bold", chapter));
    for (const step of steps) {
      const candidates = examplesOf(step, examples);
      const request = requestOf(step, candidates[0], saved);
      const reply = await fetch(new Request(origin + request.path, init(request)))
        .then(read)
        .catch((cause) => Promise.reject(new NoAnswerError("no answer", { cause })));
      sent += 1;
      const problems = problemsOf(step, candidates, reply, saved);
      if (problems.length > 0) differing.push(`${chapter}: ${step.title}`);
      for (const [name, way] of Object.entries(step.save ?? {})) {
        const value = valueAt(reply.body, way);
        if (typeof value === "string") saved.set(name, value);
      }
      const mark = problems.length === 0 ? styleText("green", "✓") : styleText("red", "✗");
      for (const line of [
        ...heading,
        `  ${mark} ${step.title}`,
        ...indented(">", requestText(request)).map((each) => styleText("dim", each)),
        ...indented("<", replyText(reply)),
        ...problems.flatMap((each) => indented("!", each)).map((each) => styleText("red", each)),
      ]) {
        write(line);
      }
      heading = [];
    }
  }
  return { sent, differing };
}

/** Two users whom no server knows. */
export function newPeople(): Saved {
  const random = () => crypto.randomUUID().slice(0, 8);
  return new Map(
    ["ann", "ben"].flatMap((person) => [
      [`${person} email`, `${person}.${random()}@tour.example`],
      // With a colon and a space at the end: a password is taken as it is sent.
      [`${person} password`, `${person}: ${random()} ${random()} `],
      [`${person} new password`, `${person}: ${random()} ${random()}`],
    ]),
  );
}

/** @throws if there is no such example */
export function examplesOf({ like }: Step, examples: Examples): readonly [Example, ...Example[]] {
  const [first, ...others] = examples.filter(({ operation, as }) =>
    like.includes(`${operation} (${as})`),
  );
  if (first === undefined || others.length + 1 !== like.length) {
    throw new Error(`examples.json does not have ${like.join(" and ")}`);
  }
  return [first, ...others];
}

/** The recorded request, with the step's own values. One that is missing is sent as such, and is refused. */
export function requestOf(step: Step, { operation, request }: Example, saved: Saved): TourRequest {
  const [method = ""] = operation.split(" ");
  const { path = request.path } = step;
  const headers = { ...request.headers, ...step.headers };
  const body = step.body === undefined ? request.body : { ...Object(request.body), ...step.body };
  return JSON.parse(JSON.stringify({ method, path, headers, body }), (_, value: unknown) =>
    typeof value === "string" ? fill(value, saved) : value,
  );
}

function fill(text: string, saved: Saved): string {
  const full = text.replace(/\{([\w ]+)\}/g, (_, name: string) => saved.get(name) ?? "missing");
  return text.startsWith("Basic {") ? `Basic ${btoa(full.slice("Basic ".length))}` : full;
}

function init({ method, headers, body }: TourRequest): RequestInit {
  const json = { "content-type": "application/json", ...headers };
  return body === null
    ? { method, headers }
    : { method, headers: json, body: JSON.stringify(body) };
}

async function read(response: Response): Promise<Reply> {
  const { status, headers } = response;
  const text = await response.text();
  try {
    return { status, headers, body: text === "" ? null : JSON.parse(text) };
  } catch {
    return { status, headers, body: text };
  }
}

function problemsOf(step: Step, candidates: Examples, reply: Reply, saved: Saved): string[] {
  const [closest = []] = candidates
    .map((example) => mismatches(example, reply))
    .sort((a, b) => a.length - b.length);
  const others = Object.entries(step.same ?? {})
    .filter(([way, text]) => valueAt(reply.body, way) !== fill(text, saved))
    .map(([way, text]) => `body.${way} is not ${fill(text, saved)}`);
  return [...closest, ...(closest.length === 0 ? others : [])];
}

/** Of a text or null, `Object` makes an object that lacks whatever is asked for. */
function valueAt(body: unknown, way: string): unknown {
  return way.split(".").reduce((each, name) => Object(each)[name], body);
}
