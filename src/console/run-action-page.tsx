import * as v from "valibot";
import { type Preview, UNNAMED_USER } from "../core/action-pages.ts";
import type { Route } from "../http/surface.ts";
import {
  EMPTY_FORM,
  type FormState,
  type PageRoutes,
  cardPage,
  textPage,
  type PageContext,
  formError,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { Alert, PostForm, Relative, Sentence, UserText } from "./components.tsx";
import { isolated } from "./isolated.ts";
import type { ConsoleDeps } from "./deps.ts";
import { SchemaFields } from "./schema-form.tsx";
import { actionPage as words } from "./words/en.ts";

/** Sent together with the inputs of the action's own form. */
const Run = v.looseObject({
  run_key: v.pipe(v.string("is missing"), v.regex(/^[\x21-\x7e]{1,100}$/, "does not fit")),
});

/**
 * The page behind a code or a link. GET only describes the action and the button runs it, so mail
 * scanners and link previews use nothing up.
 */
export function actionPage(
  { openForm }: PageRoutes,
  { actionPages, signUpIsOpen }: ConsoleDeps,
): readonly Route[] {
  const tokenOf = ({ request }: PageContext) => request.param("token") ?? "";

  return openForm({
    path: "/a/:token",
    schema: Run,
    async show(context, state) {
      const { caller, nowMs } = context;
      const preview = await actionPages.preview(tokenOf(context), caller, nowMs, isolated);
      return { ...pageOf(preview, context, state, signUpIsOpen), ...PREVIEW_META };
    },
    async submit({ request, caller, nowMs }, sent) {
      const token = request.param("token") ?? "";
      const key = sent.run_key;
      const { title, after } = await actionPages.run(token, sent, caller, key, nowMs, isolated);
      return cardPage(
        title,
        <>
          <Alert kind="done" text={<Sentence text={after} />} />
          <a class="button quiet" href="/console">
            To the console
          </a>
        </>,
      );
    },
  });
}

const ABOUT = "A link that does one thing. Open it to see what, and by whom it was made.";

/** For link previews: nothing about the token, and no names. */
const PREVIEW_META = {
  description: ABOUT,
  previewTitle: "A link for you",
  head: <meta name="robots" content="noindex" />,
};

/** Page and status for a token that cannot be run. */
const FAILED: Readonly<
  Record<
    Exclude<Preview["state"], "ready" | "log_in" | "already">,
    readonly [status: number, title: string, text: string | null]
  >
> = {
  unknown: [
    404,
    "No such link",
    "It is not known here. If you typed it, look for a typo; if it is old, it was forgotten.",
  ],
  expired: [410, "Too late", "The time of this link is over."],
  used: [410, "Used already", "This link was used as often as it could be."],
  revoked: [
    410,
    "Taken back",
    "This link was taken back by whoever made it, or with their account.",
  ],
  audience: [
    403,
    "Not for you",
    "This link is for one person, and that is not the account that you are logged in to.",
  ],
  // The action's own message says why.
  rejected: [422, "This cannot be done", null],
};

function pageOf(
  preview: Preview,
  context: PageContext,
  state: FormState,
  signUpIsOpen: boolean,
): Page {
  const loginLinks = <LoginLinks context={context} signUpIsOpen={signUpIsOpen} />;
  if (preview.state === "log_in") {
    const text = "This link is for one person. Log in, and you will see whether that is you.";
    return textPage("For one person", text, loginLinks);
  }
  if (preview.state === "already") {
    const { title, message: text } = preview;
    return textPage(title, text, <a href="/console">To the console</a>);
  }
  if (preview.state !== "ready") {
    const [status, title, text] = FAILED[preview.state];
    const next = <NextStep preview={preview} />;
    return { ...textPage(title, text ?? preview.message, next), status };
  }
  const { title, before, needsLogin } = preview;
  return cardPage(
    title,
    <>
      <p class="lead">
        <Sentence text={before} />
      </p>
      <Terms preview={preview} nowMs={context.nowMs} />
      {needsLogin ? loginLinks : <RunForm preview={preview} context={context} state={state} />}
    </>,
  );
}

type Failed = Exclude<Preview, { readonly state: "ready" | "log_in" | "already" }>;

/** What the reader can do next. It depends on whether the token is their own and whether anyone can still use it. */
function NextStep({ preview: { state, isOwn, reissue } }: { readonly preview: Failed }) {
  if (reissue !== undefined) return <a href={`/console/actions/new/${reissue}`}>Make a new one</a>;
  if (isOwn) {
    const whom = state === "audience" ? "the person it is for" : "somebody else";
    return <p class="hint">It is your own: show it to {whom}.</p>;
  }
  const isFinal = state === "expired" || state === "used" || state === "revoked";
  return (
    <>
      {isFinal && <p>Ask for a new one.</p>}
      <a href="/console">To the console</a>
    </>
  );
}

type Ready = Extract<Preview, { readonly state: "ready" }>;

function Terms({ preview, nowMs }: { readonly preview: Ready; readonly nowMs: number }) {
  const { issuer, isInternal, usesLeft, expiresAtMs } = preview;
  const by =
    issuer === UNNAMED_USER ? (
      "somebody who has said no name"
    ) : (
      <>
        <UserText text={issuer} /> <span class="hint">a user of this service</span>
      </>
    );
  return (
    <dl class="facts">
      <dt>From</dt>
      <dd>{isInternal ? "this service, by mail" : by}</dd>
      <dt>Good for</dt>
      <dd>
        {usesLeft === 1 ? "one use" : `${usesLeft} uses`}, ends{" "}
        <Relative ms={expiresAtMs} nowMs={nowMs} />
      </dd>
    </dl>
  );
}

interface RunFormProps {
  readonly preview: Ready;
  readonly context: PageContext;
  readonly state: FormState;
}

function RunForm({ preview: { title, fields, passkeys }, context, state }: RunFormProps) {
  // A key that was used for another request would be refused again, so generate a new one.
  const { run_key } = state.problem?.field === "run_key" ? EMPTY_FORM.values : state.values;
  return (
    <PostForm
      action={context.request.path}
      error={formError(
        state,
        fields.map(({ name }) => name),
      )}
      button={title}
    >
      {/* Makes a double click or a retry one run. */}
      <input
        type="hidden"
        name="run_key"
        value={typeof run_key === "string" ? run_key : crypto.randomUUID()}
      />
      <SchemaFields fields={fields.filter(({ kind }) => kind !== "passkeys")} state={state} />
      {fields
        .filter(({ kind }) => kind === "passkeys" && passkeys.length > 0)
        .map(({ name }) => (
          <PasskeyChoice name={name} passkeys={passkeys} nowMs={context.nowMs} state={state} />
        ))}
    </PostForm>
  );
}

interface PasskeyChoiceProps {
  readonly name: string;
  readonly passkeys: Ready["passkeys"];
  readonly nowMs: number;
  readonly state: FormState;
}

/** Which passkeys to keep: none, unless they are checked. */
function PasskeyChoice({ name, passkeys, nowMs, state }: PasskeyChoiceProps) {
  const checked = [state.values[name]].flat();
  return (
    <fieldset aria-describedby={`field-${name}-hint`}>
      <legend>{words.keepPasskeys}</legend>
      <p class="hint" id={`field-${name}-hint`}>
        {words.keepPasskeysHint}
      </p>
      {passkeys.map(({ id, name: passkey, createdAtMs, lastUsedAtMs }) => (
        <label class="choice">
          <input type="checkbox" name={name} value={id} checked={checked.includes(id)} />
          <span>
            <UserText text={passkey} />{" "}
            <span class="hint">
              {words.passkeyAdded} <Relative ms={createdAtMs} nowMs={nowMs} />,{" "}
              {lastUsedAtMs === null ? (
                words.passkeyUnused
              ) : (
                <>
                  {words.passkeyUsed} <Relative ms={lastUsedAtMs} nowMs={nowMs} />
                </>
              )}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Log in or sign up, then come back here. */
function LoginLinks({ context, signUpIsOpen }: { context: PageContext; signUpIsOpen: boolean }) {
  const next = `?next=${encodeURIComponent(context.request.path)}`;
  return (
    <p class="buttons">
      <a class="button" href={`/console/login${next}`}>
        Log in to go on
      </a>
      {signUpIsOpen && (
        <a class="button quiet" href={`/console/signup${next}`}>
          Make an account
        </a>
      )}
    </p>
  );
}
