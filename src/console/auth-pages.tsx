import * as v from "valibot";
import type { Accounts } from "../core/accounts.ts";
import type { Recovery } from "../core/recovery.ts";
import type { Sessions } from "../core/sessions.ts";
import { normalizeEmail } from "../core/user.ts";
import { readSessionCookie } from "../http/browser.ts";
import { queryValue } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { SignUp } from "../surfaces/rest/fields.ts";
import {
  type FormState,
  type PageRoutes,
  fieldState,
  messageCard,
  safeNextPath,
  seeOtherWithMessage,
  seeOther,
  type PageContext,
  formError,
  clearSession,
  setSession,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Alert, Field } from "./components.tsx";

interface Deps {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly recovery: Recovery;
  readonly signUpIsOpen: boolean;
  readonly sendsMail: boolean;
}

const text = v.pipe(v.string("is required"), v.minLength(1, "is required"));
/** Any value is accepted here; `safeNextPath` decides where it leads. */
const next = v.optional(v.unknown());

const LoginFields = v.object({ email: text, password: text, next });
const SignUpFields = v.object({
  ...v.pick(SignUp, ["email", "password"]).entries,
  next,
});
const ForgottenFields = v.object({ email: v.pipe(text, v.transform(normalizeEmail)) });

/** Log in, sign up, forgotten password, log out. */
export function authPages(
  { openForm, messagePage, action }: PageRoutes,
  { accounts, sessions, recovery, signUpIsOpen, sendsMail }: Deps,
): readonly Route[] {
  return [
    ...openForm({
      path: "/console/login",
      schema: LoginFields,
      show: (context, state) =>
        context.caller === null ? loginPage(context, state, signUpIsOpen) : redirectToNext(context),
      async submit({ nowMs }, { email, password, next }) {
        const { secret } = await sessions.create(email, password, nowMs);
        return seeOther(safeNextPath(next), setSession(secret));
      },
    }),
    ...openForm({
      path: "/console/signup",
      schema: SignUpFields,
      show: (context, state) =>
        context.caller === null
          ? signUpPage(context, state, signUpIsOpen)
          : redirectToNext(context),
      async submit({ nowMs }, { email, password, next }) {
        const user = await accounts.signUp({ email, password }, nowMs);
        const { secret } = await sessions.open(user, nowMs);
        return seeOther(safeNextPath(next), setSession(secret));
      },
    }),
    ...openForm({
      path: "/console/forgotten",
      schema: ForgottenFields,
      show: (_, state) => forgottenPage(state, sendsMail),
      async submit({ nowMs }, { email }) {
        await recovery.requestReset(email, nowMs);
        return seeOtherWithMessage("/console/forgotten/sent", "reset_sent");
      },
    }),
    messagePage(
      "/console/forgotten/sent",
      "reset_sent",
      {
        title: "Look into your mailbox",
        body: messageCard(
          "Look into your mailbox",
          "If there is an account with this e-mail, a link is on its way to it. It is good for ten minutes, once.",
          <a href="/console/login">Back to the login</a>,
        ),
      },
      seeOther("/console/forgotten"),
    ),
    action({
      path: "/console/logout",
      schema: v.object({}),
      async submit({ request, nowMs }) {
        const secret = readSessionCookie(request);
        if (secret !== null) await sessions.revoke(secret, nowMs);
        return seeOther("/console/login", clearSession);
      },
    }),
  ];
}

/** A user who is already logged in goes straight to the page the login would have led to. */
const redirectToNext = ({ request }: PageContext) =>
  seeOther(safeNextPath(queryValue(request, "next")));

/** Carries the page to open after the login through the form. */
function NextField({
  context,
  state,
}: {
  readonly context: PageContext;
  readonly state: FormState;
}) {
  const next = state.values.next ?? queryValue(context.request, "next");
  return next === undefined ? null : <input type="hidden" name="next" value={safeNextPath(next)} />;
}

/** Another page, with the same page to open afterwards. */
function withNext(path: string, context: PageContext, state: FormState): string {
  const next = safeNextPath(state.values.next ?? queryValue(context.request, "next"));
  return next === "/console" ? path : `${path}?next=${encodeURIComponent(next)}`;
}

function loginPage(context: PageContext, state: FormState, signUpIsOpen: boolean): Page {
  const error = formError(state, ["email", "password"]);
  // Never say which of the two is wrong. Focus goes to the password, which has to be typed again.
  const isWrong = error !== undefined && state.problem?.status === 401;
  return {
    title: "Log in",
    body: (
      <section class="card narrow">
        <h1>Log in</h1>
        <Alert kind="problem" text={error} id="wrong" isFocused={!isWrong} />
        <form method="post" action="/console/login">
          <NextField context={context} state={state} />
          <Field
            {...fieldState(state, "email")}
            {...(isWrong && { errorId: "wrong" })}
            label="E-mail"
            type="email"
            autocomplete="username"
            required
          />
          <Field
            {...fieldState(state, "password")}
            {...(isWrong && { errorId: "wrong", autofocus: true })}
            label="Password"
            type="password"
            autocomplete="current-password"
            required
          />
          <button type="submit">Log in</button>
        </form>
        <p class="aside">
          <a href="/console/forgotten">Forgotten your password?</a>
          {signUpIsOpen && (
            <a href={withNext("/console/signup", context, state)}>Make an account</a>
          )}
        </p>
      </section>
    ),
  };
}

function signUpPage(context: PageContext, state: FormState, isOpen: boolean): Page {
  if (!isOpen) {
    return {
      title: "Sign up",
      status: 403,
      body: messageCard("Sign-up is closed", "This service takes no new accounts."),
    };
  }
  return {
    title: "Make an account",
    body: (
      <section class="card narrow">
        <h1>Make an account</h1>
        <Alert kind="problem" text={formError(state, ["email", "password"])} />
        <form method="post" action="/console/signup">
          <NextField context={context} state={state} />
          <Field
            {...fieldState(state, "email")}
            label="E-mail"
            type="email"
            autocomplete="username"
            maxlength={80}
            required
          />
          <Field
            {...fieldState(state, "password")}
            label="Password"
            type="password"
            autocomplete="new-password"
            hint="At least 8 characters, and none of the most common ones."
            minlength={8}
            required
          />
          <button type="submit">Make the account</button>
        </form>
        <p class="aside">
          <a href={withNext("/console/login", context, state)}>I have one: log in</a>
        </p>
      </section>
    ),
  };
}

function forgottenPage(state: FormState, sendsMail: boolean): Page {
  if (!sendsMail) {
    const text =
      "This service sends no mail, so a password cannot be reset here. Ask whoever runs it.";
    return { title: "Forgotten password", body: messageCard("Forgotten password", text) };
  }
  return {
    title: "Forgotten password",
    body: (
      <section class="card narrow">
        <h1>Forgotten password</h1>
        <p>We send you a link by which you choose a new one.</p>
        <Alert kind="problem" text={formError(state, ["email"])} />
        <form method="post" action="/console/forgotten">
          <Field
            {...fieldState(state, "email")}
            label="E-mail"
            type="email"
            autocomplete="username"
            required
          />
          <button type="submit">Send the link</button>
        </form>
        <p class="aside">
          <a href="/console/login">Back to the login</a>
        </p>
      </section>
    ),
  };
}
