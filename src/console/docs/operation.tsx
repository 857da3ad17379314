import type { Content, Documented, Parameter, Reader, Response } from "./document.ts";
import { Member, SchemaView, Description } from "./schema.tsx";

const WHERE: Readonly<Record<string, string>> = {
  path: "In the path",
  query: "In the query",
  header: "In the headers",
};

interface Props {
  readonly operation: Documented;
  readonly origin: string;
  readonly api: Reader;
}

/** One operation: parameters, body, responses, and a recorded example. */
export function OperationPage({ operation, origin, api }: Props) {
  const { method, path, summary, description, parameters = [], requestBody } = operation;
  const responses = Object.entries(operation.responses).map(
    ([status, response]) => [status, api.response(response)] as const,
  );
  const successes = responses.filter(([status]) => status.startsWith("2"));
  const errors = responses.filter(([status]) => !status.startsWith("2"));
  const sample = operation["x-codeSamples"]?.[0]?.source;
  return (
    <>
      <a class="back" href="/docs">
        All operations
      </a>
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
      {sample !== undefined && (
        <section>
          <h2>Example</h2>
          <Code of="Request" caption="As it was sent">
            {sample.replaceAll('"$LATCHKEY', `"${origin}`)}
          </Code>
        </section>
      )}
      {parameters.length > 0 && <Parameters parameters={parameters} api={api} />}
      {requestBody !== undefined && (
        <section>
          <h2>Body</h2>
          <p class="kind">
            {Object.keys(requestBody.content).join(", ")}
            {requestBody.required ? "" : "; may be left out"}
          </p>
          <Body of="Body" content={requestBody.content} api={api} />
        </section>
      )}
      <section>
        <h2>Answers</h2>
        {successes.map(([status, response]) => (
          <ResponseView status={status} response={response} isOpen api={api} />
        ))}
        {errors.map(([status, response]) => (
          <ResponseView status={status} response={response} isOpen={false} api={api} />
        ))}
      </section>
    </>
  );
}

function Security({ operation: { security } }: { readonly operation: Documented }) {
  if (security.length === 0) return <p class="hint">Nobody is asked who they are.</p>;
  const mayBeNobody = security.some((each) => Object.keys(each).length === 0);
  return (
    <p class="hint">
      {mayBeNobody ? "May be sent with " : "Needs "}
      <a href="/docs#credentials">a credential</a>.
    </p>
  );
}

interface ParametersProps extends Pick<Props, "api"> {
  readonly parameters: readonly Parameter[];
}

function Parameters({ parameters, api }: ParametersProps) {
  const places = Object.keys(WHERE).filter((place) => parameters.some((p) => p.in === place));
  return (
    <section>
      <h2>Parameters</h2>
      {places.map((place) => (
        <>
          <h3>{WHERE[place]}</h3>
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
  const examples = Object.values(content).flatMap((each) => Object.entries(each.examples ?? {}));
  return (
    <>
      {first !== undefined && <SchemaView schema={first.schema} api={api} />}
      {examples.map(([name, { value }]) => (
        <Code of={of} caption={name}>
          {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
        </Code>
      ))}
    </>
  );
}

interface ResponseProps extends Pick<Props, "api"> {
  readonly status: string;
  readonly response: Response;
  readonly isOpen: boolean;
}

function ResponseView({
  status,
  response: { description, headers, content },
  isOpen,
  api,
}: ResponseProps) {
  return (
    <details class="answer" open={isOpen}>
      <summary>
        <span class={`badge ${isOpen ? "good" : "waiting"}`}>{status}</span>
        <span>{description}</span>
      </summary>
      <div>
        {headers !== undefined && (
          <ul class="members">
            {Object.entries(headers).map(([name, header]) => (
              <li>
                <code class="name">{name}</code> <span class="kind">header</span>
                <p>
                  <Description text={header.description} />
                </p>
              </li>
            ))}
          </ul>
        )}
        {content === undefined ? (
          <p class="kind">No body.</p>
        ) : (
          <Body of={`Answer ${status}`} content={content} api={api} />
        )}
      </div>
    </details>
  );
}

interface CodeProps {
  readonly of: string;
  readonly caption: string;
  readonly children: string;
}

/** Scrolls on its own, so it must be focusable by keyboard and have a name. */
function Code({ of, caption, children }: CodeProps) {
  return (
    <figure class="sample">
      <figcaption>{caption}</figcaption>
      <section tabindex={0} aria-label={`${of}: ${caption}`}>
        <pre>
          <code>{children}</code>
        </pre>
      </section>
    </figure>
  );
}
