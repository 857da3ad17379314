import type { Child } from "hono/jsx";
import * as v from "valibot";
import { normalizeEmail } from "../core/user.ts";
import { NO_FORM_COOKIE, readSessionCookie } from "../http/browser.ts";
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
import { auth as words } from "./words.ts";

const text = v.pipe(v.string("is required"), v.minLength(1, "is required"));
/** Any value is accepted here; `safeNextPath` decides where it leads. */
const next = v.optional(v.unknown());
const { email, password, first_name, last_name } = SignUp.entries;

/** An input left empty says nothing. */
const name = <const S extends v.GenericSchema<string | null>>(schema: S) =>
  v.pipe(
    v.optional(v.unknown(), ""),
    v.transform((sent) => (typeof sent === "string" && sent.trim() === "" ? null : sent)),
    schema,
  );

const LoginFields = v.object({ email: text, password: text, next });
const SignUpFields = v.object({
  email,
  password,
  first_name: name(first_name.wrapped),
  last_name: name(last_name.wrapped),
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
      <Ways>
        {passkeys.isOn && (
          <PasskeyForm
            ceremony="get"
            action={PASSKEY_LOGIN}
            options={await passkeys.requestOptions(null, context.nowMs)}
            button={words.logIn.byPasskey}
            look="quiet"
          >
            <NextField context={context} state={state} />
          </PasskeyForm>
        )}
        {issuers(context, state)}
        {passwords && sendsMail && (
          <a class="button quiet" href={withNext(EMAIL_LOGIN, context, state)}>
            {words.logIn.byEmail}
          </a>
        )}
      </Ways>
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
        const login = await passkeys.logIn(response, nowMs);
        const { secret } = await sessions.open(login, "passkey", nowMs);
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
            ? signUpPage(context, state, signUpIsOpen, <Ways>{issuers(context, state)}</Ways>)
            : seeOther(withNext(LOGIN, context, state)),
      async submit({ nowMs }, { email, password, first_name, last_name, next }) {
        const names = { firstName: first_name, lastName: last_name };
        const user = await accounts.signUp({ email, password, ...names }, nowMs);
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
        words.forgotten.sentTitle,
        words.forgotten.sent,
        <a href={LOGIN}>{words.forgotten.back}</a>,
      ),
      seeOther("/console/forgotten"),
    ),
    action({
      path: "/console/logout",
      schema: v.object({ next }),
      async submit({ request, nowMs }, { next }) {
        const secret = readSessionCookie(request);
        if (secret !== null) await sessions.revoke(secret, nowMs);
        const out = seeOther(pathWithNext(LOGIN, next), clearSession);
        // Who is asked to log in again comes back to their form.
        return next === undefined ? { ...out, cookies: [NO_FORM_COOKIE] } : out;
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
          message: words.logIn.passkeyFailed,
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
      <PostForm action={LOGIN} button={words.logIn.button}>
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
        <p class="below-field">
          <a href="/console/forgotten">{words.logIn.forgot}</a>
        </p>
      </PostForm>
    </>
  ) : (
    sendsMail && (
      <EmailLoginForm context={context} state={state} input={takesPasskeys ? PASSKEYS_TOO : {}} />
    )
  );
  return cardPage(
    words.logIn.title,
    <>
      {form}
      {others}
      {passwords && signUpIsOpen && (
        <p class="switch">
          {words.logIn.newHere}{" "}
          <a href={withNext("/console/signup", context, state)}>{words.logIn.signUp}</a>
        </p>
      )}
    </>,
  );
}

/** Other ways to log in, below the form. */
function Ways({ children }: { readonly children: Child }) {
  return (
    <div class="ways">
      <p class="or">{words.logIn.or}</p>
      {children}
    </div>
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
      <p class="hint">{words.email.lead}</p>
      <PostForm
        action={EMAIL_LOGIN}
        error={formError(state, ["email"])}
        button={words.email.button}
      >
        <NextField context={context} state={state} />
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} maxlength={80} {...input} />
      </PostForm>
    </>
  );
}

const SIGN_UP_FIELDS = ["first_name", "last_name", "email", "password"] as const;

function signUpPage(context: PageContext, state: FormState, isOpen: boolean, others: Child): Page {
  if (!isOpen) return { ...textPage(words.signUp.closedTitle, words.signUp.closed), status: 403 };
  return cardPage(
    words.signUp.title,
    <>
      <PostForm
        action="/console/signup"
        error={formError(state, SIGN_UP_FIELDS)}
        button={words.signUp.button}
      >
        <NextField context={context} state={state} />
        <div class="pair">
          <Field
            {...fieldState(state, "first_name")}
            label={words.signUp.firstName}
            autocomplete="given-name"
            maxlength={24}
          />
          <Field
            {...fieldState(state, "last_name")}
            label={words.signUp.lastName}
            autocomplete="family-name"
            maxlength={24}
          />
        </div>
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} maxlength={80} />
        <Field
          {...fieldState(state, "password")}
          {...NEW_PASSWORD_INPUT}
          hint={words.signUp.passwordHint}
        />
      </PostForm>
      {others}
      <p class="switch">
        {words.signUp.haveOne} <a href={withNext(LOGIN, context, state)}>{words.logIn.title}</a>
      </p>
    </>,
  );
}

function forgottenPage(state: FormState, sendsMail: boolean): Page {
  if (!sendsMail) return textPage(words.forgotten.title, words.forgotten.noMail);
  return cardPage(
    words.forgotten.title,
    <>
      <p class="hint">{words.forgotten.lead}</p>
      <PostForm
        action="/console/forgotten"
        error={formError(state, ["email"])}
        button={words.forgotten.button}
      >
        <Field {...fieldState(state, "email")} {...EMAIL_INPUT} />
      </PostForm>
      <p class="switch">
        <a href={LOGIN}>{words.forgotten.back}</a>
      </p>
    </>,
  );
}
