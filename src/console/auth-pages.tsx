import type { Child } from "hono/jsx";
import * as v from "valibot";
import { normalizeEmail } from "../core/user.ts";
import { readSessionCookie } from "../http/browser.ts";
import { queryValue } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { SignUp } from "../surfaces/rest/fields.ts";
import {
  type FormState,
  type PageRoutes,
  fieldState,
  cardPage,
  textPage,
  pathWithNext,
  safeNextPath,
  seeOtherWithMessage,
  seeOther,
  type PageContext,
  formError,
  clearSession,
  setSession,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import {
  Alert,
  EMAIL_INPUT,
  Field,
  NEW_PASSWORD_INPUT,
  PASSWORD_INPUT,
  PostForm,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import { IssuerButtons } from "./issuer-login.tsx";
import { LogInFields, PasskeyForm } from "./passkeys.tsx";
import { afterFirstFactor } from "./second-step.tsx";

const text = v.pipe(v.string("is required"), v.minLength(1, "is required"));
/** Any value is accepted here; `safeNextPath` decides where it leads. */
const next = v.optional(v.unknown());

const LoginFields = v.object({ email: text, password: text, next });
const SignUpFields = v.object({
  ...v.pick(SignUp, ["email", "password"]).entries,
  next,
});
const ForgottenFields = v.object({ email: v.pipe(text, v.transform(normalizeEmail)) });

const LOGIN = "/console/login";
export const EMAIL_LOGIN = "/console/login/email";
const PASSKEY_LOGIN = "/console/login/passkey";

/** Log in, sign up, forgotten password, log out. */
export function authPages(
  { openForm, messagePage, action }: PageRoutes,
  {
    accounts,
    firstFactor,
    secondFactor,
    sessions,
    recovery,
    issuerLogin,
    passkeys,
    signUpIsOpen,
    sendsMail,
    passwords,
  }: ConsoleDeps,
): readonly Route[] {
  const issuers = (context: PageContext, state: FormState) => (
    <IssuerButtons
      issuers={issuerLogin.issuers}
      next={safeNextPath(state.values.next ?? queryValue(context.request, "next"))}
    />
  );

  async function showLogin(context: PageContext, state: FormState) {
    if (context.caller !== null) return redirectToNext(context);
    const others = (
      <>
        {passkeys.isOn && (
          <PasskeyForm
            ceremony="get"
            action={PASSKEY_LOGIN}
            options={await passkeys.requestOptions(null, context.nowMs)}
            button="Log in with a passkey"
            look="quiet"
          >
            <NextField context={context} state={state} />
          </PasskeyForm>
        )}
        {issuers(context, state)}
      </>
    );
    const takesPasskeys = passkeys.isOn;
    return loginPage(context, state, {
      signUpIsOpen,
      sendsMail,
      passwords,
      takesPasskeys,
      others,
    });
  }

  return [
    ...openForm({
      path: LOGIN,
      schema: LoginFields,
      show: showLogin,
      async submit({ nowMs }, { email, password, next }) {
        const user = await firstFactor(email, password, nowMs);
        return afterFirstFactor({ secondFactor, sessions }, user, "password", next, nowMs);
      },
    }),
    ...openForm({
      path: PASSKEY_LOGIN,
      schema: LogInFields,
      show: (context, state) => showLogin(context, asPasskeyProblem(state)),
      async submit({ nowMs }, { response, next }) {
        const user = await passkeys.logIn(response, nowMs);
        const { secret } = await sessions.open(user, "passkey", nowMs);
        return seeOther(safeNextPath(next), setSession(sessions, secret));
      },
    }),
    ...openForm({
      path: "/console/signup",
      schema: SignUpFields,
      show: (context, state) =>
        context.caller !== null
          ? redirectToNext(context)
          : passwords
            ? signUpPage(context, state, signUpIsOpen, issuers(context, state))
            : seeOther(withNext(LOGIN, context, state)),
      async submit({ nowMs }, { email, password, next }) {
        const user = await accounts.signUp({ email, password }, nowMs);
        const { secret } = await sessions.open(user, "password", nowMs);
        return seeOther(safeNextPath(next), setSession(sessions, secret));
      },
    }),
    ...openForm({
      path: "/console/forgotten",
      schema: ForgottenFields,
      show: (_, state) => (passwords ? forgottenPage(state, sendsMail) : seeOther(LOGIN)),
      async submit({ nowMs }, { email }) {
        await recovery.requestReset(email, nowMs);
        return seeOtherWithMessage("/console/forgotten/sent", "reset_sent");
      },
    }),
    messagePage(
      "/console/forgotten/sent",
      "reset_sent",
      textPage(
        "Look into your mailbox",
        "If there is an account with this email, a link is on its way to it. It is good for ten minutes, once.",
        <a href="/console/login">Back to the login</a>,
      ),
      seeOther("/console/forgotten"),
    ),
    action({
      path: "/console/logout",
      schema: v.object({ next }),
      async submit({ request, nowMs }, { next }) {
        const secret = readSessionCookie(request);
        if (secret !== null) await sessions.revoke(secret, nowMs);
        return seeOther(pathWithNext(LOGIN, next), clearSession);
      },
    }),
  ];
}

/** No password was typed, so none is wrong. */
const asPasskeyProblem = ({ values, problem }: FormState): FormState => ({
  values,
  problem:
    problem?.status === 401
      ? {
          ...problem,
          status: 400,
          message: "This passkey did not log you in. Try again, or log in another way.",
        }
      : problem,
});

/** A user who is already logged in goes straight to the page the login would have led to. */
export const redirectToNext = ({ request }: PageContext) =>
  seeOther(safeNextPath(queryValue(request, "next")));

/** Carries the page to open after the login through the form. */
export function NextField({ context, state }: FormProps) {
  const next = state.values.next ?? queryValue(context.request, "next");
  return next === undefined ? null : <input type="hidden" name="next" value={safeNextPath(next)} />;
}

/** Another page, with the same page to open afterwards. */
export function withNext(path: string, context: PageContext, state: FormState): string {
  return pathWithNext(path, state.values.next ?? queryValue(context.request, "next"));
}

interface LoginPageParts extends Pick<ConsoleDeps, "signUpIsOpen" | "sendsMail" | "passwords"> {
  readonly takesPasskeys: boolean;
  /** Other ways to log in. */
  readonly others: Child;
}

function loginPage(
  context: PageContext,
  state: FormState,
  { signUpIsOpen, sendsMail, passwords, takesPasskeys, others }: LoginPageParts,
): Page {
  const error = formError(state, ["email", "password"]);
  // Never say which of the two is wrong. Focus goes to the password, which has to be typed again.
  const isWrong = error !== undefined && state.problem?.status === 401;
  const wrong = isWrong ? { errorId: "wrong" } : {};
  const form = passwords ? (
    <>
      <Alert kind="problem" text={error} id="wrong" isFocused={!isWrong} />
      <PostForm action={LOGIN} button="Log in">
        <NextField context={context} state={state} />
        <Field
          {...fieldState(state, "email")}
          {...EMAIL_INPUT}
          {...(takesPasskeys && PASSKEYS_TOO)}
          {...wrong}
        />
        <Field
          {...fieldState(state, "password")}
          {...PASSWORD_INPUT}
          {...wrong}
          {...(isWrong && { autofocus: true })}
        />
      </PostForm>
    </>
  ) : (
    sendsMail && (
      <EmailLoginForm context={context} state={state} input={takesPasskeys ? PASSKEYS_TOO : {}} />
    )
  );
  return cardPage(
    "Log in",
    <>
      {form}
      {others}
      {passwords && (
        <p class="aside">
          {sendsMail && <a href={withNext(EMAIL_LOGIN, context, state)}>Email me a link</a>}
          <a href="/console/forgotten">Forgotten your password?</a>
          {signUpIsOpen && (
            <a href={withNext("/console/signup", context, state)}>Make an account</a>
          )}
        </p>
      )}
    </>,
  );
}

interface FormProps {
  readonly context: PageContext;
  readonly state: FormState;
}

/** The browser offers passkeys in the input for the email. */
const PASSKEYS_TOO = { autocomplete: "username webauthn" };

/** Asks for an email with a link and a code. */
export function EmailLoginForm({ context, state, input }: FormProps & { readonly input?: object }) {
  return (
    <>
      <p>We email you a link and a code. Either logs you in, without a password.</p>
      <PostForm action={EMAIL_LOGIN} error={formError(state, ["email"])} button="Email me a link">
        <NextField context={context} state={state} />
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} maxlength={80} {...input} />
      </PostForm>
    </>
  );
}

function signUpPage(context: PageContext, state: FormState, isOpen: boolean, others: Child): Page {
  if (!isOpen) {
    const page = textPage("Sign-up is closed", "This service takes no new accounts.");
    return { ...page, title: "Sign up", status: 403 };
  }
  return cardPage(
    "Make an account",
    <>
      <PostForm
        action="/console/signup"
        error={formError(state, ["email", "password"])}
        button="Make the account"
      >
        <NextField context={context} state={state} />
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} maxlength={80} />
        <Field
          {...fieldState(state, "password")}
          {...NEW_PASSWORD_INPUT}
          hint="At least 8 characters, and none of the most common ones."
        />
      </PostForm>
      {others}
      <p class="aside">
        <a href={withNext("/console/login", context, state)}>I have one: log in</a>
      </p>
    </>,
  );
}

function forgottenPage(state: FormState, sendsMail: boolean): Page {
  if (!sendsMail) {
    const text =
      "This service sends no mail, so a password cannot be reset here. Ask whoever runs it.";
    return textPage("Forgotten password", text);
  }
  return cardPage(
    "Forgotten password",
    <>
      <p>We send you a link by which you choose a new one.</p>
      <PostForm
        action="/console/forgotten"
        error={formError(state, ["email"])}
        button="Send the link"
      >
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} />
      </PostForm>
      <p class="aside">
        <a href="/console/login">Back to the login</a>
      </p>
    </>,
  );
}
