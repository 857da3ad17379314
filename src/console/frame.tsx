import type { Child } from "hono/jsx";
import type * as v from "valibot";
import type { Caller } from "../core/caller.ts";
import type { Fault } from "../core/fault.ts";
import type { HttpResult } from "../http/answer.ts";
import { readForm } from "../http/body.ts";
import {
  NO_MESSAGE_COOKIE,
  NO_SESSION_COOKIE,
  readSessionCookie,
  sessionCookie,
} from "../http/cookies.ts";
import { decode } from "../http/fields.ts";
import { currentRecord } from "../http/client-info.ts";
import { faultOf, limitHeaders, auditRefusal } from "../http/refused.ts";
import type { RequestFault } from "../http/request-fault.ts";
import { isFromAnotherSite, isSameOrigin } from "../http/same-origin.ts";
import type { Exchange, Route } from "../http/surface.ts";
import { type Message, messageOf, readMessage } from "./messages.tsx";
import { PAGE_HEADERS, type Page, pageAnswer } from "./page.tsx";
import { type FieldProblem, type Problem, problemOf, retryAfter } from "./problems.ts";
import { SESSION_COOKIE_SECONDS, type VisitorDeps, visitors } from "./visitor.ts";

/** A request for a page, and who sent it. */
export interface Visit extends Exchange {
  readonly caller: Caller | null;
}

/** Of somebody who is logged in. */
export interface OwnVisit extends Exchange {
  readonly caller: Caller;
}

/** What was sent with a form, by the names of its inputs; several values of one name are a list. */
export type Sent = Readonly<Record<string, unknown>>;

/** A form as it is shown: empty, or again with what was wrong with it. */
export interface Filled {
  readonly sent: Sent;
  readonly problem: Problem | null;
}

export const EMPTY: Filled = { sent: {}, problem: null };

const problemsOf = ({ problem }: Filled): readonly FieldProblem[] =>
  problem === null ? [] : [problem, ...(problem.others ?? [])];

/** What stood in the input, and what was wrong with it, for `Field`. */
export function filledIn(filled: Filled, name: string) {
  const value = filled.sent[name];
  return {
    name,
    value: typeof value === "string" ? value : undefined,
    problem: problemsOf(filled).find(({ field }) => field === name)?.message,
  };
}

/** What speaks of no input that the page shows. */
export function wholeProblem(filled: Filled, names: readonly string[]): string | undefined {
  const others = problemsOf(filled).filter(({ field }) => !names.includes(field));
  return others.length === 0
    ? undefined
    : [...new Set(others.map(({ message }) => message))].join(" ");
}

interface FormOf<V, S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The input for the password of who is logged in: a wrong one is that input's. */
  readonly passwordField?: string;
  show(visit: V, filled: Filled): Page | HttpResult | Promise<Page | HttpResult>;
  submit(visit: V, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
}

/** An act without a page of its own: a button on another page. */
interface ActOf<S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The page that it is on, where that is not the path above its own. */
  readonly page?: string;
  submit(visit: OwnVisit, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
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
export const seeDone = (
  location: string,
  message: Message,
  name?: string,
  headers?: Readonly<Record<string, string>>,
): HttpResult => ({ ...seeOther(location, headers), cookies: [messageOf(message, name)] });

/** Only pages of ours, none of which has a longer address: what stands in one must not lead elsewhere. */
export function ownPath(next: unknown): string {
  // guard: log-in-leads-to-own-pages
  return typeof next === "string" && /^\/(?:console|a|docs)(?:\/[\w./?=&%-]{0,500})?$/.test(next)
    ? next
    : "/console";
}

export const withSession = (secret: string) => ({
  "set-cookie": sessionCookie(secret, SESSION_COOKIE_SECONDS),
});

export const withoutSession = { "set-cookie": NO_SESSION_COOKIE };

/** How much of what was sent a form shows again, in bytes of HTML. */
const MAX_SHOWN_AGAIN = 8_000;

const encoder = new TextEncoder();

function isShort(sent: Sent): boolean {
  // What is no text, such as a file, is not shown again.
  const text = Object.values(sent)
    .filter((value) => typeof value === "string")
    .join();
  // At once where it is long: to escape 64 KiB costs more than the rest of the request.
  if (text.length > MAX_SHOWN_AGAIN) return false;
  return encoder.encode(text.replace(/[&<>"']/g, "&quot;")).length <= MAX_SHOWN_AGAIN;
}

export type Frame = ReturnType<typeof frame>;

/**
 * What every page shares: the visitor by her cookie, the same-origin rule for what changes
 * something, forms that come back with what is wrong with them.
 */
export function frame(deps: VisitorDeps) {
  const { refused } = deps;
  const { visitorOf, extended } = visitors(deps);

  /** To the login, and from there to the page: what was sent with a form is lost, which is said. */
  const toLogin = ({ request }: Exchange, page: string): HttpResult => {
    const query = page === "/console" ? "" : `?next=${encodeURIComponent(page)}`;
    const isStale = readSessionCookie(request) !== null;
    const hadSession = isStale || request.method === "POST";
    return {
      ...seeOther(`/console/login${query}`, isStale ? withoutSession : {}),
      ...(hadSession && { cookies: [messageOf("session_expired")] }),
    };
  };

  function rendered(shown: Page | HttpResult, visit: Visit): HttpResult {
    if (!("title" in shown)) return shown;
    const told = readMessage(visit.request);
    const answer = pageAnswer(shown, visit.request.path, visit.caller !== null, told?.text);
    return told === null ? answer : { ...answer, cookies: [NO_MESSAGE_COOKIE] };
  }

  /**
   * A link on another site led here, so that the cookie was held back: the page opens itself once
   * more, and that request is its own.
   */
  const again = (): HttpResult => ({
    status: 200,
    body: null,
    text: '<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey</title><meta http-equiv="refresh" content="0"><p>One moment.</p></html>',
    headers: PAGE_HEADERS,
  });

  function opening(
    path: string,
    show: (visit: Visit) => Promise<Page | HttpResult>,
    extendsSession = true,
  ): Route {
    return {
      method: "GET",
      path,
      access: "open",
      async handle(exchange) {
        if (isFromAnotherSite(exchange.request)) return again();
        const visitor = await visitorOf(exchange);
        const caller =
          visitor !== null && extendsSession ? await extended(exchange, visitor) : visitor;
        const visit = { ...exchange, caller };
        return rendered(await show(visit), visit);
      },
    };
  }

  /** What a form sends changes something: only pages of this origin may send it. */
  function sending(
    path: string,
    take: (visit: Visit, sent: Sent) => Promise<Page | HttpResult>,
  ): Route {
    return {
      method: "POST",
      path,
      access: "open",
      async handle(exchange) {
        // guard: pages-take-only-own-forms
        if (!isSameOrigin(exchange.request)) {
          return pageAnswer(FROM_ELSEWHERE, exchange.request.path, false);
        }
        const sent = await readForm(exchange.request);
        const visit = { ...exchange, caller: await visitorOf(exchange) };
        return rendered(await take(visit, sent), visit);
      },
    };
  }

  /** What a form does when it is sent: or the form again, with what is wrong. What is no fault of the form's is thrown on. */
  const submitting =
    <V, S extends v.GenericSchema>({
      schema,
      passwordField,
      show,
      submit,
    }: Omit<FormOf<V, S>, "path">) =>
    async (visit: V, sent: Sent): Promise<Page | HttpResult> => {
      try {
        return await submit(visit, decode(schema, sent));
      } catch (error) {
        const fault = faultOf(error);
        if (fault.code === "internal" || fault.code === "unavailable") throw error;
        auditRefusal(passwordField === undefined ? fault : byOwner(fault), refused);
        const record = currentRecord();
        if (record !== null) record.outcome = fault.code;
        const problem = problemOf(fault, passwordField);
        const page = await show(visit, { sent: isShort(sent) ? sent : {}, problem });
        if (!("title" in page)) return page;
        return {
          ...page,
          status: problem.status,
          headers: { ...retryAfter(problem), ...limitHeaders(fault) },
        };
      }
    };

  const own =
    <T extends readonly unknown[]>(
      then: (visit: OwnVisit, ...rest: T) => Promise<Page | HttpResult>,
      pageOf: (path: string) => string = (path) => path,
    ) =>
    async (visit: Visit, ...rest: T): Promise<Page | HttpResult> => {
      const { caller, request } = visit;
      if (caller !== null) return then({ ...visit, caller }, ...rest);
      return toLogin(visit, pageOf(new URL(request.url).pathname));
    };

  /** Its button is on the page whose path is above its own. */
  const above = (path: string) => path.slice(0, path.lastIndexOf("/"));

  return {
    /** A page for anybody. */
    openPage: (path: string, show: (visit: Visit) => Promise<Page | HttpResult>): Route =>
      opening(path, show),

    /** A page that says what was done, and to who comes to it otherwise something else. */
    told: (path: string, message: Message, page: Page, otherwise: Page | HttpResult): Route =>
      opening(path, async ({ request }) =>
        readMessage(request)?.message === message ? page : otherwise,
      ),

    /** A page for who is logged in; anybody else is led to the login and back. */
    page: (path: string, show: (visit: OwnVisit) => Promise<Page | HttpResult>): Route =>
      opening(path, own(show)),

    /**
     * A part of a page that its script asks for again and again: a tab that was left open does not
     * keep its session alive.
     */
    part: (path: string, show: (visit: OwnVisit) => Promise<HttpResult>): Route =>
      opening(path, own(show), false),

    /** A form for anybody: the page, and what sending it does. */
    openForm: <const S extends v.GenericSchema>(form: FormOf<Visit, S>): Route[] => [
      opening(form.path, async (visit) => form.show(visit, EMPTY)),
      sending(form.path, submitting(form)),
    ],

    form: <const S extends v.GenericSchema>(form: FormOf<OwnVisit, S>): Route[] => [
      opening(
        form.path,
        own(async (visit) => form.show(visit, EMPTY)),
      ),
      sending(form.path, own(submitting(form))),
    ],

    /** A form on another form's page: that one comes back where something is wrong. */
    formOn: <const S extends v.GenericSchema>(form: FormOf<OwnVisit, S>): Route =>
      sending(form.path, own(submitting(form), above)),

    /** A button: what it does, and where it leads. What goes wrong is a page of its own. */
    act: <const S extends v.GenericSchema>({ path, page, schema, submit }: ActOf<S>): Route =>
      sending(
        path,
        own(
          async (visit, sent: Sent) => submit(visit, decode(schema, sent)),
          (at) => page ?? above(at),
        ),
      ),
  };
}

/** It is the one who is logged in who has mistyped the password: nobody tried to get in. */
function byOwner(fault: Fault | RequestFault): Fault | RequestFault {
  if (fault.code !== "credentials_wrong" || !fault.attempted?.userId) return fault;
  return { ...fault, attempted: { ...fault.attempted, actorId: fault.attempted.userId } };
}

export const message = (title: string, text: string, more?: Child): Child => (
  <section class="card narrow">
    <h1>{title}</h1>
    <p>{text}</p>
    {more}
  </section>
);

const FROM_ELSEWHERE: Page = {
  title: "Not sent from here",
  status: 403,
  body: message(
    "Not sent from here",
    "This form was sent from a page of another site, so nothing was done. Open the console and try again.",
    <a class="button" href="/console">
      To the console
    </a>,
  ),
};
