import type { Child } from "hono/jsx";
import * as v from "valibot";
import { type Caller, isFresh, requireFresh } from "../core/caller.ts";
import type { Fault } from "../core/fault.ts";
import type { Sessions } from "../core/sessions.ts";
import type { User } from "../core/user.ts";
import type { HttpResult, RequestContext, Route } from "../http/surface.ts";
import { readForm } from "../http/body.ts";
import {
  NO_FORM_COOKIE,
  NO_MESSAGE_COOKIE,
  NO_SESSION_COOKIE,
  readSessionCookie,
  readZoneCookie,
  sessionCookie,
  isFromAnotherSite,
  isSameOrigin,
} from "../http/browser.ts";
import { decode } from "../http/fields.ts";
import { currentRecord } from "../http/request-record.ts";
import { auditRefusal, headersOf, limitHeaders } from "../http/refusals.ts";
import { type AnyFault, faultOf, type RequestFault } from "../http/request-fault.ts";
import { queryValue } from "../http/query.ts";
import type { Look } from "./brand.ts";
import type { ConsoleDeps } from "./deps.ts";
import { PROOF_FIELDS, proofPage } from "./fresh-login.tsx";
import {
  flashCookie,
  type Message,
  PAGE_HEADERS,
  type Page,
  readFlash,
  renderPage,
} from "./page.tsx";
import { Sentence } from "./components.tsx";
import { type LostForm, lostForms } from "./lost-forms.ts";
import { type FieldProblem, type Problem, problemOf } from "./problems.ts";
import { type PageDeps, authenticatePage } from "./authenticate-page.ts";
import { frame, messages, problems as words } from "./words.ts";

/** A request for a page, and the user it comes from; null if no one is logged in. */
export interface PageContext extends RequestContext {
  readonly caller: Caller | null;
  /** The page of a form that its user has not sent yet, because their session ended. */
  readonly lostForm?: string | undefined;
}

/** The request of a user who is logged in. */
export interface AuthedPageContext extends RequestContext {
  readonly caller: Caller;
}

/** Submitted values by input name; an input with several values is a list. */
export type FormValues = Readonly<Record<string, unknown>>;

/** What a form renders: nothing, or the submitted values and what was wrong with them. */
export interface FormState {
  readonly values: FormValues;
  readonly problem: Problem | null;
}

export const EMPTY_FORM: FormState = { values: {}, problem: null };

const problemsOf = ({ problem }: FormState): readonly FieldProblem[] =>
  problem === null ? [] : [problem, ...problem.others];

/** The submitted value and error of one input, as props of `Field`. @param initial its value before a submission */
export function fieldState(state: FormState, name: string, initial?: string) {
  const value = state.values[name];
  return {
    name,
    value: typeof value === "string" ? value : initial,
    problem: problemsOf(state).find(({ field }) => field === name)?.message,
  };
}

/** The errors that belong to none of the inputs `names`, as one text. */
export function formError(state: FormState, names: readonly string[]): string | undefined {
  const others = problemsOf(state).filter(({ field }) => !names.includes(field));
  return others.length === 0
    ? undefined
    : [...new Set(others.map(({ message }) => message))].join(" ");
}

interface PageForm<V, S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The input for the user's current password; a wrong password is reported next to it. */
  readonly passwordField?: string;
  show(context: V, state: FormState): Page | HttpResult | Promise<Page | HttpResult>;
  submit(context: V, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
}

type ShowForm = PageForm<AuthedPageContext, v.GenericSchema>["show"];

/** A form as it was sent: its route, and what was filled in. */
type SentForm = Pick<LostForm, "form" | "values">;

/** A form without a page of its own: a button on another page. */
interface FormAction<S extends v.GenericSchema> {
  readonly path: string;
  readonly schema: S;
  /** The page the button is on, if that is not the parent path. */
  readonly page?: string;
  submit(context: AuthedPageContext, fields: v.InferOutput<S>): Promise<Page | HttpResult>;
}

/** Redirects after a form, so that a reload does not submit it again (RFC 9110 section 15.4.4). */
export const seeOther = (
  location: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResult => ({
  status: 303,
  body: null,
  headers: { ...headers, location },
});

/** A redirect whose target shows a message. @param name of the changed item, where several could be meant */
export const seeOtherWithMessage = (
  location: string,
  message: Message,
  name?: string,
  headers?: Readonly<Record<string, string>>,
): HttpResult => ({ ...seeOther(location, headers), cookies: [flashCookie(message, name)] });

/** Prevents open redirects: only paths of our own pages are followed, none of which is longer than 500 characters. */
export function safeNextPath(next: unknown): string {
  // guard: log-in-leads-to-own-pages
  return typeof next === "string" && /^\/(?:console|a|docs)(?:\/[\w./?=&%-]{0,500})?$/.test(next)
    ? next
    : "/console";
}

/** A page of the log-in, which leads to `next` afterwards. */
export function pathWithNext(path: string, next: unknown): string {
  const to = safeNextPath(next);
  return to === "/console" ? path : `${path}?next=${encodeURIComponent(to)}`;
}

/** Asks who it is before it leads to another page. */
export const CONFIRM = "/console/confirm";

/** A cookie for as long as the session can be extended. */
export const setSession = ({ lifetimes }: Sessions, secret: string) => ({
  "set-cookie": sessionCookie(secret, lifetimes.login),
});

export const clearSession = { "set-cookie": NO_SESSION_COOKIE };

/** Submitted values are rendered again up to this many bytes of HTML. */
const MAX_ECHOED_BYTES = 8_000;

const encoder = new TextEncoder();

function isEchoed(values: FormValues): boolean {
  // Values that are not text, such as files, are never rendered again.
  const text = Object.values(values)
    .flat()
    .filter((value) => typeof value === "string")
    .join();
  // Checked before escaping: escaping 64 KiB costs more than the rest of the request.
  if (text.length > MAX_ECHOED_BYTES) return false;
  return encoder.encode(text.replace(/[&<>"']/g, "&quot;")).length <= MAX_ECHOED_BYTES;
}

export type PageRoutes = ReturnType<typeof pageRoutes>;

/**
 * What all pages share: authentication by cookie, the same-origin check for every POST, and forms
 * that are rendered again with their errors.
 */
export function pageRoutes(
  deps: PageDeps &
    Pick<ConsoleDeps, "freshLogins" | "accounts" | "encryption"> & {
      readonly look: Look;
      /** Asked of who is logged in, before anything else of a request. @throws what its refusal says */
      readonly gate?: (context: AuthedPageContext) => Promise<unknown>;
    },
) {
  const { refused, freshLogins, accounts, sessions, gate } = deps;
  const lost = lostForms(deps.encryption);
  /** How each form is rendered again, by its route. */
  const shown = new Map<string, ShowForm>();
  const { currentUser, extendSession } = authenticatePage(deps);

  /** To the login page and back afterwards. What was typed comes back with the user, and the login page says so. */
  async function redirectToLogin(
    { request, nowMs }: RequestContext,
    page: string,
    sent: SentForm | null,
  ): Promise<HttpResult> {
    const secret = readSessionCookie(request);
    const to = seeOther(pathWithNext("/console/login", page), secret === null ? {} : clearSession);
    if (secret === null && request.method !== "POST") return to;
    // Nothing is kept where the store does not answer: the log-in comes first.
    const userId =
      secret === null || sent === null ? null : await sessions.ownerOf(secret).catch(() => null);
    const kept =
      userId === null || sent === null ? null : await lost.keep({ userId, page, ...sent }, nowMs);
    return {
      ...to,
      cookies:
        kept === null
          ? [flashCookie("session_expired")]
          : [flashCookie("session_expired_kept"), kept],
    };
  }

  /** The page with the form that came back with its user, as they had left it; null where it is of another page. */
  async function restored(
    context: PageContext,
    { page, form, values }: LostForm,
  ): Promise<HttpResult | null> {
    const { caller, request } = context;
    const show = page === request.path ? shown.get(form) : undefined;
    if (caller === null || show === undefined) return null;
    const again = await show({ ...context, caller }, { values, problem: null });
    const answer = await render(again, context, <Sentence text={messages.form_restored} />);
    return { ...answer, cookies: [...(answer.cookies ?? []), NO_FORM_COOKIE] };
  }

  /** Whose name stands on the page. It is read where the check of the session did not, and never takes a page down. */
  const shownUser = async (caller: Caller | null): Promise<User | null> =>
    caller === null ? null : (caller.user ?? accounts.find(caller.userId).catch(() => null));

  async function render(
    result: Page | HttpResult,
    context: PageContext,
    told?: Child,
  ): Promise<HttpResult> {
    if (!("title" in result)) return result;
    const messagePage = readFlash(context.request);
    const answer = renderPage(result, {
      path: context.request.path,
      isLoggedIn: context.caller !== null,
      user: await shownUser(context.caller),
      look: deps.look,
      flash: told ?? messagePage?.text,
    });
    return messagePage === null ? answer : { ...answer, cookies: [NO_MESSAGE_COOKIE] };
  }

  /**
   * After a link on another site the browser withholds the SameSite=Strict cookie. The page reloads
   * itself, and that request is same-origin and carries the cookie.
   */
  const reopenedPage = (): HttpResult => ({
    status: 200,
    body: null,
    text: `<!doctype html><html lang="${frame.lang}"><meta charset="utf-8"><title>${frame.moment}</title><meta http-equiv="refresh" content="0"><p>${frame.moment}…</p></html>`,
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
        noteTimeZone(exchange);
        const user = await currentUser(exchange);
        const caller = user !== null && extendsSession ? await extendSession(exchange, user) : user;
        const isPart = !extendsSession;
        const kept =
          caller === null || isPart
            ? null
            : await lost.read(exchange.request, caller.userId, exchange.nowMs);
        if (kept === "foreign") {
          const context = { ...exchange, caller };
          const answer = await render(await show(context), context);
          return { ...answer, cookies: [...(answer.cookies ?? []), NO_FORM_COOKIE] };
        }
        const context = { ...exchange, caller, lostForm: kept?.page };
        const again = kept === null ? null : await restored(context, kept);
        return again ?? render(await show(context), context);
      },
    };
  }

  /** POSTs change state, so they are accepted from pages of this origin only (CSRF). */
  function postRoute(
    path: string,
    submit: (context: PageContext, values: FormValues) => Promise<Page | HttpResult>,
  ): Route {
    return {
      method: "POST",
      path,
      access: "open",
      async handle(exchange) {
        noteTimeZone(exchange);
        // guard: pages-take-only-own-forms
        if (!isSameOrigin(exchange.request)) {
          return renderPage(CROSS_SITE_PAGE, {
            path: exchange.request.path,
            isLoggedIn: false,
            user: null,
            look: deps.look,
          });
        }
        const values = await readForm(exchange.request);
        const context = { ...exchange, caller: await currentUser(exchange) };
        return render(await submit(context, values), context);
      },
    };
  }

  /** Runs `submit`, or renders the form again with its errors. Errors that the user cannot fix are rethrown. */
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
        if (["internal", "unavailable", "login_not_fresh"].includes(fault.code)) throw error;
        auditRefusal(passwordField === undefined ? fault : asOwnMistake(fault), refused);
        const record = currentRecord();
        if (record !== null) record.outcome = fault.code;
        const problem = problemOf(fault, passwordField);
        const page = await show(context, { values: isEchoed(values) ? values : {}, problem });
        if (!("title" in page)) return page;
        return {
          ...page,
          status: problem.status,
          headers: { ...headersOf(fault), ...limitHeaders(fault) },
        };
      }
    };

  const authed =
    <T extends readonly unknown[]>(
      then: (context: AuthedPageContext, ...rest: T) => Promise<Page | HttpResult>,
      pageOf: (path: string) => string = (path) => path,
      sentOf: (...rest: T) => SentForm | null = () => null,
    ) =>
    async (context: PageContext, ...rest: T): Promise<Page | HttpResult> => {
      const { caller, request } = context;
      if (caller !== null) {
        // guard: pages-pass-their-gate
        await gate?.({ ...context, caller });
        return then({ ...context, caller }, ...rest);
      }
      return redirectToLogin(context, pageOf(new URL(request.url).pathname), sentOf(...rest));
    };

  /** Asks who it is, and then goes on with what was submitted, but for passwords: no page has them in it. */
  async function askForProof(
    { caller, request, nowMs }: AuthedPageContext,
    submitted: FormValues,
    fault: AnyFault,
    back: string,
    form: string | null,
  ): Promise<Page> {
    const record = currentRecord();
    if (record !== null) record.outcome = fault.code;
    const isWhole =
      isEchoed(submitted) && !Object.keys(submitted).some((name) => name.includes("password"));
    const user = await freshLogins.account(caller);
    const proof = isWhole ? user.proof : null;
    const kept =
      proof !== null || form === null
        ? null
        : await lost.keep({ userId: caller.userId, page: back, form, values: submitted }, nowMs);
    return {
      ...proofPage({
        action: new URL(request.url).pathname,
        values: isWhole ? submitted : {},
        proof,
        isKept: kept !== null,
        back,
        email: user.email,
        problem:
          fault.code === "login_not_fresh"
            ? null
            : problemOf(fault, PROOF_FIELDS[user.proof ?? "password"]),
      }),
      headers: {
        ...headersOf(fault),
        ...limitHeaders(fault),
        ...(kept !== null && { "set-cookie": kept }),
      },
    };
  }

  /** Does what needs a fresh log-in, also if D1 knows of one that a copy of the session does not know yet. */
  async function asFresh<T>(
    context: AuthedPageContext,
    act: (context: AuthedPageContext) => Promise<T>,
    otherwise: (context: AuthedPageContext, fault: AnyFault) => Promise<T>,
  ): Promise<T> {
    try {
      return await act(context);
    } catch (error) {
      const fault = faultOf(error);
      if (fault.code !== "login_not_fresh") throw error;
      const caller = await freshLogins.current(context.caller, context.nowMs);
      const current = { ...context, caller };
      return isFresh(caller, context.nowMs) ? act(current) : otherwise(current, fault);
    }
  }

  /** A form whose act needs a fresh log-in: one page asks for the password, and the form goes on. */
  const goingOn =
    (
      submit: (context: AuthedPageContext, values: FormValues) => Promise<Page | HttpResult>,
      pageOf: (path: string, values: FormValues) => string = (path) => path,
      form: string | null = null,
    ) =>
    async (
      context: AuthedPageContext,
      { [PROOF_FIELDS.password]: password, [PROOF_FIELDS.code]: code, ...values }: FormValues,
    ): Promise<Page | HttpResult> => {
      const { nowMs } = context;
      let { caller } = context;
      const back = pageOf(new URL(context.request.url).pathname, values);
      const proof = password === undefined ? "code" : "password";
      const text = password ?? code;
      if (typeof text === "string" && !isFresh(caller, nowMs)) {
        try {
          caller = await freshLogins.prove(caller, proof, text, nowMs);
        } catch (error) {
          const fault = faultOf(error);
          if (fault.code !== "credentials_wrong" && fault.code !== "throttled") throw error;
          auditRefusal(asOwnMistake(fault), refused);
          return askForProof(context, values, fault, back, form);
        }
      }
      return asFresh(
        { ...context, caller },
        (current) => submit(current, values),
        (current, fault) => askForProof(current, values, fault, back, form),
      );
    };

  /** The page of a button is usually the parent of its path. */
  const parentPath = (path: string) => path.slice(0, path.lastIndexOf("/"));

  /** A form whose values outlive the session that it was filled in with. */
  const keeping = <const S extends v.GenericSchema>(
    form: PageForm<AuthedPageContext, S>,
    pageOf: (path: string) => string,
  ) =>
    authed(goingOn(submitForm(form), pageOf, form.path), pageOf, (values) => ({
      form: form.path,
      values,
    }));

  return {
    /** A page that needs no login. */
    openPage: (path: string, show: (context: PageContext) => Promise<Page | HttpResult>): Route =>
      getRoute(path, show),

    /** A page that confirms `message`; without that message, `otherwise`. So a link alone can never claim it. */
    messagePage: (
      path: string,
      message: Message,
      page: Page,
      otherwise: Page | HttpResult,
    ): Route =>
      getRoute(path, async ({ request }) =>
        readFlash(request)?.message === message ? page : otherwise,
      ),

    /**
     * A page that needs a login; others are redirected to the login page and back.
     * @param next opened after the log-in was confirmed, where the page needs a fresh one
     */
    page: (
      path: string,
      show: (context: AuthedPageContext) => Promise<Page | HttpResult>,
      next = path,
    ): Route =>
      getRoute(
        path,
        authed((context) =>
          asFresh(context, show, async () => seeOther(pathWithNext(CONFIRM, next))),
        ),
      ),

    /** Asks for the password, and then leads to a page that needs a fresh log-in. */
    confirmation: [
      getRoute(
        CONFIRM,
        authed(async (context) => {
          const next = safeNextPath(queryValue(context.request, "next"));
          const caller = await freshLogins.current(context.caller, context.nowMs);
          if (isFresh(caller, context.nowMs)) return seeOther(next);
          const asked = await askForProof({ ...context, caller }, { next }, NOT_FRESH, next, null);
          return { ...asked, status: 200 };
        }),
      ),
      postRoute(
        CONFIRM,
        authed(
          goingOn(
            async ({ caller, nowMs }, { next }) => {
              requireFresh(caller, nowMs);
              return seeOther(safeNextPath(next));
            },
            (_, { next }) => safeNextPath(next),
          ),
        ),
      ),
    ] as readonly Route[],

    /**
     * Part of a page that the script polls. Polling does not extend the session, so an open tab does
     * not stay logged in forever.
     */
    fragment: (path: string, show: (context: AuthedPageContext) => Promise<HttpResult>): Route =>
      getRoute(path, authed(show), false),

    /** A form that needs no login: its page and its submission. */
    openForm: <const S extends v.GenericSchema>(form: PageForm<PageContext, S>): Route[] => [
      getRoute(form.path, async (context) => form.show(context, EMPTY_FORM)),
      postRoute(form.path, submitForm(form)),
    ],

    /** The same, for users who are logged in. */
    form<const S extends v.GenericSchema>(form: PageForm<AuthedPageContext, S>): Route[] {
      shown.set(form.path, form.show);
      return [
        getRoute(
          form.path,
          authed(async (context) => form.show(context, EMPTY_FORM)),
        ),
        postRoute(
          form.path,
          keeping(form, (path) => path),
        ),
      ];
    },

    /** A form on another page; that page is rendered again if the form has errors. */
    formOn<const S extends v.GenericSchema>(form: PageForm<AuthedPageContext, S>): Route {
      shown.set(form.path, form.show);
      return postRoute(form.path, keeping(form, parentPath));
    },

    /** A button. Its errors are shown on an error page. */
    action: <const S extends v.GenericSchema>({
      path,
      page,
      schema,
      submit,
    }: FormAction<S>): Route => {
      const pageOf = (at: string) => page ?? parentPath(at);
      return postRoute(
        path,
        authed(
          goingOn(async (context, values) => submit(context, decode(schema, values)), pageOf),
          pageOf,
        ),
      );
    },
  };
}

/** For every time on the page. */
function noteTimeZone({ request }: RequestContext): void {
  const record = currentRecord();
  if (record !== null) record.timeZone = readZoneCookie(request);
}

const NOT_FRESH: AnyFault = { code: "login_not_fresh", reason: "old" };

/** The logged-in user mistyped their own password; the activity page must not call that a break-in attempt. */
function asOwnMistake(fault: Fault | RequestFault): Fault | RequestFault {
  if (fault.code !== "credentials_wrong" || !fault.attempted?.userId) return fault;
  return { ...fault, attempted: { ...fault.attempted, actorId: fault.attempted.userId } };
}

/** A page that is one card. */
export const cardPage = (
  title: string,
  body: Child,
  width: "narrow" | "middle" = "narrow",
): Page => ({
  title,
  body: (
    <section class={`card ${width}`}>
      <h1>{title}</h1>
      {body}
    </section>
  ),
});

export const textPage = (title: string, text: string, more?: Child): Page =>
  cardPage(
    title,
    <>
      <p>{text}</p>
      {more}
    </>,
  );

/** What a button is about. */
export const itemId = v.pipe(v.string("is required"), v.uuid("must be an id"), v.toLowerCase());
export const ItemId = v.object({ id: itemId });

const CROSS_SITE_PAGE: Page = {
  ...textPage(
    words.titles.crossSite,
    words.crossSite,
    <a class="button" href="/console">
      {words.home}
    </a>,
  ),
  status: 403,
};
