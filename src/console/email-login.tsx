import * as v from "valibot";
import { deviceText } from "../core/devices.ts";
import type { Spending } from "../core/caller.ts";
import type { EmailLogin } from "../core/email-login.ts";
import type { Route } from "../http/surface.ts";
import { knownEmail, loginCode } from "../surfaces/rest/fields.ts";
import { EMAIL_LOGIN, EmailLoginForm, NextField, redirectToNext, withNext } from "./auth-pages.tsx";
import { Alert, Facts, Field, PostForm, Relative, Sentence } from "./components.tsx";
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
import { auth } from "./words.ts";

const words = auth.email;

const CODE = `${EMAIL_LOGIN}/code`;

const next = v.optional(v.unknown());
const AskFields = v.object({ email: knownEmail, next });
const CodeFields = v.object({ challenge: v.string("is missing"), code: loginCode, next });

/** Log in with a link or a code by email. */
export function emailLoginPages(
  { openForm }: PageRoutes,
  { emailLogins, secondFactor, sessions, sendsMail, passwords }: ConsoleDeps,
): readonly Route[] {
  const logIn = (spending: Spending, to: unknown, nowMs: number) =>
    afterFirstFactor({ secondFactor, sessions }, spending, "email", to, nowMs);

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
        const login = await emailLogins.firstFactorByCode(fields.challenge, fields.code, nowMs);
        return logIn(login, fields.next, nowMs);
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
        const login = await emailLogins.firstFactorByLink(request.param("token") ?? "", nowMs);
        return logIn(login, null, nowMs);
      },
    }),
  ];
}

function askPage(
  context: PageContext,
  state: FormState,
  { sendsMail, passwords }: Pick<ConsoleDeps, "sendsMail" | "passwords">,
): Page {
  if (!sendsMail) return textPage(words.title, words.noMail);
  return cardPage(
    passwords ? words.title : auth.logIn.title,
    <>
      <EmailLoginForm context={context} state={state} />
      {passwords && (
        <p class="switch">
          <a href={withNext("/console/login", context, state)}>{words.byPassword}</a>
        </p>
      )}
    </>,
  );
}

function codePage(context: PageContext, state: FormState): Page {
  const { challenge, email } = state.values;
  const isWrong = state.problem?.status === 401;
  return cardPage(
    words.sentTitle,
    <>
      {typeof email === "string" && (
        <p>
          <Sentence text={words.sent(email)} />
        </p>
      )}
      <PostForm
        action={CODE}
        error={isWrong ? undefined : formError(state, ["code"])}
        button={auth.logIn.button}
      >
        <input type="hidden" name="challenge" value={String(challenge)} />
        {typeof email === "string" && <input type="hidden" name="email" value={email} />}
        <NextField context={context} state={state} />
        <Field
          {...fieldState(state, "code")}
          {...(isWrong && { problem: words.wrongCode })}
          label={words.code}
          autocomplete="one-time-code"
          inputmode="numeric"
          hint={words.codeHint}
          maxlength={20}
          required
        />
      </PostForm>
      <p class="switch">
        <a href={withNext(EMAIL_LOGIN, context, state)}>{words.again}</a>
      </p>
    </>,
  );
}

function linkPage(login: EmailLogin, path: string, state: FormState, nowMs: number): Page {
  return {
    ...cardPage(
      auth.logIn.title,
      <>
        <Alert kind="problem" text={formError(state, [])} />
        <p>
          <Sentence text={words.linkLead(login.email)} />
        </p>
        <Facts
          rows={[
            [words.askedWith, deviceText(login.device)],
            [words.when, <Relative ms={login.createdAtMs} nowMs={nowMs} />],
          ]}
        />
        <PostForm action={path} button={words.here} />
        <p class="switch">{words.notYou}</p>
      </>,
    ),
    head: <meta name="robots" content="noindex" />,
  };
}

const SPENT: Page = {
  ...textPage(
    words.spentTitle,
    words.spent,
    <a class="button" href={EMAIL_LOGIN}>
      {words.newOne}
    </a>,
  ),
  status: 410,
};
