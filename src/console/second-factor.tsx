import * as v from "valibot";
import { RECOVERY_CODES } from "../core/second-factor.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import { Copyable, Field, PostForm, QrCode, Time } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import { PAGE_HEADERS, type Page } from "./page.tsx";
import {
  type AuthedPageContext,
  fieldState,
  formError,
  type FormState,
  type PageRoutes,
  seeOther,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import { CODE_INPUT } from "./second-step.tsx";

const PATH = "/console/account/second-factor";

const otp = v.pipe(v.string("is required"), v.minLength(1, "is required"));
/** As the page before showed it, so that a wrong code need not begin anew. */
const secret = v.pipe(v.string("is required"), v.regex(/^[A-Z2-7]{32}$/, "is required"));
const CODE = "[a-z2-7]{4}(?:-[a-z2-7]{4}){5}";
const codes = v.pipe(
  v.string("is required"),
  v.regex(new RegExp(`^${CODE}(?:\\n${CODE}){${RECOVERY_CODES - 1}}$`), "is required"),
);

/** An authenticator app, and recovery codes. */
export function secondFactorPages(
  { page, form, formOn, action }: PageRoutes,
  { accounts, secondFactor, issuer }: ConsoleDeps,
): readonly Route[] {
  type Section = "codes" | "remove";

  async function show(context: AuthedPageContext, section: Section | null, state: FormState) {
    const { confirmedAtMs, recoveryCodesLeft } = await secondFactor.state(context.caller);
    return confirmedAtMs === null
      ? offPage()
      : onPage(confirmedAtMs, recoveryCodesLeft, section, state);
  }

  async function setUpPage(
    { caller }: AuthedPageContext,
    state: FormState,
  ): Promise<Page | HttpResult> {
    const { values } = state;
    if (!v.is(secret, values.secret)) return seeOther(PATH);
    const { email } = await accounts.read(caller);
    return scanPage(values.secret, secondFactor.uriOf(values.secret, email), state);
  }

  const onForm = (
    section: Section,
    submit: (context: AuthedPageContext, otp: string) => Promise<Page | HttpResult>,
  ) =>
    formOn({
      path: `${PATH}/${section}`,
      schema: v.object({ otp }),
      passwordField: "otp",
      show: (context, state) => show(context, section, state),
      submit: (context, fields) => submit(context, fields.otp),
    });

  return [
    page(PATH, (context) => show(context, null, { values: {}, problem: null })),
    action({
      path: `${PATH}/begin`,
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        const { email } = await accounts.read(caller);
        const begun = await secondFactor.begin(caller, email, nowMs);
        return scanPage(begun.secret, begun.uri, { values: {}, problem: null });
      },
    }),
    ...form({
      path: `${PATH}/confirm`,
      schema: v.object({ otp, secret }),
      show: setUpPage,
      async submit({ caller, nowMs }, { otp }) {
        return codesPage("It is on", await secondFactor.confirm(caller, otp, nowMs));
      },
    }),
    onForm("codes", async ({ caller, nowMs }, otp) =>
      codesPage("Your new recovery codes", await secondFactor.renewCodes(caller, otp, nowMs)),
    ),
    onForm("remove", async ({ caller, nowMs }, otp) => {
      await secondFactor.remove(caller, otp, nowMs);
      return seeOtherWithMessage("/console/account", "second_factor_removed");
    }),
    action({
      path: `${PATH}/download`,
      page: PATH,
      schema: v.object({
        codes: v.pipe(
          v.string("is required"),
          v.transform((text) => text.replaceAll("\r\n", "\n")),
          codes,
        ),
      }),
      submit: async (_, fields) => textFile(fields.codes, new URL(issuer).host),
    }),
  ];
}

/** Made from what the page showed: no one else knows the codes, the service neither. */
const textFile = (text: string, host: string): HttpResult => ({
  status: 200,
  body: null,
  text: `Recovery codes of your account at ${host}. Each works once.\n\n${text}\n`,
  headers: {
    ...PAGE_HEADERS,
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="recovery-codes.txt"',
  },
});

const TITLE = "Second factor";

const offPage = (): Page => ({
  title: TITLE,
  body: (
    <>
      <h1>{TITLE}</h1>
      <section class="card">
        <p>
          With a second factor, a password alone does not open your account: each login also asks
          for a code that an authenticator app on your phone shows. Passkeys do not ask for it.
        </p>
        <PostForm action={`${PATH}/begin`} button="Set up an authenticator app" />
      </section>
    </>
  ),
});

function scanPage(secret: string, uri: string, state: FormState): Page {
  return {
    title: "Set up an authenticator app",
    body: (
      <>
        <h1>Set up an authenticator app</h1>
        <section class="card">
          <p>Scan this with the app, or enter the key by hand. It is shown now and never again.</p>
          <QrCode text={uri} label="QR code of the key" />
          <Copyable text={secret} label="Key" />
          <PostForm
            action={`${PATH}/confirm`}
            error={formError(state, ["otp"])}
            button="Turn it on"
          >
            <input type="hidden" name="secret" value={secret} />
            <Field
              {...fieldState({ ...state, values: {} }, "otp")}
              {...CODE_INPUT}
              label="The code that the app shows"
            />
          </PostForm>
        </section>
      </>
    ),
  };
}

function codesPage(title: string, recoveryCodes: readonly string[]): Page {
  return {
    title,
    body: (
      <>
        <h1>{title}</h1>
        <section class="card">
          <p>
            These recovery codes log you in without the app, each once. They are shown now and never
            again: download them, or write them down.
          </p>
          <ul class="codes">
            {recoveryCodes.map((code) => (
              <li>
                <code>{code}</code>
              </li>
            ))}
          </ul>
          <PostForm action={`${PATH}/download`} button="Download them">
            <input type="hidden" name="codes" value={recoveryCodes.join("\n")} />
          </PostForm>
          <p class="aside">
            <a href={PATH}>I have kept them</a>
          </p>
        </section>
      </>
    ),
  };
}

function onPage(
  sinceMs: number,
  codesLeft: number,
  section: "codes" | "remove" | null,
  state: FormState,
): Page {
  const stateOf = (each: typeof section): FormState =>
    each === section ? { ...state, values: {} } : { values: {}, problem: null };
  const codeForm = (each: "codes" | "remove", button: string, look: string) => (
    <PostForm
      action={`${PATH}/${each}`}
      error={formError(stateOf(each), ["otp"])}
      button={button}
      look={look}
    >
      <Field
        {...fieldState(stateOf(each), "otp")}
        {...CODE_INPUT}
        id={`field-otp-to-${each}`}
        hint="From the app, or a recovery code."
      />
    </PostForm>
  );
  return {
    title: TITLE,
    body: (
      <>
        <h1>{TITLE}</h1>
        <p>
          <span class="badge good">on</span> since <Time ms={sinceMs} />
        </p>
        <section class="card">
          <h2>Recovery codes</h2>
          <p>
            {codesLeft} of {RECOVERY_CODES} are left. New ones take the place of all others.
          </p>
          {codeForm("codes", "Make new recovery codes", "quiet")}
        </section>
        <section class="card">
          <h2>Remove it</h2>
          <p>A password alone then opens your account, as before.</p>
          {codeForm("remove", "Remove the second factor", "danger")}
        </section>
      </>
    ),
  };
}
