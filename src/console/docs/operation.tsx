import { docs as words } from "../words.ts";
import type { Content, Documented, Parameter, Reader, Response } from "./document.ts";
import { Code, Languages, Samples } from "./sample.tsx";
import { Description, Member, SchemaView } from "./schema.tsx";

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
        <span class={`method ${method.toLowerCase()}`}>{method}</span> <code>{path}</code>
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
          <Body of={words.body} content={requestBody.content} api={api} />
        </section>
      )}
      <section id="responses">
        <h2>{words.responses}</h2>
        {responses.filter(isSuccess).map(([status, response]) => (
          <Success status={status} response={response} api={api} />
        ))}
      </section>
      <Errors responses={responses.filter((each) => !isSuccess(each))} api={api} />
    </>
  );
}

function Security({ operation: { security } }: { readonly operation: Documented }) {
  if (security.length === 0) return <p class="hint">{words.isOpen}</p>;
  const isOptional = security.some((each) => Object.keys(each).length === 0);
  return (
    <p class="hint">
      {isOptional ? words.mayAuthenticate : words.mustAuthenticate}{" "}
      <a href="/docs#credentials">{words.credentials}</a>
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

interface BodyProps extends Pick<Props, "api"> {
  readonly of: string;
  readonly content: Content;
}

/** All media types of a body share one schema; only some have examples. */
function Body({ of, content, api }: BodyProps) {
  const [first] = Object.values(content);
  return (
    <>
      {first !== undefined && <SchemaView schema={first.schema} api={api} />}
      <Examples of={of} content={content} />
    </>
  );
}

interface ExamplesProps {
  readonly of: string;
  readonly content: Content;
  readonly max?: number;
}

function Examples({ of, content, max }: ExamplesProps) {
  const examples = Object.values(content).flatMap((each) => Object.entries(each.examples ?? {}));
  return (
    <>
      {examples.slice(0, max).map(([name, { value }]) => (
        <Code of={of} caption={name}>
          {shortened(typeof value === "string" ? value : JSON.stringify(value, null, 2))}
        </Code>
      ))}
    </>
  );
}

/** In characters. /openapi.json and the page in Markdown have the whole. */
const EXAMPLE_MAX = 1_500;

const shortened = (text: string): string =>
  text.length <= EXAMPLE_MAX ? text : `${text.slice(0, text.lastIndexOf("\n", EXAMPLE_MAX))}\n…`;

function Headers({ headers }: { readonly headers: NonNullable<Response["headers"]> }) {
  return (
    <ul class="members">
      {Object.entries(headers).map(([name, header]) => (
        <li>
          <code class="name">{name}</code> <span class="kind">{words.header}</span>
          <p>
            <Description text={header.description} />
          </p>
        </li>
      ))}
    </ul>
  );
}

interface SuccessProps extends Pick<Props, "api"> {
  readonly status: string;
  readonly response: Response;
}

function Success({ status, response, api }: SuccessProps) {
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
        <Body of={words.response(status)} content={content} api={api} />
      )}
    </div>
  );
}

interface ErrorsProps extends Pick<Props, "api"> {
  readonly responses: readonly (readonly [status: string, response: Response])[];
}

/** A line each, and each shape of their bodies once, with the examples of this route or else one. */
function Errors({ responses, api }: ErrorsProps) {
  const errors = responses.map(([status, given]) => ({
    status,
    isOwn: given.$ref === undefined,
    ...api.response(given),
  }));
  const schemaOf = ({ content = {} }: (typeof errors)[number]) => Object.values(content)[0]?.schema;
  const shapes = Map.groupBy(errors, (each) => JSON.stringify(schemaOf(each)));
  return (
    <section id="errors">
      <h2>{words.errors}</h2>
      <ul class="members statuses">
        {errors.map(({ status, description }) => (
          <li>
            <span class="badge waiting">{status}</span>
            <span>
              <Description text={description} />
            </span>
          </li>
        ))}
      </ul>
      {[...shapes.values()].map((some) => {
        const [schema] = some.map(schemaOf);
        const own = some.filter(({ isOwn }) => isOwn);
        const headers = Object.assign({}, ...some.map((each) => each.headers));
        return (
          <details class="answer">
            <summary>{words.bodyOf(some.map(({ status }) => status))}</summary>
            <div>
              {Object.keys(headers).length > 0 && <Headers headers={headers} />}
              {schema !== undefined && <SchemaView schema={schema} api={api} />}
              {(own.length > 0 ? own : some.slice(0, 1)).map(({ status, content = {}, isOwn }) => (
                <Examples of={words.response(status)} content={content} max={isOwn ? 9 : 1} />
              ))}
            </div>
          </details>
        );
      })}
    </section>
  );
}
