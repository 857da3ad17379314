import { docs as words } from "../words.ts";
import type { Content, Documented, Parameter, Reader, Response } from "./document.ts";
import { Code, CopyButton, Languages, Samples } from "./sample.tsx";
import { Description, Member, memberCount, SchemaView } from "./schema.tsx";

const PLACES = ["path", "query", "header"] as const;

interface Props {
  readonly operation: Documented;
  readonly origin: string;
  readonly api: Reader;
}

/** What its page consists of, as anchors. */
export const sectionsOf = ({ parameters, requestBody }: Documented) => [
  ["example", words.example] as const,
  ...(parameters === undefined ? [] : [["parameters", words.parameters] as const]),
  ...(requestBody === undefined ? [] : [["body", words.body] as const]),
  ["responses", words.responses] as const,
  ["errors", words.errors] as const,
];

/** One operation: a recorded example, parameters, body, responses and errors. */
export function OperationPage({ operation, origin, api }: Props) {
  const { method, path, summary, description, parameters, requestBody } = operation;
  const responses = Object.entries(operation.responses);
  const isSuccess = ([status]: (typeof responses)[number]) => status.startsWith("2");
  return (
    <>
      <h1>{summary}</h1>
      <p class="door">
        <b class={method.toLowerCase()}>{method}</b> <code>{path}</code>
      </p>
      {description !== undefined && (
        <p>
          <Description text={description} />
        </p>
      )}
      <Security operation={operation} />
      <section id="example">
        <h2>{words.example}</h2>
        <Languages />
        <CopyButton />
        <Samples of={words.request} samples={operation["x-codeSamples"] ?? []} origin={origin} />
      </section>
      {parameters !== undefined && <Parameters parameters={parameters} api={api} />}
      {requestBody !== undefined && (
        <section id="body">
          <h2>{words.body}</h2>
          <p class="kind">
            {Object.keys(requestBody.content).join(", ")}
            {!requestBody.required && words.optional}
          </p>
          <Body of={words.body} content={requestBody.content} operation={operation} api={api} />
        </section>
      )}
      <section id="responses">
        <h2>{words.responses}</h2>
        {responses.filter(isSuccess).map(([status, response]) => (
          <Success status={status} response={response} operation={operation} api={api} />
        ))}
      </section>
      <Errors
        responses={responses.filter((each) => !isSuccess(each))}
        operation={operation}
        api={api}
      />
    </>
  );
}

function Security({ operation: { security } }: { readonly operation: Documented }) {
  if (security.length === 0) return <p class="hint">{words.isOpen}</p>;
  const isOptional = security.some((each) => Object.keys(each).length === 0);
  return (
    <p class="hint">
      {isOptional ? words.mayAuthenticate : words.mustAuthenticate}{" "}
      <a href="/docs/basics#credentials">{words.credentials}</a>
    </p>
  );
}

interface ParametersProps extends Pick<Props, "api"> {
  readonly parameters: readonly Parameter[];
}

function Parameters({ parameters, api }: ParametersProps) {
  const places = PLACES.filter((place) => parameters.some((each) => each.in === place));
  return (
    <section id="parameters">
      <h2>{words.parameters}</h2>
      {places.map((place) => (
        <>
          <h3>{words.places[place]}</h3>
          <ul class="members">
            {parameters
              .filter((each) => each.in === place)
              .map(({ name, schema, description, required = false }) => (
                <Member
                  api={api}
                  name={name}
                  schema={{ ...schema, description }}
                  isRequired={required}
                />
              ))}
          </ul>
        </>
      ))}
    </section>
  );
}

interface BodyProps extends Pick<Props, "api" | "operation"> {
  readonly of: string;
  readonly content: Content;
}

/** More would make a page that nobody reads, as that of an export. The page in Markdown has all. */
const MAX_MEMBERS = 60;

/** All media types of a body share one schema; only some have examples. */
function Body({ of, content, operation, api }: BodyProps) {
  const [first] = Object.values(content);
  const isFolded = first !== undefined && memberCount(first.schema, api) > MAX_MEMBERS;
  return (
    <>
      {first !== undefined && <SchemaView schema={first.schema} api={api} isFolded={isFolded} />}
      {isFolded && (
        <p>
          <a href={`/docs/${operation.operationId}.md`}>{words.wholeSchema}</a>
        </p>
      )}
      <Examples of={of} content={content} />
    </>
  );
}

interface ExamplesProps {
  readonly of: string;
  readonly content: Content;
}

/** In characters, of one example and of all. /openapi.json and the page in Markdown have the whole. */
const EXAMPLE_MAX = 1_000;

export const exampleText = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.length <= EXAMPLE_MAX
    ? text
    : `${text.slice(0, text.lastIndexOf("\n", EXAMPLE_MAX))}\n…`;
};

/** The first, and others as long as all are short. */
function Examples({ of, content }: ExamplesProps) {
  const examples = Object.values(content)
    .flatMap((each) => Object.entries(each.examples ?? {}))
    .map(([name, { value }]) => [name, exampleText(value)] as const);
  const lengthTo = (end: number) =>
    examples.slice(0, end + 1).reduce((sum, [, text]) => sum + text.length, 0);
  return (
    <>
      {examples
        .filter((_, index) => index === 0 || lengthTo(index) <= EXAMPLE_MAX)
        .map(([name, text]) => (
          <Code of={of} caption={name}>
            {text}
          </Code>
        ))}
    </>
  );
}

export function Headers({ headers }: { readonly headers: NonNullable<Response["headers"]> }) {
  return (
    <ul class="members">
      {Object.entries(headers).map(([name, header]) => (
        <li>
          <code>{name}</code> <i>{words.header}</i>
          <p>
            <Description text={header.description} />
          </p>
        </li>
      ))}
    </ul>
  );
}

interface SuccessProps extends Pick<Props, "api" | "operation"> {
  readonly status: string;
  readonly response: Response;
}

function Success({ status, response, operation, api }: SuccessProps) {
  const { description, headers, content } = response;
  return (
    <div class="answer">
      <h3>
        <span class="badge good">{status}</span> {description}
      </h3>
      {headers !== undefined && <Headers headers={headers} />}
      {content === undefined ? (
        <p class="kind">{words.noBody}</p>
      ) : (
        <Body of={words.response(status)} content={content} operation={operation} api={api} />
      )}
    </div>
  );
}

interface StatusesProps {
  readonly responses: readonly (readonly [status: string, response: Response])[];
}

export const Statuses = ({ responses }: StatusesProps) => (
  <ul class="members statuses">
    {responses.map(([status, { description }]) => (
      <li>
        <b>{status}</b>
        <span>
          <Description text={description} />
        </span>
      </li>
    ))}
  </ul>
);

/** A line each, and the bodies that no other operation answers with. */
function Errors({ responses, operation, api }: StatusesProps & Pick<Props, "api" | "operation">) {
  const own = responses.filter(([, { $ref, content }]) => $ref === undefined && content);
  return (
    <section id="errors">
      <h2>{words.errors}</h2>
      <Statuses responses={responses.map(([status, each]) => [status, api.response(each)])} />
      {own.map(([status, { content = {} }]) => (
        <details class="answer">
          <summary>{words.bodyOf([status])}</summary>
          <div>
            <Body of={words.response(status)} content={content} operation={operation} api={api} />
          </div>
        </details>
      ))}
      <p>
        <a href={`/docs/errors#${api.idOf(operation.tags[0])}`}>{words.errorShape}</a>
      </p>
    </section>
  );
}
