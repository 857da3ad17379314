import type { Child } from "hono/jsx";
import { queryValue } from "../../http/query.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route } from "../../http/surface.ts";
import { assetPath } from "../assets.ts";
import { isolated } from "../../core/text.ts";
import { Sentence } from "../components.tsx";
import type { PageRoutes } from "../page-routes.tsx";
import type { Page } from "../page.tsx";
import { docs as words } from "../words.ts";
import type { Brand } from "../brand.ts";
import type { Documented, Group, Reader } from "./document.ts";
import { ErrorsPage } from "./errors.tsx";
import { llmsText, operationText } from "./markdown.ts";
import { OperationPage, sectionsOf } from "./operation.tsx";
import { CopyButton, Languages, Samples } from "./sample.tsx";
import { Description } from "./schema.tsx";

interface DocsDeps {
  readonly reader: () => Reader;
  readonly brand: Brand;
  readonly signUpIsOpen: boolean;
}

/** Longer queries are cut. */
const MAX_QUERY = 100;
/** Of the operations that a search finds. */
const MAX_FOUND = 40;

/** `/docs`: the API document as pages, one per chapter, group and operation. */
export function docsPages(
  { openPage }: PageRoutes,
  { reader, brand, signUpIsOpen }: DocsDeps,
): readonly Route[] {
  const docsPage = (
    page: Pick<Page, "title" | "description">,
    contents: Omit<ContentsProps, "api">,
    body: Child,
  ): Page => ({
    ...page,
    head: (
      <>
        <link rel="stylesheet" href={assetPath("docs.css")} />
        <script src={assetPath("docs.js")} defer />
      </>
    ),
    body: (
      <div class="docs">
        <Contents {...contents} api={reader()} />
        <div class="doc">{body}</div>
      </div>
    ),
  });

  return [
    {
      method: "GET",
      path: "/llms.txt",
      access: "open",
      handle: async ({ request }) => llmsText(reader(), new URL(request.url).origin, brand.name),
    },
    openPage("/docs", async ({ request }) => {
      const api = reader();
      const query = (queryValue(request, "q") ?? "").trim().slice(0, MAX_QUERY);
      if (query !== "") {
        const found = api.search(query);
        return docsPage(
          { title: words.found(found.length), description: words.lead },
          { here: null, query, sections: [] },
          <Found query={query} found={found} />,
        );
      }
      return docsPage(
        { title: words.title, description: words.lead },
        {
          here: "",
          sections: [
            ["quick-start", words.quickStart],
            ["operations", words.operations],
          ],
        },
        <Start origin={new URL(request.url).origin} api={api} signUpIsOpen={signUpIsOpen} />,
      );
    }),
    openPage("/docs/:operation", async ({ request }) => {
      const api = reader();
      const [id = "", more] = (request.param("operation") ?? "").split(/(?=\.md$)/);
      const { origin } = new URL(request.url);
      const operation = api.find(id);
      if (operation !== undefined) {
        if (more !== undefined) return operationText(operation, api, origin);
        return docsPage(
          { title: operation.summary, description: operation.description ?? words.lead },
          { here: id, sections: sectionsOf(operation) },
          <OperationPage operation={operation} origin={origin} api={api} />,
        );
      }
      if (more !== undefined) return refuseRequest({ code: "path_not_found" });
      if (id === "basics") {
        return docsPage(
          { title: words.basics, description: words.basicsLead },
          { here: id, sections: [["credentials", words.credentials]] },
          <Basics api={api} />,
        );
      }
      if (id === "errors") {
        const sections = api.errors().contracts.map(({ id, name }) => [id, name] as const);
        return docsPage(
          { title: words.errors, description: words.errorsLead },
          { here: id, sections: [["every", words.everyApi], ...sections] },
          <ErrorsPage api={api} />,
        );
      }
      const group = api.groups.find((each) => each.id === id);
      if (group === undefined) return refuseRequest({ code: "path_not_found" });
      return docsPage(
        { title: group.name, description: group.description ?? words.lead },
        { here: id, sections: [] },
        <>
          <h1>{group.name}</h1>
          <GroupDescription group={group} />
          <Operations operations={group.operations} />
        </>,
      );
    }),
  ];
}

type Section = readonly [id: string, name: string];

/** What is not an operation, by the last part of its address. */
const CHAPTERS = [
  ["", words.overview],
  ["basics", words.basics],
  ["errors", words.errors],
] as const;

interface ContentsProps {
  /** The last part of the address of a chapter, group or operation. */
  readonly here: string | null;
  /** Of the page itself. */
  readonly sections: readonly Section[];
  readonly query?: string;
  readonly api: Reader;
}

/**
 * The search, the chapters, the operations beside the current one, and what else there is. What is current comes
 * first, so that it is in view without a script; in narrow windows all but the search is closed.
 */
function Contents({ here, sections, query, api }: ContentsProps) {
  const group = api.groups.find(
    ({ id, operations }) =>
      id === here || operations.some(({ operationId }) => operationId === here),
  );
  const entry = (id: string, text: Child) => (
    <li>
      <a
        href={id === "" ? "/docs" : `/docs/${id}`}
        {...(id === here && { "aria-current": "page" })}
      >
        {text}
      </a>
      {id === here && sections.length > 0 && (
        <ul class="sections">
          {sections.map(([id, name]) => (
            <li>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
  return (
    <div class="contents">
      <search>
        <form class="search" action="/docs">
          <input
            type="search"
            name="q"
            aria-label={words.search}
            placeholder={words.search}
            maxlength={MAX_QUERY}
            dir="auto"
            {...(query !== undefined && { value: query })}
          />
          <button class="quiet" type="submit">
            {words.searchButton}
          </button>
          <span class="unseen" role="status" />
        </form>
      </search>
      <nav aria-label={words.contents}>
        <details class="whole">
          <summary>{words.contents}</summary>
          <ul>{CHAPTERS.map(([id, name]) => entry(id, name))}</ul>
          {group !== undefined && (
            <>
              <p class="part">
                {group.id === here ? group.name : <a href={`/docs/${group.id}`}>{group.name}</a>}
              </p>
              <ul>
                {group.operations.map((each) =>
                  entry(
                    each.operationId,
                    <>
                      <Method of={each} /> {each.summary}
                    </>,
                  ),
                )}
              </ul>
            </>
          )}
          <p class="part">{group === undefined ? words.operations : words.more}</p>
          <ul>
            {api.groups.filter((each) => each !== group).map(({ id, name }) => entry(id, name))}
          </ul>
        </details>
      </nav>
    </div>
  );
}

export const Method = ({ of: { method } }: { readonly of: Pick<Documented, "method"> }) => (
  <b class={method.toLowerCase()}>{method}</b>
);

function Operations({ operations }: { readonly operations: readonly Documented[] }) {
  return (
    <ul class="operations">
      {operations.map((each) => (
        <li>
          <a href={`/docs/${each.operationId}`}>{each.summary}</a>
          <span>
            <Method of={each} /> <code>{each.path}</code>
          </span>
        </li>
      ))}
    </ul>
  );
}

const GroupDescription = ({ group: { description } }: { readonly group: Group }) =>
  description !== null && (
    <p>
      <Description text={description} />
    </p>
  );

interface FoundProps {
  readonly query: string;
  readonly found: readonly Documented[];
}

function Found({ query, found }: FoundProps) {
  return (
    <>
      <h1>{words.found(found.length)}</h1>
      <p class="hint">
        <Sentence text={words.foundFor(isolated(query))} /> <a href="/docs">{words.showAll}</a>
      </p>
      {found.length === 0 ? (
        <p>{words.noneFound}</p>
      ) : (
        <Operations operations={found.slice(0, MAX_FOUND)} />
      )}
      {found.length > MAX_FOUND && <p class="hint">{words.firstOnes(MAX_FOUND)}</p>}
    </>
  );
}

interface StartProps {
  readonly origin: string;
  readonly api: Reader;
  readonly signUpIsOpen: boolean;
}

function Start({ origin, api, signUpIsOpen }: StartProps) {
  const { info, groups, quickStart } = api;
  return (
    <>
      <h1>{words.title}</h1>
      <p>{words.lead}</p>
      <p>
        {words.baseUrl}: <code>{origin}</code>. {words.forPrograms}:{" "}
        <a href="/openapi.json">openapi.json</a> ({words.openApi(info.version)}).
      </p>
      <section id="quick-start">
        <h2>{words.quickStart}</h2>
        <Languages />
        <CopyButton />
        <ol class="steps">
          {quickStart.map(({ operationId, "x-codeSamples": samples }) => {
            const { title, text, closed } = words.steps[operationId] ?? NO_STEP;
            const isClosed = operationId === "signUp" && !signUpIsOpen;
            return (
              <li>
                <h3>{title}</h3>
                <p>
                  <Description text={isClosed ? (closed ?? text) : text} />{" "}
                  <a href={`/docs/${operationId}`}>
                    {words.details}
                    <span class="unseen">: {title}</span>
                  </a>
                </p>
                {!isClosed && <Samples of={title} samples={samples} origin={origin} />}
              </li>
            );
          })}
        </ol>
        <p>
          <Description text={words.afterwards} /> <a href="/console/tokens/new">{words.newToken}</a>
        </p>
        <p>
          {words.next} <a href="/docs/basics">{words.basics}</a> ·{" "}
          <a href="/docs/errors">{words.errors}</a>
        </p>
      </section>
      <section id="operations">
        <h2>{words.operations}</h2>
        <ul class="groups">
          {groups.map(({ id, name, operations }) => (
            <li>
              <a href={`/docs/${id}`}>{name}</a>
              <p>{operations.map(({ summary }) => summary).join(" · ")}</p>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

const NO_STEP = { title: "", text: "", closed: undefined };

function Basics({ api: { info, securitySchemes } }: Pick<StartProps, "api">) {
  return (
    <>
      <h1>{words.basics}</h1>
      {info.description.split("\n\n").map((paragraph) => (
        <p>
          <Description text={paragraph} />
        </p>
      ))}
      <section id="credentials">
        <h2>{words.credentials}</h2>
        <ul class="members">
          {Object.values(securitySchemes).map(({ type, scheme, name, description }) => (
            <li>
              <code>
                {type === "http"
                  ? `Authorization: ${scheme === "basic" ? "Basic" : "Bearer"}`
                  : name}
              </code>
              <p>
                <Description text={description} />
              </p>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
