import { readFileSync, writeFileSync } from "node:fs";
import { collectionOf } from "../openapi/collection.ts";
import { makeDocument } from "../openapi/document.ts";
import { readExamples } from "../openapi/examples.ts";

/** `npm run openapi`: writes the document that the Worker serves, from the schemas and the examples, and a collection. */
const at = (path: string) => new URL(`../../${path}`, import.meta.url);

const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
const examples = readExamples(readFileSync(at("src/openapi/examples.json"), "utf8"));
const document = makeDocument(version, examples);
const text = linePerRow(document);
writeFileSync(at("src/console/assets/openapi.json"), text);
writeFileSync(
  at("docs/reference/postman_collection.json"),
  JSON.stringify(collectionOf(document), null, 1),
);
console.log(`src/console/assets/openapi.json: ${text.length} bytes`);

/** A line a path and a component: few bytes, since the Worker carries them, and changes that can be read. */
function linePerRow(document: object, depth = 3): string {
  const text = (value: unknown, level: number): string => {
    if (level === 0 || typeof value !== "object" || value === null || Array.isArray(value)) {
      return JSON.stringify(value);
    }
    const rows = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}:${text(item, level - 1)}`,
    );
    return `{\n${rows.join(",\n")}\n}`;
  };
  return `${text(document, depth)}\n`;
}
