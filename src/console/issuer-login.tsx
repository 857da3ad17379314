import * as v from "valibot";
import { isFresh } from "../core/caller.ts";
import { issuerCookie, NO_ISSUER_COOKIE, readIssuerCookie } from "../http/browser.ts";
import { queryValue } from "../http/query.ts";
import { auditRefusal } from "../http/refusals.ts";
import { faultOf } from "../http/request-fault.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import type { ConsoleDeps } from "./deps.ts";
import { SECURITY } from "./account.tsx";
import { PostForm } from "./components.tsx";
import { PAGE_HEADERS, type Page } from "./page.tsx";
import {
  cardPage,
  CONFIRM,
  type PageContext,
  type PageRoutes,
  pathWithNext,
  safeNextPath,
  seeOther,
  seeOtherWithMessage,
  textPage,
} from "./page-routes.tsx";
import { problemOf } from "./problems.ts";
import { afterFirstFactor } from "./second-step.tsx";
import { auth } from "./words.ts";

const words = auth.issuer;

const Start = v.object({
  next: v.optional(v.unknown()),
  /** To link it to the account that is logged in. */
  link: v.optional(v.literal("on")),
});

/** Where an issuer sends browsers back to: its own log-in alone. */
export const issuerPath = (name: string) => `/log-in/${name}`;

/** Log in with an OpenID issuer by redirect. */
export function issuerLoginPages(
  { openForm, openPage }: PageRoutes,
  { issuerLogin, secondFactor, sessions, freshLogins, audit }: ConsoleDeps,
): readonly Route[] {
  async function back(
    name: string,
    { request, caller, nowMs }: PageContext,
  ): Promise<Page | HttpResult> {
    const answer = new URL(request.url).searchParams;
    try {
      const result = await issuerLogin.finish(
        name,
        readIssuerCookie(request),
        answer,
        caller,
        nowMs,
      );
      if (result.outcome === "linked") {
        const done = seeOtherWithMessage(SECURITY, "identity_linked");
        return { ...done, cookies: [...(done.cookies ?? []), NO_ISSUER_COOKIE] };
      }
      if (result.outcome !== "done") return failed(words[result.outcome], 400);
      const { user, identity, next } = result;
      const done = await afterFirstFactor(
        { secondFactor, sessions },
        user,
        "identity",
        next,
        nowMs,
        identity.authTimeMs,
      );
      return { ...done, cookies: [...(done.cookies ?? []), NO_ISSUER_COOKIE] };
    } catch (error) {
      const fault = faultOf(error);
      if (fault.code === "internal" || fault.code === "unavailable") throw error;
      auditRefusal(fault, audit.refused);
      const { message, status } = problemOf(fault);
      return failed(fault.code === "credentials_wrong" ? words.noAccount : message, status);
    }
  }

  return issuerLogin.issuers.flatMap(({ name, label }) => [
    ...openForm({
      path: issuerPath(name),
      schema: Start,
      show: (context, { problem }) =>
        cardPage(
          auth.logIn.byIssuer(label),
          <PostForm
            action={issuerPath(name)}
            error={problem?.message}
            button={auth.logIn.byIssuer(label)}
          >
            <input
              type="hidden"
              name="next"
              value={safeNextPath(queryValue(context.request, "next"))}
            />
          </PostForm>,
        ),
      async submit({ caller, nowMs }, { next, link }) {
        if (link !== undefined && caller === null)
          return seeOther(`/console/login?next=${SECURITY}`);
        let owner = link === undefined ? null : caller;
        if (owner !== null && !isFresh(owner, nowMs)) {
          owner = await freshLogins.current(owner, nowMs);
          if (!isFresh(owner, nowMs)) return seeOther(pathWithNext(CONFIRM, SECURITY));
        }
        const { url, state } = await issuerLogin.start(name, safeNextPath(next), owner, nowMs);
        return { ...sentTo(url), cookies: [issuerCookie(state)] };
      },
    }),
    openPage(`${issuerPath(name)}/callback`, (context) => back(name, context)),
  ]);
}

const failed = (text: string, status: number): Page => ({
  ...textPage(words.failedTitle, text, <a href="/console/login">{words.toLogIn}</a>),
  status,
  headers: { "set-cookie": NO_ISSUER_COOKIE },
});

/** By a page that reloads: `form-action 'self'` lets no form lead to another origin, not even by a redirect. */
const sentTo = (url: string): HttpResult => {
  const escaped = url.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return {
    status: 200,
    body: null,
    text: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${words.moment}</title><meta http-equiv="refresh" content="0;url=${escaped}"><p><a href="${escaped}">${words.onward}</a></p></html>`,
    headers: PAGE_HEADERS,
  };
};

/** Buttons below the form of the log-in or sign-up page. */
export function IssuerButtons({
  issuers,
  next,
}: {
  readonly issuers: ConsoleDeps["issuerLogin"]["issuers"];
  readonly next: string;
}) {
  return (
    <>
      {issuers.map(({ name, label }) => (
        <PostForm action={issuerPath(name)} button={auth.logIn.byIssuer(label)} look="quiet">
          <input type="hidden" name="next" value={next} />
        </PostForm>
      ))}
    </>
  );
}
