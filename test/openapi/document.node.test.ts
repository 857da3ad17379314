import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { collectionOf } from "../../src/openapi/collection.ts";
import { makeDocument, refusalsOf, SURFACES, templateOf } from "../../src/openapi/document.ts";
import { readExamples } from "../../src/openapi/examples.ts";
import { present } from "../clients/tools.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const examples = readExamples(readFileSync("src/openapi/examples.json", "utf8"));
const document = makeDocument(version, examples);
const OPERATIONS = SURFACES.flatMap((surface) =>
  Object.entries(surface.operations).map(([routeKey, operation]) => ({
    surface,
    routeKey,
    operation,
  })),
);

interface WithSamples {
  readonly "x-codeSamples": readonly { readonly label: string; readonly source: string }[];
}

interface Collected {
  readonly request: {
    readonly method: string;
    readonly url: { raw: string; path: string[]; variable?: unknown[] };
    readonly body?: { mode: string; raw?: string };
  };
}

/** Every object in the document, with the way to it. */
function* objects(value: unknown, at = ""): Generator<[at: string, object: object]> {
  if (typeof value !== "object" || value === null) return;
  yield [at, value];
  for (const [name, each] of Object.entries(value)) yield* objects(each, `${at}/${name}`);
}

it("is in the repository as the sources make it", () => {
  const committed = readFileSync("src/console/assets/openapi.json", "utf8");
  expect(JSON.parse(committed), "npm run openapi").toEqual(document);
});

describe("the collection for Postman", () => {
  const collection = JSON.parse(readFileSync("docs/reference/postman_collection.json", "utf8"));

  it("is in the repository as the document makes it", () => {
    expect(collection, "npm run openapi").toEqual(collectionOf(document));
  });

  it("has every operation with what it needs, and nothing that is still to be filled in but its two variables", () => {
    const text = JSON.stringify(collection);
    const requests = collection.item.flatMap(({ item }: { item: unknown[] }) => item);
    expect(requests).toHaveLength(OPERATIONS.length);
    const wrong = requests.filter(
      ({ request: { method, url, body } }: Collected) =>
        /[{}]/.test(url.raw.replace("{{url}}", "")) ||
        url.raw !== ["{{url}}", ...url.path].join("/") ||
        url.path.filter((part) => part.startsWith(":")).length !== (url.variable ?? []).length ||
        (method === "GET" && body !== undefined) ||
        (body?.mode === "raw" && JSON.parse(body.raw ?? "") === null),
    );
    expect(wrong).toEqual([]);
    expect(new Set(text.match(/\{\{\w+\}\}/g))).toEqual(new Set(["{{url}}", "{{token}}"]));
  });
});

describe("what a reader looks for", () => {
  it("every operation has a name of its own and says in a line what it does", () => {
    const ids = OPERATIONS.map(({ operation }) => operation.id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index || !/^[a-z]\w+$/.test(id))).toEqual(
      [],
    );
    const summaries = OPERATIONS.map(({ operation }) => operation.summary);
    expect(summaries.filter((text) => !/^[A-Z].{10,90}[^.]$/.test(text))).toEqual([]);
    expect(new Set(summaries).size).toBe(summaries.length);
  });

  it("every success of every operation has an example", () => {
    // It would be its own.
    const others = OPERATIONS.filter(({ routeKey }) => routeKey !== "GET /openapi.json");
    const missing = others.flatMap(({ routeKey, operation }) =>
      Object.keys(operation.answers)
        .filter(
          (status) => !examples.some((e) => e.operation === routeKey && `${e.status}` === status),
        )
        .map((status) => `${routeKey} ${status}`),
    );
    expect(missing).toEqual([]);
  });

  it("every shape of refusal is met by some route, and has an example", () => {
    const wrong = SURFACES.flatMap((surface) => {
      const { name, errors, operations } = surface;
      const met = Object.values(operations).flatMap((each) => refusalsOf(surface, each));
      return Object.keys(errors)
        .map(Number)
        .flatMap((status) => [
          ...(met.includes(status) ? [] : [`${name} ${status}: never`]),
          ...(examples.some((each) => each.surface === name && each.status === status)
            ? []
            : [`${name} ${status}: no example`]),
        ]);
    });
    expect(wrong).toEqual([]);
  });

  it("a path parameter is named in the path, and one in the path is told of", () => {
    const wrong = OPERATIONS.filter(({ routeKey, operation }) => {
      const named = [...routeKey.matchAll(/:(\w+)/g)].map(([, name]) => name);
      const told = (operation.parameters ?? []).filter((each) => each.in === "path");
      return named.join() !== told.map(({ name }) => name).join();
    });
    expect(wrong.map(({ routeKey }) => routeKey)).toEqual([]);
  });

  it("every reference leads somewhere, and every component is referred to", () => {
    const all = [...objects(document)];
    const references = new Set(
      all.flatMap(([, object]) => ("$ref" in object ? [String(object.$ref)] : [])),
    );
    const places = new Set(all.map(([at]) => `#${at}`));
    expect([...references].filter((reference) => !places.has(reference))).toEqual([]);
    const idle = [...places].filter(
      (place) =>
        /^#\/components\/(?:schemas|responses)\/\w+$/.test(place) && !references.has(place),
    );
    expect(idle).toEqual([]);
  });

  it("no example has a secret in it", () => {
    const text = JSON.stringify(document);
    expect(text.match(/lk_(?:ses|api|act)_(?!EXAMPLE)\w{12}|eyJ[\w-]{10}/g)).toBeNull();
  });
});

describe("what a generator needs", () => {
  const all = [...objects(document)];
  const flawed = (isFlawed: (object: object) => boolean) =>
    all.filter(([, object]) => isFlawed(object)).map(([at]) => at);

  it("every operation says more than its summary", () => {
    const short = OPERATIONS.filter(({ operation }) => operation.description.length < 20);
    expect(short.map(({ routeKey }) => routeKey)).toEqual([]);
  });

  it("a client that sends one token in every scheme of an operation sends one credential", () => {
    const schemes = OPERATIONS.map(({ routeKey }) => {
      const [method = "", path = ""] = routeKey.split(" ");
      const paths = Object(document.paths)[templateOf(path)];
      const security: Record<string, unknown>[] = paths[method.toLowerCase()].security;
      return { routeKey, names: security.flatMap((each) => Object.keys(each)).join() };
    });
    const isOne = (names: string) => ["", "bearer", "client,bearer"].includes(names);
    expect(schemes.filter(({ names }) => !isOne(names))).toEqual([]);
  });

  it("answers are open for additions", () => {
    const inAnswers = /^\/paths\/.*\/responses\/|^\/components\/responses\//;
    const requests = new Set([
      "GenerateActionToken",
      "CreateApiToken",
      "ChangeApiToken",
      "VerifyApiToken",
      "RotateApiToken",
      "CreateSession",
      "FindAccount",
      "ChangeAccount",
      "ReplayEvents",
      "OptionalOtp",
    ]);
    const closed = flawed((object) => Reflect.get(object, "additionalProperties") === false);
    expect(
      closed.filter((at) => inAnswers.test(at) || !requests.has(at.split("/")[3] ?? "")),
    ).toEqual([]);
  });

  it("constants have a type, and enumerations no other limits", () => {
    expect(flawed((object) => "const" in object && !("type" in object))).toEqual([]);
    expect(flawed((object) => "enum" in object && "minLength" in object)).toEqual([]);
  });

  it("JSON comes first in every body", () => {
    const media = OPERATIONS.flatMap(({ operation: { body } }) => body?.media[0] ?? []);
    expect(new Set(media)).toEqual(new Set(["application/json"]));
  });
});

describe("code samples", () => {
  const samples = [
    ...Object.values<Record<string, WithSamples>>(JSON.parse(JSON.stringify(document.paths))),
    JSON.parse(JSON.stringify(document["x-quick-start"])),
  ].flatMap((each) => Object.values<WithSamples>(each));
  const inLanguage = (label: string) =>
    samples.map((each) => each["x-codeSamples"].find((one) => one.label === label)?.source ?? "");

  it.each([
    ["curl", "bash", ["-n"], "sh", (all: string[]) => all],
    // Each declares `response`.
    ["JavaScript", "node", ["--check"], "mjs", (all: string[]) => all.map((each) => `{${each}}`)],
    ["Python", "python3", ["-m", "py_compile"], "py", (all: string[]) => all],
  ] as const)("of every operation are valid in %s", (label, command, args, ending, apart) => {
    const all = inLanguage(label);
    expect(all.length).toBe(OPERATIONS.length + 3);
    expect(all.filter((each) => !each.includes("https://latchkey.example/"))).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), "latchkey-samples-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, `samples.${ending}`);
    writeFileSync(file, apart(all).join("\n"));
    for (const tool of present([command], "--version")) execFileSync(tool, [...args, file]);
  });
});
