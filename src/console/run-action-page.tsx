import * as v from "valibot";
import type { Preview } from "../core/action-pages.ts";
import type { PageLink } from "../core/action.ts";
import type { Caller } from "../core/caller.ts";
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
import type { ConsoleDeps } from "./deps.ts";
import { isolated } from "../core/text.ts";
import { SchemaFields } from "./schema-form.tsx";
import { actionPage as words } from "./words.ts";

/** Sent together with the inputs of the action's own form. */
const Run = v.looseObject({
  run_key: v.pipe(v.string("is missing"), v.regex(/^[\x21-\x7e]{1,100}$/, "does not fit")),
});

/**
 * The page behind a code or a link. GET only describes the action and the button runs it, so mail
 * scanners and link previews use nothing up.
 */
export function actionPage({ openForm }: PageRoutes, deps: ConsoleDeps): readonly Route[] {
  const { actionPages } = deps;
  const tokenOf = ({ request }: PageContext) => request.param("token") ?? "";

  return openForm({
    path: "/a/:token",
    schema: Run,
    async show(context, state) {
      const { caller, nowMs } = context;
      const preview = await actionPages.preview(tokenOf(context), caller, nowMs, isolated);
      return { ...(await pageOf(preview, context, state, deps)), ...PREVIEW_META };
    },
    async submit({ request, caller, nowMs }, sent) {
      const token = request.param("token") ?? "";
      const key = sent.run_key;
      const { title, after, next } = await actionPages.run(
        token,
        sent,
        caller,
        key,
        nowMs,
        isolated,
      );
      return cardPage(
        title,
        <>
          <Alert kind="done" text={<Sentence text={after} />} />
          <Next link={next} />
        </>,
      );
    },
  });
}

/** For link previews: nothing about the token, and no names. */
const PREVIEW_META = {
  description: words.description,
  previewTitle: words.previewTitle,
  head: <meta name="robots" content="noindex" />,
};

type Ready = Extract<Preview, { readonly state: "ready" }>;
type Refused = Extract<Preview, { readonly isOwn: boolean }>;

const STATUS: Readonly<Record<Refused["state"], number>> = {
  unknown: 404,
  expired: 410,
  used: 410,
  revoked: 410,
  audience: 403,
  rejected: 422,
};

async function pageOf(
  preview: Preview,
  context: PageContext,
  state: FormState,
  deps: ConsoleDeps,
): Promise<Page> {
  const loginLinks = <LoginLinks context={context} signUpIsOpen={deps.signUpIsOpen} />;
  switch (preview.state) {
    case "log_in":
      return textPage(...words.forOne, loginLinks);
    case "already":
      return textPage(words.already, preview.message, <Next link={preview.next} />);
    case "used_by_you":
      return cardPage(
        words.usedByYou,
        <>
          <p>
            <Sentence text={preview.after} />
          </p>
          <p>
            {words.usedAt} <Relative ms={preview.atMs} nowMs={context.nowMs} />.
          </p>
          <Next link={preview.next} />
        </>,
      );
    case "ready":
      return cardPage(
        preview.title,
        <>
          <p class="lead">
            <Sentence text={preview.before} />
          </p>
          <Terms preview={preview} service={deps.brand.name} nowMs={context.nowMs} />
          {preview.needsLogin ? (
            loginLinks
          ) : (
            <>
              <RunForm preview={preview} context={context} state={state} />
              <p class="hint">{words.nothingYet}</p>
            </>
          )}
        </>,
      );
    default: {
      const [title, text] = refusalText(preview);
      const more =
        preview.state === "audience" && !preview.isOwn && context.caller !== null ? (
          <OtherAccount email={await emailOf(context.caller, deps)} />
        ) : (
          <NextStep preview={preview} />
        );
      return { ...textPage(title, text, more), status: STATUS[preview.state] };
    }
  }
}

/** What it is, and what to do next. */
function refusalText(preview: Refused): readonly [title: string, text: string] {
  const { state, message, isOwn, isFinal, isInternal } = preview;
  if (state === "rejected") {
    return isOwn && !isFinal ? words.own : [words.rejected, message];
  }
  const [title, text] = words[state];
  if (state === "unknown") return [title, text];
  if (state === "audience") return [title, isOwn ? words.ownAudience : text];
  if (isInternal) return [title, words.byMail[state]];
  return [title, isOwn ? words.noOneCan : text];
}

/** What the reader can do next. It depends on whether the token is their own and whether anyone can still use it. */
function NextStep({ preview: { tokenId, reissue, renew } }: { readonly preview: Refused }) {
  if (tokenId === undefined) return <Next link={renew ?? null} />;
  return (
    <p class="buttons">
      {reissue !== undefined && (
        <a class="button" href={`/console/actions/new/${reissue}`}>
          {words.createNew}
        </a>
      )}
      <a class="button quiet" href={`/console/actions/${tokenId}`}>
        {words.manage}
      </a>
    </p>
  );
}

/** Where the page leads: to the console, if the action names nothing else. */
function Next({ link }: { readonly link: PageLink | null }) {
  return (
    <a class="button quiet" href={link?.href ?? "/console"}>
      {link?.text ?? words.toConsole}
    </a>
  );
}

/** Null where the account is gone meanwhile. */
const emailOf = async (caller: Caller, { accounts }: ConsoleDeps): Promise<string | null> =>
  (caller.user ?? (await accounts.find(caller.userId)))?.email ?? null;

function OtherAccount({ email }: { readonly email: string | null }) {
  return (
    <>
      {email !== null && (
        <p>
          <Sentence text={words.loggedInAs(email)} />
        </p>
      )}
      <PostForm action="/console/logout" button={words.logOut} look="quiet" />
    </>
  );
}

interface TermsProps {
  readonly preview: Ready;
  readonly service: string;
  readonly nowMs: number;
}

/** Who asks: a name is whatever its user chose, so the page says so, and what of them is proven. */
function Terms({ preview, service, nowMs }: TermsProps) {
  const { issuer, isInternal, usesLeft, expiresAtMs } = preview;
  return (
    <dl class="facts">
      <dt>{words.from}</dt>
      {isInternal ? (
        <dd>{words.byService(service)}</dd>
      ) : (
        <dd>
          {issuer.name === null ? words.noName : <UserText text={issuer.name} />}
          <p class="hint">
            {issuer.name !== null && `${words.ownName} `}
            {issuer.hasProvenEmail ? words.emailProven : words.emailUnproven}
          </p>
        </dd>
      )}
      <dt>{words.terms}</dt>
      <dd>
        {words.usesLeft(usesLeft)} · {words.expires} <Relative ms={expiresAtMs} nowMs={nowMs} />
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
        {words.logIn}
      </a>
      {signUpIsOpen && (
        <a class="button quiet" href={`/console/signup${next}`}>
          {words.signUp}
        </a>
      )}
    </p>
  );
}
