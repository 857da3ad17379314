import type { Child } from "hono/jsx";
import { queryValue } from "../../http/query.ts";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route } from "../../http/surface.ts";
import { assetPath } from "../assets.ts";
import { Sentence, isolated } from "../components.tsx";
import type { PageRoutes } from "../page-routes.tsx";
import type { Page } from "../page.tsx";
import { docs as words } from "../words.ts";
import type { Brand } from "../brand.ts";
import type { Documented, Reader } from "./document.ts";
import { llmsText, operationText } from "./markdown.ts";
import { OperationPage, sectionsOf } from "./operation.tsx";
import { Languages, Samples } from "./sample.tsx";
import { Description } from "./schema.tsx";

interface DocsDeps {
  readonly reader: () => Reader;
  readonly brand: Brand;
  readonly signUpIsOpen: boolean;
}

/** Longer queries are cut. */
const MAX_QUERY = 100;

/** `/docs`: the API document as pages, one per operation. */
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
      const sections = [
        ["quick-start", words.quickStart],
        ["basics", words.basics],
        ["credentials", words.credentials],
        ...api.groups.map(({ id, name }) => [id, name] as const),
      ] as const;
      return docsPage(
        { title: words.title, description: words.lead },
        { here: null, sections },
        <Start origin={new URL(request.url).origin} api={api} signUpIsOpen={signUpIsOpen} />,
      );
    }),
    openPage("/docs/:operation", async ({ request }) => {
      const api = reader();
      const [id = "", more] = (request.param("operation") ?? "").split(/(?=\.md$)/);
      const operation = api.find(id);
      if (operation === undefined) return refuseRequest({ code: "path_not_found" });
      const { origin } = new URL(request.url);
      if (more !== undefined) return operationText(operation, api, origin);
      return docsPage(
        { title: operation.summary, description: operation.description ?? words.lead },
        { here: operation, sections: sectionsOf(operation) },
        <OperationPage operation={operation} origin={origin} api={api} />,
      );
    }),
  ];
}

type Section = readonly [id: string, name: string];

interface ContentsProps {
  readonly here: Documented | null;
  /** Of the page itself. */
  readonly sections: readonly Section[];
  readonly query?: string;
  readonly api: Reader;
}

/**
 * The search, the operations beside the current one, and what else there is. What is current comes first,
 * so that it is in view without a script; in narrow windows all but the search is closed.
 */
function Contents({ here, sections, query, api }: ContentsProps) {
  const group = api.groups.find(({ operations }) => here !== null && operations.includes(here));
  const own = (
    <ul class="sections">
      {sections.map(([id, name]) => (
        <li>
          <a href={`#${id}`}>{name}</a>
        </li>
      ))}
    </ul>
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
          <a href="/docs" {...(here === null && query === undefined && { "aria-current": "page" })}>
            {words.overview}
          </a>
          {group === undefined && sections.length > 0 && own}
          {group !== undefined && (
            <>
              <p class="part">{group.name}</p>
              <ul>
                {group.operations.map((each) => (
                  <li>
                    <a
                      href={`/docs/${each.operationId}`}
                      {...(each === here && { "aria-current": "page" })}
                    >
                      <Method of={each} /> {each.summary}
                    </a>
                    {each === here && own}
                  </li>
                ))}
              </ul>
            </>
          )}
          {(group !== undefined || query !== undefined) && (
            <>
              <p class="part">{words.more}</p>
              <ul>
                {api.groups
                  .filter((each) => each !== group)
                  .map(({ id, name }) => (
                    <li>
                      <a href={`/docs#${id}`}>{name}</a>
                    </li>
                  ))}
              </ul>
            </>
          )}
        </details>
      </nav>
    </div>
  );
}

const Method = ({ of: { method } }: { readonly of: Pick<Documented, "method"> }) => (
  <span class={`method ${method.toLowerCase()}`}>{method}</span>
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
      {found.length === 0 ? <p>{words.noneFound}</p> : <Operations operations={found} />}
    </>
  );
}

interface StartProps {
  readonly origin: string;
  readonly api: Reader;
  readonly signUpIsOpen: boolean;
}

function Start({ origin, api, signUpIsOpen }: StartProps) {
  const { info, groups, quickStart, securitySchemes } = api;
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
      </section>
      <section id="basics">
        <h2>{words.basics}</h2>
        {info.description.split("\n\n").map((paragraph) => (
          <p>
            <Description text={paragraph} />
          </p>
        ))}
      </section>
      <section id="credentials">
        <h2>{words.credentials}</h2>
        <ul class="members">
          {Object.values(securitySchemes).map(({ type, scheme, name, description }) => (
            <li>
              <code class="name">
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
      {groups.map(({ id, name, description, operations }) => (
        <section id={id}>
          <h2>{name}</h2>
          {description !== null && (
            <p>
              <Description text={description} />
            </p>
          )}
          <Operations operations={operations} />
        </section>
      ))}
    </>
  );
}

const NO_STEP = { title: "", text: "", closed: undefined };
