import { raw } from "hono/html";
import { frame, docs as words } from "../words.ts";
import type { CodeSample } from "./document.ts";

/** The languages of the samples, with the class of each; the first one is shown until another is chosen. */
const LANGUAGES = [
  ["curl", "in-curl"],
  ["JavaScript", "in-javascript"],
  ["Python", "in-python"],
] as const;

/** In samples, in place of the address of the deployment. */
const SAMPLE_ORIGIN = "https://latchkey.example";

/** Chooses the language of all samples on the page, by CSS alone. */
export function Languages() {
  return (
    <fieldset class="languages">
      <legend class="unseen">{words.language}</legend>
      {LANGUAGES.map(([language, id], index) => (
        <label>
          <input type="radio" name="language" id={id} value={language} checked={index === 0} />
          {language}
        </label>
      ))}
    </fieldset>
  );
}

interface SamplesProps {
  /** What is done, for screen readers. */
  readonly of: string;
  readonly samples: readonly CodeSample[];
  readonly origin: string;
}

/** One request in each language. */
export function Samples({ of, samples, origin }: SamplesProps) {
  return (
    <>
      {samples.map(({ label, source }) => (
        <Code of={of} caption={label} language={label}>
          {source.replaceAll(SAMPLE_ORIGIN, origin)}
        </Code>
      ))}
    </>
  );
}

interface CodeProps {
  readonly of: string;
  readonly caption: string;
  readonly language?: string;
  readonly children: string;
}

/** Scrolls on its own, so it must be focusable by keyboard and have a name. The script gives it its button. */
export function Code({ of, caption, language, children }: CodeProps) {
  return (
    <figure class={`sample ${LANGUAGES.find(([name]) => name === language)?.[1] ?? ""}`.trim()}>
      <figcaption>{caption}</figcaption>
      <section tabindex={0} aria-label={`${of}: ${caption}`}>
        <pre>
          <code>{raw(escaped(children))}</code>
        </pre>
      </section>
    </figure>
  );
}

/** Quotes mean nothing between tags, and JSON has many. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** What the script copies into each sample. */
export const CopyButton = () => (
  <template id="copy-button">
    <button
      type="button"
      class="quiet small"
      aria-label={words.copy}
      data-copy=""
      data-copied={frame.copied}
      data-selected={frame.selected}
    >
      {frame.copy}
    </button>
  </template>
);
