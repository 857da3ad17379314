import { docs as words } from "../words.ts";
import type { Reader } from "./document.ts";
import { exampleText, Headers, Statuses } from "./operation.tsx";
import { Code } from "./sample.tsx";
import { SchemaView } from "./schema.tsx";

/** The errors of every API, said once, and those that each has of its own, with the shapes of their bodies. */
export function ErrorsPage({ api }: { readonly api: Reader }) {
  const { common, contracts } = api.errors();
  const headers = Object.assign({}, ...common.map(([, each]) => each.headers));
  return (
    <>
      <h1>{words.errors}</h1>
      <p>{words.errorsLead}</p>
      <section id="every">
        <h2>{words.everyApi}</h2>
        <Statuses responses={common} />
        <Headers headers={headers} />
      </section>
      {contracts.map(({ id, name, own, shapes }) => (
        <section id={id}>
          <h2>{name}</h2>
          <Statuses responses={own} />
          <details class="answer">
            <summary>{words.bodies}</summary>
            <div>
              {shapes[0] !== undefined && <SchemaView schema={shapes[0].schema} api={api} />}
              {shapes.map(({ statuses, example }) => (
                <Code of={name} caption={words.bodyOf(statuses)}>
                  {exampleText(example)}
                </Code>
              ))}
            </div>
          </details>
        </section>
      ))}
    </>
  );
}
