import type { Child } from "hono/jsx";
import type * as v from "valibot";
import type { Caller } from "../core/caller.ts";
import type { Fault } from "../core/fault.ts";
import type { HttpResult, RequestContext, Route } from "../http/surface.ts";
import { readForm } from "../http/body.ts";
import {
  NO_MESSAGE_COOKIE,
  NO_SESSION_COOKIE,
  readSessionCookie,
  sessionCookie,
  isFromAnotherSite,
  isSameOrigin,
} from "../http/browser.ts";
import { decode } from "../http/fields.ts";
import { currentRecord } from "../http/request-record.ts";
import { limitHeaders, auditRefusal } from "../http/refusals.ts";
import { faultOf, type RequestFault } from "../http/request-fault.ts";
import { type Message, flashCookie, readFlash } from "./messages.tsx";
import { PAGE_HEADERS, type Page, renderPage } from "./page.tsx";
import { type FieldProblem, type Problem, problemOf, retryAfter } from "./problems.ts";
import { SESSION_COOKIE_SECONDS, type PageDeps, authenticatePage } from "./authenticate-page.ts";

/** A request for a page, and who sent it. */
export interface PageContext extends RequestContext {
  readonly caller: Caller | null;
}

/** Of somebody who is logged in. */
export interface AuthedPageContext extends RequestContext {
  readonly caller: Caller;
}

/** What was sent with a form, by the names of its inputs; several values of one name are a list. */
export type FormValues = Readonly<Record<string, unknown>>;

/** A form as it is shown: empty, or again with what was wrong with it. */
export interface FormState {
  readonly values: FormValues;
  readonly problem: Problem | null;
}

export const EMPTY_FORM: FormState = { values: {}, problem: null };

const problemsOf = ({ problem }: FormState): readonly FieldProblem[] =>
  problem === null ? [] : [problem, ...(problem.others ?? [])];

/** What stood in the input, and what was wrong with it, for `Field`. */
export function fieldState(state: FormState, name: string) {
  const value = state.values[name];
  return {
    name,
    value: typeof value === "string" ? value : undefined,
    problem: problemsOf(state).find(({ field }) => field === name)?.message,
  };
}

/** What speaks of no input that the page shows. */
export function formError(state: FormState, names: readonly string[]): string | undefined {
  const others = problemsOf(state).filter(({ field }) => !names.includes(field));
  return others.length === 0
    ? undefined
    : [...new Set(others.map(({ message }) => message))].join(" ");
}

interface PageForm<V, S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The input for the password of who is logged in: a wrong one is that input's. */
  readonly passwordField?: string;
  show(context: V, state: FormState): Page | HttpResult | Promise<Page | HttpResult>;
  submit(context: V, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
}

/** An act without a page of its own: a button on another page. */
interface FormAction<S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The page that it is on, where that is not the path above its own. */
  readonly page?: string;
  submit(context: AuthedPageContext, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
}

/** After a form was sent, so that a reload does not send it again (RFC 9110 section 15.4.4). */
export const seeOther = (
  location: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResult => ({
  status: 303,
  body: null,
  headers: { ...headers, location },
});

/** The same, and what that page then says. @param name of what it was done to */
export const seeOtherWithMessage = (
  location: string,
  message: Message,
  name?: string,
  headers?: Readonly<Record<string, string>>,
): HttpResult => ({ ...seeOther(location, headers), cookies: [flashCookie(message, name)] });

/** Only pages of ours, none of which has a longer address: what stands in one must not lead elsewhere. */
export function safeNextPath(next: unknown): string {
  // guard: log-in-leads-to-own-pages
  return typeof next === "string" && /^\/(?:console|a|docs)(?:\/[\w./?=&%-]{0,500})?$/.test(next)
    ? next
    : "/console";
}

export const setSession = (secret: string) => ({
  "set-cookie": sessionCookie(secret, SESSION_COOKIE_SECONDS),
});

export const clearSession = { "set-cookie": NO_SESSION_COOKIE };

/** How much of what was sent a form shows again, in bytes of HTML. */
const MAX_ECHOED_BYTES = 8_000;

const encoder = new TextEncoder();

function isEchoed(values: FormValues): boolean {
  // What is no text, such as a file, is not shown again.
  const text = Object.values(values)
    .filter((value) => typeof value === "string")
    .join();
  // At once where it is long: to escape 64 KiB costs more than the rest of the request.
  if (text.length > MAX_ECHOED_BYTES) return false;
  return encoder.encode(text.replace(/[&<>"']/g, "&quot;")).length <= MAX_ECHOED_BYTES;
}

export type PageRoutes = ReturnType<typeof pageRoutes>;

/**
 * What every page shares: the visitor by her cookie, the same-origin rule for what changes
 * something, forms that come back with what is wrong with them.
 */
export function pageRoutes(deps: PageDeps) {
  const { refused } = deps;
  const { currentUser, extendSession } = authenticatePage(deps);

  /** To the login, and from there to the page: what was sent with a form is lost, which is said. */
  const redirectToLogin = ({ request }: RequestContext, page: string): HttpResult => {
    const query = page === "/console" ? "" : `?next=${encodeURIComponent(page)}`;
    const isStale = readSessionCookie(request) !== null;
    const hadSession = isStale || request.method === "POST";
    return {
      ...seeOther(`/console/login${query}`, isStale ? clearSession : {}),
      ...(hadSession && { cookies: [flashCookie("session_expired")] }),
    };
  };

  function render(result: Page | HttpResult, context: PageContext): HttpResult {
    if (!("title" in result)) return result;
    const messagePage = readFlash(context.request);
    const answer = renderPage(
      result,
      context.request.path,
      context.caller !== null,
      messagePage?.text,
    );
    return messagePage === null ? answer : { ...answer, cookies: [NO_MESSAGE_COOKIE] };
  }

  /**
   * A link on another site led here, so that the cookie was held back: the page opens itself once
   * more, and that request is its own.
   */
  const reopenedPage = (): HttpResult => ({
    status: 200,
    body: null,
    text: '<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey</title><meta http-equiv="refresh" content="0"><p>One moment.</p></html>',
    headers: PAGE_HEADERS,
  });

  function getRoute(
    path: string,
    show: (context: PageContext) => Promise<Page | HttpResult>,
    extendsSession = true,
  ): Route {
    return {
      method: "GET",
      path,
      access: "open",
      async handle(exchange) {
        if (isFromAnotherSite(exchange.request)) return reopenedPage();
        const user = await currentUser(exchange);
        const caller = user !== null && extendsSession ? await extendSession(exchange, user) : user;
        const context = { ...exchange, caller };
        return render(await show(context), context);
      },
    };
  }

  /** What a form sends changes something: only pages of this origin may send it. */
  function postRoute(
    path: string,
    submit: (context: PageContext, values: FormValues) => Promise<Page | HttpResult>,
  ): Route {
    return {
      method: "POST",
      path,
      access: "open",
      async handle(exchange) {
        // guard: pages-take-only-own-forms
        if (!isSameOrigin(exchange.request)) {
          return renderPage(CROSS_SITE_PAGE, exchange.request.path, false);
        }
        const values = await readForm(exchange.request);
        const context = { ...exchange, caller: await currentUser(exchange) };
        return render(await submit(context, values), context);
      },
    };
  }

  /** What a form does when it is sent: or the form again, with what is wrong. What is no fault of the form's is thrown on. */
  const submitForm =
    <V, S extends v.GenericSchema>({
      schema,
      passwordField,
      show,
      submit,
    }: Omit<PageForm<V, S>, "path">) =>
    async (context: V, values: FormValues): Promise<Page | HttpResult> => {
      try {
        return await submit(context, decode(schema, values));
      } catch (error) {
        const fault = faultOf(error);
        if (fault.code === "internal" || fault.code === "unavailable") throw error;
        auditRefusal(passwordField === undefined ? fault : asOwnMistake(fault), refused);
        const record = currentRecord();
        if (record !== null) record.outcome = fault.code;
        const problem = problemOf(fault, passwordField);
        const page = await show(context, { values: isEchoed(values) ? values : {}, problem });
        if (!("title" in page)) return page;
        return {
          ...page,
          status: problem.status,
          headers: { ...retryAfter(problem), ...limitHeaders(fault) },
        };
      }
    };

  const authed =
    <T extends readonly unknown[]>(
      then: (context: AuthedPageContext, ...rest: T) => Promise<Page | HttpResult>,
      pageOf: (path: string) => string = (path) => path,
    ) =>
    async (context: PageContext, ...rest: T): Promise<Page | HttpResult> => {
      const { caller, request } = context;
      if (caller !== null) return then({ ...context, caller }, ...rest);
      return redirectToLogin(context, pageOf(new URL(request.url).pathname));
    };

  /** Its button is on the page whose path is above its own. */
  const parentPath = (path: string) => path.slice(0, path.lastIndexOf("/"));

  return {
    /** A page for anybody. */
    openPage: (path: string, show: (context: PageContext) => Promise<Page | HttpResult>): Route =>
      getRoute(path, show),

    /** A page that says what was done, and to who comes to it otherwise something else. */
    messagePage: (
      path: string,
      message: Message,
      page: Page,
      otherwise: Page | HttpResult,
    ): Route =>
      getRoute(path, async ({ request }) =>
        readFlash(request)?.message === message ? page : otherwise,
      ),

    /** A page for who is logged in; anybody else is led to the login and back. */
    page: (path: string, show: (context: AuthedPageContext) => Promise<Page | HttpResult>): Route =>
      getRoute(path, authed(show)),

    /**
     * A part of a page that its script asks for again and again: a tab that was left open does not
     * keep its session alive.
     */
    fragment: (path: string, show: (context: AuthedPageContext) => Promise<HttpResult>): Route =>
      getRoute(path, authed(show), false),

    /** A form for anybody: the page, and what sending it does. */
    openForm: <const S extends v.GenericSchema>(form: PageForm<PageContext, S>): Route[] => [
      getRoute(form.path, async (context) => form.show(context, EMPTY_FORM)),
      postRoute(form.path, submitForm(form)),
    ],

    form: <const S extends v.GenericSchema>(form: PageForm<AuthedPageContext, S>): Route[] => [
      getRoute(
        form.path,
        authed(async (context) => form.show(context, EMPTY_FORM)),
      ),
      postRoute(form.path, authed(submitForm(form))),
    ],

    /** A form on another form's page: that one comes back where something is wrong. */
    formOn: <const S extends v.GenericSchema>(form: PageForm<AuthedPageContext, S>): Route =>
      postRoute(form.path, authed(submitForm(form), parentPath)),

    /** A button: what it does, and where it leads. What goes wrong is a page of its own. */
    action: <const S extends v.GenericSchema>({
      path,
      page,
      schema,
      submit,
    }: FormAction<S>): Route =>
      postRoute(
        path,
        authed(
          async (context, values: FormValues) => submit(context, decode(schema, values)),
          (at) => page ?? parentPath(at),
        ),
      ),
  };
}

/** It is the one who is logged in who has mistyped the password: nobody tried to get in. */
function asOwnMistake(fault: Fault | RequestFault): Fault | RequestFault {
  if (fault.code !== "credentials_wrong" || !fault.attempted?.userId) return fault;
  return { ...fault, attempted: { ...fault.attempted, actorId: fault.attempted.userId } };
}

export const messageCard = (title: string, text: string, more?: Child): Child => (
  <section class="card narrow">
    <h1>{title}</h1>
    <p>{text}</p>
    {more}
  </section>
);

const CROSS_SITE_PAGE: Page = {
  title: "Not sent from here",
  status: 403,
  body: messageCard(
    "Not sent from here",
    "This form was sent from a page of another site, so nothing was done. Open the console and try again.",
    <a class="button" href="/console">
      To the console
    </a>,
  ),
};
