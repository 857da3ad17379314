import type { Child } from "hono/jsx";
import * as v from "valibot";
import { RECOVERY_CODES } from "../core/second-factor.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import { accountPage, SECURITY } from "./account.tsx";
import { CODE_INPUT, Copyable, Field, Panel, Pill, PostForm, QrCode, Time } from "./components.tsx";
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
import { security } from "./words.ts";

const PATH = `${SECURITY}/second-factor`;

const words = security.factor;

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
        return codesPage(words.onTitle, await secondFactor.confirm(caller, otp, nowMs));
      },
    }),
    onForm("codes", async ({ caller, nowMs }, otp) =>
      codesPage(words.newCodesTitle, await secondFactor.renewCodes(caller, otp, nowMs)),
    ),
    onForm("remove", async ({ caller, nowMs }, otp) => {
      await secondFactor.remove(caller, otp, nowMs);
      return seeOtherWithMessage(SECURITY, "second_factor_removed");
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
  text: `${words.file(host)}\n\n${text}\n`,
  headers: {
    ...PAGE_HEADERS,
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="recovery-codes.txt"',
  },
});

const factorPage = (title: string, body: Child): Page =>
  accountPage({ title, back: [SECURITY, security.back], tab: SECURITY, body });

const offPage = (): Page =>
  factorPage(
    words.title,
    <section class="card start">
      <p>{words.offText}</p>
      <PostForm action={`${PATH}/begin`} button={words.begin} />
    </section>,
  );

const scanPage = (secret: string, uri: string, state: FormState): Page =>
  factorPage(
    words.scanTitle,
    <section class="card start">
      <p>{words.scanText}</p>
      <QrCode text={uri} label={words.qr} />
      <Copyable text={secret} label={words.key} />
      <PostForm action={`${PATH}/confirm`} error={formError(state, ["otp"])} button={words.confirm}>
        <input type="hidden" name="secret" value={secret} />
        <Field
          {...fieldState({ ...state, values: {} }, "otp")}
          {...CODE_INPUT}
          label={words.code}
        />
      </PostForm>
    </section>,
  );

const codesPage = (title: string, recoveryCodes: readonly string[]): Page =>
  factorPage(
    title,
    <section class="card start">
      <p>{words.saveText}</p>
      <ul class="codes">
        {recoveryCodes.map((code) => (
          <li>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="buttons">
        <PostForm action={`${PATH}/download`} button={words.download}>
          <input type="hidden" name="codes" value={recoveryCodes.join("\n")} />
        </PostForm>
        <a class="button quiet" href={PATH}>
          {words.saved}
        </a>
      </div>
    </section>,
  );

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
        hint={words.codeHint}
      />
    </PostForm>
  );
  return factorPage(
    words.title,
    <>
      <p>
        <Pill tone="good">{words.on}</Pill> {words.since} <Time ms={sinceMs} />
      </p>
      <Panel title={words.codesTitle}>
        <p>
          <strong>{words.left(codesLeft, RECOVERY_CODES)}</strong>
        </p>
        <p>{words.codesText}</p>
        {codeForm("codes", words.renew, "quiet")}
      </Panel>
      <Panel title={words.removeTitle} danger>
        <p>{words.removeText}</p>
        {codeForm("remove", words.remove, "danger")}
      </Panel>
    </>,
  );
}
