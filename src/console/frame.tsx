import type { Child } from "hono/jsx";
import type * as v from "valibot";
import type { Caller } from "../core/authenticate.ts";
import type { Answer } from "../http/answer.ts";
import { readForm } from "../http/body.ts";
import { NO_SESSION_COOKIE, readSessionCookie, sessionCookie } from "../http/cookies.ts";
import { decode } from "../http/fields.ts";
import { presentRecord } from "../http/origin.ts";
import { faultOf, noteRefused } from "../http/refused.ts";
import { isFromAnotherSite, isSameOrigin } from "../http/same-origin.ts";
import type { Exchange, Route } from "../http/surface.ts";
import { PAGE_HEADERS, type Page, pageAnswer } from "./page.tsx";
import { type Problem, problemOf, retryAfter } from "./problems.ts";
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

/** What stood in the input, and what was wrong with it, for `Field`. */
export function filledIn({ sent, problem }: Filled, name: string) {
  const value = sent[name];
  return {
    name,
    value: typeof value === "string" ? value : undefined,
    problem: problem?.field === name ? problem.message : undefined,
  };
}

/** What speaks of no input that the page shows. */
export function wholeProblem({ problem }: Filled, names: readonly string[]): string | undefined {
  return problem !== null && !names.includes(problem.field) ? problem.message : undefined;
}

interface FormOf<V, S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  show(visit: V, filled: Filled): Page | Answer | Promise<Page | Answer>;
  submit(visit: V, fields: v.InferOutput<S>): Promise<Page | Answer>;
}

/** An act without a page of its own: a button on another page. */
interface ActOf<S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  submit(visit: OwnVisit, fields: v.InferOutput<S>): Promise<Page | Answer>;
}

/** After a form was sent, so that a reload does not send it again (RFC 9110 section 15.4.4). */
export const seeOther = (
  location: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  status: 303,
  body: null,
  headers: { ...headers, location },
});

/** Only pages of ours: what stands in an address must not lead elsewhere. */
export function ownPath(next: unknown): string {
  return typeof next === "string" && /^\/(?:console|a|docs)(?:\/[\w./?=&%-]*)?$/.test(next)
    ? next
    : "/console";
}

export const withSession = (secret: string) => ({
  "set-cookie": sessionCookie(secret, SESSION_COOKIE_SECONDS),
});

export const withoutSession = { "set-cookie": NO_SESSION_COOKIE };

export type Frame = ReturnType<typeof frame>;

/**
 * What every page shares: the visitor by her cookie, the same-origin rule for what changes
 * something, forms that come back with what is wrong with them.
 */
export function frame(deps: VisitorDeps) {
  const { refused } = deps;
  const { visitorOf, extended } = visitors(deps);

  const toLogin = ({ request }: Exchange): Answer => {
    const { pathname } = new URL(request.url);
    const next = request.method === "GET" ? pathname : "/console";
    const query = next === "/console" ? "" : `?next=${encodeURIComponent(next)}`;
    const stale = readSessionCookie(request) === null ? {} : withoutSession;
    return seeOther(`/console/login${query}`, stale);
  };

  function rendered(shown: Page | Answer, visit: Visit): Answer {
    if (!("title" in shown)) return shown;
    return pageAnswer(shown, visit.request.path, visit.caller !== null);
  }

  /**
   * A link on another site led here, so that the cookie was held back: the page opens itself once
   * more, and that request is its own.
   */
  const again = (): Answer => ({
    status: 200,
    body: null,
    text: '<!doctype html><html lang="en"><meta charset="utf-8"><title>Latchkey</title><meta http-equiv="refresh" content="0"><p>One moment.</p></html>',
    headers: PAGE_HEADERS,
  });

  function opening(
    path: string,
    show: (visit: Visit) => Promise<Page | Answer>,
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
    take: (visit: Visit, sent: Sent) => Promise<Page | Answer>,
  ): Route {
    return {
      method: "POST",
      path,
      access: "open",
      async handle(exchange) {
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
    <V, S extends v.GenericSchema>({ schema, show, submit }: FormOf<V, S>) =>
    async (visit: V, sent: Sent): Promise<Page | Answer> => {
      try {
        return await submit(visit, decode(schema, sent));
      } catch (error) {
        const fault = faultOf(error);
        if (fault.code === "internal" || fault.code === "unavailable") throw error;
        noteRefused(fault, refused);
        const record = presentRecord();
        if (record !== null) record.outcome = fault.code;
        const problem = problemOf(fault);
        const page = await show(visit, { sent, problem });
        if (!("title" in page)) return page;
        return { ...page, status: problem.status, headers: retryAfter(problem) };
      }
    };

  const own =
    <T extends readonly unknown[]>(then: (visit: OwnVisit, ...rest: T) => Promise<Page | Answer>) =>
    async (visit: Visit, ...rest: T): Promise<Page | Answer> => {
      const { caller } = visit;
      return caller === null ? toLogin(visit) : then({ ...visit, caller }, ...rest);
    };

  return {
    /** A page for anybody. */
    openPage: (path: string, show: (visit: Visit) => Promise<Page | Answer>): Route =>
      opening(path, show),

    /** A page for who is logged in; anybody else is led to the login and back. */
    page: (path: string, show: (visit: OwnVisit) => Promise<Page | Answer>): Route =>
      opening(path, own(show)),

    /**
     * A part of a page that its script asks for again and again: a tab that was left open does not
     * keep its session alive.
     */
    part: (path: string, show: (visit: OwnVisit) => Promise<Answer>): Route =>
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

    /** A button: what it does, and where it leads. What goes wrong is a page of its own. */
    act: <const S extends v.GenericSchema>({ path, schema, submit }: ActOf<S>): Route =>
      sending(
        path,
        own(async (visit, sent: Sent) => submit(visit, decode(schema, sent))),
      ),
  };
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
