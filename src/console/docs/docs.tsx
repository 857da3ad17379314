import type { Child } from "hono/jsx";
import { refuseRequest } from "../../http/request-fault.ts";
import type { Route } from "../../http/surface.ts";
import { assetPath } from "../assets.ts";
import type { PageRoutes, PageContext } from "../page-routes.tsx";
import type { Page } from "../page.tsx";
import type { Documented, Reader } from "./document.ts";
import { OperationPage } from "./operation.tsx";
import { Description } from "./schema.tsx";

/** `/docs`: the API document as pages, one per operation. */
export function docsPages({ openPage }: PageRoutes, reader: () => Reader): readonly Route[] {
  const docsPage = (title: string, here: string | null, body: Child): Page => ({
    title,
    head: <link rel="stylesheet" href={assetPath("docs.css")} />,
    body: (
      <div class="docs">
        <Sidebar here={here} api={reader()} />
        <div class="doc">{body}</div>
      </div>
    ),
  });

  return [
    openPage("/docs", async (context) =>
      docsPage("API documents", null, <Start context={context} api={reader()} />),
    ),
    openPage("/docs/:operation", async ({ request }) => {
      const operation = reader().find(request.param("operation") ?? "");
      if (operation === undefined) return refuseRequest({ code: "path_not_found" });
      const { origin } = new URL(request.url);
      const body = <OperationPage operation={operation} origin={origin} api={reader()} />;
      return docsPage(operation.summary, operation.operationId, body);
    }),
  ];
}

/** More would not fit a window, and the current one might be out of view. */
const GROUP_MAX = 20;

/** A long group by the first two parts of its paths. */
function inView({ name, operations }: Reader["groups"][number]) {
  if (operations.length <= GROUP_MAX) return [{ name, operations }];
  const parts = Map.groupBy(operations, ({ path }) => path.split("/").slice(0, 3).join("/"));
  return [...parts].map(([start, some]) => ({ name: `${name} ${start}`, operations: some }));
}

/**
 * All operations by contract. The group of the current one is open and comes first, so that it is in view
 * without a script; in narrow windows the whole list is closed.
 */
function Sidebar({ here, api }: { readonly here: string | null; readonly api: Reader }) {
  const isHere = (each: Documented) => each.operationId === here;
  const groups = api.groups.flatMap(inView);
  const [open, closed] = [true, false].map((isOpen) =>
    groups.filter(({ operations }) => operations.some(isHere) === isOpen),
  );
  return (
    <nav class="contents" aria-label="Operations">
      <details class="whole">
        <summary>Contents</summary>
        <a href="/docs" {...(here === null && { "aria-current": "page" })}>
          Overview
        </a>
        {[...(open ?? []), ...(closed ?? [])].map(({ name, operations }) => (
          <details open={operations.some(isHere)}>
            <summary>{name}</summary>
            <ul>
              {operations.map((each) => (
                <li>
                  <a
                    href={`/docs/${each.operationId}`}
                    {...(isHere(each) && { "aria-current": "page" })}
                  >
                    <span class={`method ${each.method.toLowerCase()}`}>{each.method}</span>{" "}
                    {each.path}
                  </a>
                </li>
              ))}
            </ul>
          </details>
        ))}
      </details>
    </nav>
  );
}

function Start({ context, api }: { readonly context: PageContext; readonly api: Reader }) {
  const { info, groups, securitySchemes } = api;
  const { origin } = new URL(context.request.url);
  return (
    <>
      <h1>API documents</h1>
      <p>
        <Description text={info.description} />
      </p>
      <p>
        For programs: <a href="/openapi.json">{`${origin}/openapi.json`}</a>, OpenAPI 3.1, version{" "}
        {info.version}. Every example was really sent and answered; what would be a secret in it is
        replaced.
      </p>
      <h2 id="credentials">Credentials</h2>
      <ul class="members">
        {Object.values(securitySchemes).map(({ type, scheme, name, description }) => (
          <li>
            <code class="name">
              {type === "http" ? `Authorization: ${scheme === "basic" ? "Basic" : "Bearer"}` : name}
            </code>
            <p>
              <Description text={description} />
            </p>
          </li>
        ))}
      </ul>
      {groups.map((group) => (
        <section>
          <h2>{group.name}</h2>
          <p>
            <Description text={group.description} />
          </p>
          <ul class="operations">
            {group.operations.map(({ operationId, method, path, summary }) => (
              <li>
                <a href={`/docs/${operationId}`}>{summary}</a>
                <span>
                  <span class={`method ${method.toLowerCase()}`}>{method}</span> <code>{path}</code>
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
