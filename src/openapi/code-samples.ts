import type { Json } from "../core/token.ts";
import type { Example } from "./examples.ts";

/** In place of the address of a deployment, which its docs pages put in. */
export const SAMPLE_ORIGIN = "https://latchkey.example";

type Sent = Pick<Example, "operation" | "request" | "answer">;

/** The request as one would write it, by language, as OpenAPI's `x-codeSamples`. */
export const codeSamples = (sent: Sent) => [
  { lang: "Shell", label: "curl", source: curl(sent) },
  { lang: "JavaScript", label: "JavaScript", source: javaScript(sent) },
  { lang: "Python", label: "Python", source: python(sent) },
];

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

const methodOf = ({ operation }: Sent) => operation.split(" ")[0] ?? "";

/** What the answer has: JSON, other text, or no body. */
function answerOf({ answer }: Sent): "json" | "text" | "none" {
  const type = answer.headers["content-type"];
  if (type === undefined) return "none";
  return type.includes("json") ? "json" : "text";
}

const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

function curl(sent: Sent): string {
  const { path, headers, mediaType, body } = sent.request;
  const method = methodOf(sent);
  const parts = [
    `curl ${method === "GET" ? "" : `-X ${method} `}"${SAMPLE_ORIGIN}${path}"`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
  ];
  if (mediaType === JSON_TYPE) parts.push(`--json ${quoted(JSON.stringify(body))}`);
  if (mediaType === FORM_TYPE && typeof body === "object") {
    for (const [name, value] of Object.entries(body ?? {})) {
      parts.push(`--data-urlencode ${quoted(`${name}=${String(value)}`)}`);
    }
  }
  return parts.join(" \\\n  ");
}

function javaScript(sent: Sent): string {
  const { path, headers, mediaType, body } = sent.request;
  const method = methodOf(sent);
  const all = { ...headers, ...(mediaType === JSON_TYPE && { "content-type": JSON_TYPE }) };
  const value = literal(body, JAVASCRIPT, "  ");
  const options = [
    method !== "GET" && `method: "${method}"`,
    Object.keys(all).length > 0 && `headers: ${literal(all, JAVASCRIPT, "  ")}`,
    mediaType === JSON_TYPE && `body: JSON.stringify(${value})`,
    mediaType === FORM_TYPE && `body: new URLSearchParams(${value})`,
  ].filter((each) => each !== false);
  const more =
    options.length === 0 ? "" : `, {\n${options.map((each) => `  ${each},\n`).join("")}}`;
  const read = { json: ", await response.json()", text: ", await response.text()", none: "" };
  return `const response = await fetch("${SAMPLE_ORIGIN}${path}"${more});
console.log(response.status${read[answerOf(sent)]});`;
}

function python(sent: Sent): string {
  const { path, headers, mediaType, body } = sent.request;
  const value = literal(body, PYTHON, "    ");
  const options = [
    Object.keys(headers).length > 0 && `headers=${literal(headers, PYTHON, "    ")}`,
    mediaType === JSON_TYPE && `json=${value}`,
    mediaType === FORM_TYPE && `data=${value}`,
  ].filter((each) => each !== false);
  const more = options.map((each) => `    ${each},\n`).join("");
  const url = `"${SAMPLE_ORIGIN}${path}"`;
  const read = { json: ", response.json()", text: ", response.text", none: "" };
  return `import requests

response = requests.${methodOf(sent).toLowerCase()}(${more === "" ? url : `\n    ${url},\n${more}`})
print(response.status_code${read[answerOf(sent)]})`;
}

interface Language {
  key(name: string): string;
  readonly words: Readonly<Record<"true" | "false" | "null", string>>;
  /** Inside the braces of an object on one line. */
  readonly pad: string;
}

const JAVASCRIPT: Language = {
  key: (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)),
  words: { true: "true", false: "false", null: "null" },
  pad: " ",
};

const PYTHON: Language = {
  key: (name) => JSON.stringify(name),
  words: { true: "True", false: "False", null: "None" },
  pad: "",
};

const LINE = 72;

/** A value in the language, on one line if it fits. Its strings are those of JSON. */
function literal(value: Json, language: Language, indent: string): string {
  if (value === null || typeof value === "boolean") return language.words[`${value}`];
  if (typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const deeper = indent + (language === PYTHON ? "    " : "  ");
  const items = Object.entries(value).map(
    ([name, each]) =>
      `${isList ? "" : `${language.key(name)}: `}${literal(each, language, deeper)}`,
  );
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  const pad = isList ? "" : language.pad;
  const line = `${open}${pad}${items.join(", ")}${pad}${close}`;
  if (line.length <= LINE && !line.includes("\n")) return line;
  return `${open}\n${items.map((each) => `${deeper}${each},\n`).join("")}${indent}${close}`;
}

const ACCOUNT = { email: "you@example.com", password: "correct horse battery" };
const ANSWER = { headers: { "content-type": JSON_TYPE }, body: null };

const step = (operationId: string, operation: string, request: Partial<Example["request"]>) => ({
  operationId,
  "x-codeSamples": codeSamples({
    operation,
    request: {
      path: operation.replace(/^\w+ /, ""),
      headers: {},
      mediaType: JSON_TYPE,
      body: null,
      ...request,
    },
    answer: ANSWER,
  }),
});

/** From nothing to a first call, in the order in which one does it. */
export const QUICK_START = [
  step("signUp", "POST /rest/user", { body: ACCOUNT }),
  step("obtainJwtPair", "POST /api/token/", { body: ACCOUNT }),
  step("readUser", "GET /rest/user", {
    mediaType: null,
    headers: { authorization: "Bearer ACCESS_TOKEN" },
  }),
];
