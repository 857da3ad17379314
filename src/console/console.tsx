import { readSessionCookie } from "../http/browser.ts";
import type { Route, Surface } from "../http/surface.ts";
import { accountPages, SECURITY } from "./account.tsx";
import { actionPage } from "./run-action-page.tsx";
import { actionTokenPages } from "./action-tokens.tsx";
import { activityPages } from "./activity.tsx";
import { assetRoutes } from "./assets.ts";
import { contactPages } from "./contacts.tsx";
import { emailLoginPages } from "./email-login.tsx";
import { docsPages } from "./docs/docs.tsx";
import { lookOf } from "./brand.ts";
import { authPages } from "./auth-pages.tsx";
import { operatorPages } from "./operators.tsx";
import { pageRoutes, textPage } from "./page-routes.tsx";
import { homePages } from "./home.tsx";
import { inspectorPages } from "./inspector.tsx";
import { issuerLoginPages } from "./issuer-login.tsx";
import { loginPages } from "./logins.tsx";
import { passkeyPages } from "./passkeys.tsx";
import { secondFactorPages } from "./second-factor.tsx";
import { secondStepPages } from "./second-step.tsx";
import { renderPage } from "./page.tsx";
import { headersOf } from "../http/refusals.ts";
import type { AnyFault } from "../http/request-fault.ts";
import type { ConsoleDeps } from "./deps.ts";
import { problemOf } from "./problems.ts";
import { PASSWORD, securityPages } from "./security.tsx";
import { tokenPages } from "./tokens.tsx";
import { problems as words } from "./words.ts";
import { yourDataPages } from "./your-data.tsx";

/** The console: HTML rendered by the server, complete without JavaScript. */
export function consolePages(deps: ConsoleDeps): Surface {
  const look = lookOf(deps.brand, deps.issuer);
  const shared = { ...deps, look, refused: deps.audit.refused };
  const pages = pageRoutes(shared);
  const gated = pageRoutes({
    ...shared,
    gate: ({ caller, nowMs }) => deps.admin.requireOperator(caller, nowMs),
  });
  return {
    name: "console",
    isForPeople: true,
    owns: (path) =>
      (deps.ownsRoot && path === "/") ||
      /^\/(?:console|a|docs|log-in)(?:\/|$)|^\/llms\.txt$/.test(path),
    routes: [
      ...assetRoutes,
      ...look.routes,
      changePassword(deps.passwords ? PASSWORD : SECURITY),
      ...homePages(pages, deps),
      ...authPages(pages, deps),
      ...issuerLoginPages(pages, deps),
      ...pages.confirmation,
      ...emailLoginPages(pages, deps),
      ...secondStepPages(pages, deps),
      ...accountPages(pages, deps),
      ...securityPages(pages, deps),
      ...secondFactorPages(pages, deps),
      ...passkeyPages(pages, deps),
      ...actionTokenPages(pages, deps),
      ...actionPage(pages, deps),
      ...contactPages(pages, deps.contacts),
      ...inspectorPages(pages, deps.diagnose),
      ...docsPages(pages, deps),
      ...tokenPages(pages, deps),
      ...loginPages(pages, deps),
      ...activityPages(pages, deps),
      ...yourDataPages(pages, deps),
      ...operatorPages(gated, deps),
    ],
    refuse(given, { request, requestId }) {
      // No one else learns that there are pages for operators.
      // guard: operators-pages-are-not-there
      const fault = isForOperators(given) ? NOT_THERE : given;
      const { status, message } = problemOf(fault);
      // An error page has no inputs, so field messages would make no sense here.
      const text = PAGE_TEXTS[fault.code]?.[request.method] ?? message;
      const title = titleOf(status);
      const more =
        status >= 500 ? (
          <p class="hint">{words.requestId(requestId)}</p>
        ) : (
          <a class="button" href="/console">
            {words.home}
          </a>
        );
      return renderPage(
        { ...textPage(title, text, more), status, headers: headersOf(fault) },
        {
          path: request.path,
          // No authentication on error pages; the cookie alone decides whether the menu is shown.
          isLoggedIn: readSessionCookie(request) !== null,
          user: null,
          look,
        },
      );
    },
  };
}

const NOT_THERE: AnyFault = { code: "path_not_found" };

const isForOperators = (fault: AnyFault) =>
  fault.code === "operator_required" && fault.lacks === "role";

/** For password managers: W3C "A Well-Known URL for Changing Passwords". */
const changePassword = (location: string): Route => ({
  method: "GET",
  path: "/.well-known/change-password",
  access: "open",
  handle: async () => ({ status: 302, body: null, headers: { location } }),
});

/** Messages for error pages that differ from those for forms, by fault and method. */
const PAGE_TEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fields_invalid: { GET: words.listPage, HEAD: words.listPage, POST: words.incomplete },
  // A GET changes nothing, so the outcome is not in doubt.
  unavailable: { GET: words.notLoaded },
};

const titleOf = (status: number): string =>
  new Map(Object.entries(words.titles)).get(String(status)) ?? words.titles.other;
