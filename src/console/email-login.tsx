import * as v from "valibot";
import { deviceText } from "../core/devices.ts";
import type { EmailLogin } from "../core/email-login.ts";
import type { UserWithPassword } from "../core/user.ts";
import type { Route } from "../http/surface.ts";
import { knownEmail, loginCode } from "../surfaces/rest/fields.ts";
import { EMAIL_LOGIN, EmailLoginForm, NextField, redirectToNext, withNext } from "./auth-pages.tsx";
import { Alert, Field, PostForm, Relative, UserText } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import {
  cardPage,
  EMPTY_FORM,
  fieldState,
  formError,
  type FormState,
  type PageContext,
  type PageRoutes,
  seeOther,
  textPage,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { afterFirstFactor } from "./second-step.tsx";

const CODE = `${EMAIL_LOGIN}/code`;

const next = v.optional(v.unknown());
const AskFields = v.object({ email: knownEmail, next });
const CodeFields = v.object({ challenge: v.string("is missing"), code: loginCode, next });

/** Log in with a link or a code by email. */
export function emailLoginPages(
  { openForm }: PageRoutes,
  { emailLogins, secondFactor, sessions, sendsMail, passwords }: ConsoleDeps,
): readonly Route[] {
  const logIn = (user: UserWithPassword, to: unknown, nowMs: number) =>
    afterFirstFactor({ secondFactor, sessions }, user, "email", to, nowMs);

  return [
    ...openForm({
      path: EMAIL_LOGIN,
      schema: AskFields,
      show: (context, state) =>
        context.caller === null
          ? askPage(context, state, { sendsMail, passwords })
          : redirectToNext(context),
      async submit(context, fields) {
        const { challenge } = await emailLogins.request(fields.email, context.nowMs);
        return codePage(context, { ...EMPTY_FORM, values: { ...fields, challenge } });
      },
    }),
    ...openForm({
      path: CODE,
      schema: CodeFields,
      show: (context, state) =>
        typeof state.values.challenge === "string"
          ? codePage(context, state)
          : seeOther(EMAIL_LOGIN),
      async submit({ nowMs }, fields) {
        const user = await emailLogins.firstFactorByCode(fields.challenge, fields.code, nowMs);
        return logIn(user, fields.next, nowMs);
      },
    }),
    // Mail scanners and previews open every link, so only the button logs in.
    ...openForm({
      path: "/console/login/link/:token",
      schema: v.object({}),
      async show({ request, nowMs }, state) {
        const login = await emailLogins.find(request.param("token") ?? "", nowMs);
        return login === null ? SPENT : linkPage(login, request.path, state, nowMs);
      },
      async submit({ request, nowMs }) {
        const user = await emailLogins.firstFactorByLink(request.param("token") ?? "", nowMs);
        return logIn(user, null, nowMs);
      },
    }),
  ];
}

function askPage(
  context: PageContext,
  state: FormState,
  { sendsMail, passwords }: Pick<ConsoleDeps, "sendsMail" | "passwords">,
): Page {
  if (!sendsMail) {
    return textPage("Log in by email", "This service sends no email. Ask whoever runs it.");
  }
  return cardPage(
    passwords ? "Log in by email" : "Log in",
    <>
      <EmailLoginForm context={context} state={state} />
      {passwords && (
        <p class="aside">
          <a href={withNext("/console/login", context, state)}>Log in with a password</a>
        </p>
      )}
    </>,
  );
}

function codePage(context: PageContext, state: FormState): Page {
  const { challenge, email } = state.values;
  const isWrong = state.problem?.status === 401;
  const error = isWrong
    ? "This code is wrong, or it no longer works. The link in the email may still do."
    : formError(state, ["code"]);
  return cardPage(
    "Check your email",
    <>
      {typeof email === "string" && (
        <p>
          If <UserText text={email} /> can log in here, an email is on its way. Follow its link, or
          enter its code here. It works for ten minutes, once.
        </p>
      )}
      <PostForm action={CODE} error={error} button="Log in">
        <input type="hidden" name="challenge" value={String(challenge)} />
        {typeof email === "string" && <input type="hidden" name="email" value={email} />}
        <NextField context={context} state={state} />
        <Field
          {...fieldState(state, "code")}
          label="Code"
          autocomplete="one-time-code"
          inputmode="numeric"
          hint="Six digits. Give them to nobody: we never ask for them."
          maxlength={20}
          required
        />
      </PostForm>
      <p class="aside">
        <a href={withNext(EMAIL_LOGIN, context, state)}>Send another email</a>
      </p>
    </>,
  );
}

function linkPage(login: EmailLogin, path: string, state: FormState, nowMs: number): Page {
  const asked = deviceText(login.device);
  return {
    ...cardPage(
      "Log in",
      <>
        <Alert kind="problem" text={formError(state, [])} />
        <p>
          This logs the browser in front of you in as{" "}
          <strong>
            <UserText text={login.email} />
          </strong>
          .
        </p>
        <dl class="facts">
          <dt>Asked with</dt>
          <dd>{asked}</dd>
          <dt>When</dt>
          <dd>
            <Relative ms={login.createdAtMs} nowMs={nowMs} />
          </dd>
        </dl>
        <p>Was that not you? Then close this page: nothing has happened.</p>
        <PostForm action={path} button="Log in here" />
      </>,
    ),
    head: <meta name="robots" content="noindex" />,
  };
}

const SPENT: Page = {
  ...textPage(
    "This link no longer works",
    "It was used already, its ten minutes are over, or the account has changed since.",
    <a class="button" href={EMAIL_LOGIN}>
      Get a new one
    </a>,
  ),
  status: 410,
};
