import type { Child } from "hono/jsx";
import * as v from "valibot";
import { isFresh } from "../core/caller.ts";
import type { Passkey } from "../core/passkeys.ts";
import type { Route } from "../http/surface.ts";
import {
  AuthenticationResponse,
  RegistrationResponse,
  tokenName,
} from "../surfaces/rest/fields.ts";
import { accountPage, SECURITY } from "./account.tsx";
import {
  Alert,
  Confirm,
  Empty,
  Field,
  Panel,
  PostForm,
  Sentence,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import {
  type AuthedPageContext,
  EMPTY_FORM,
  fieldState,
  formError,
  type FormState,
  itemId,
  ItemId,
  type PageRoutes,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { security } from "./words.ts";

const PATH = `${SECURITY}/passkeys`;

const words = security.passkeys;

/** What the script puts into the form: a browser's answer as JSON. */
const answer = <const S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.string("is missing"),
    v.minLength(1, "is missing"),
    v.parseJson({}, "does not fit"),
    schema,
  );

/** Left empty, it is named after the model of authenticator. */
const name = v.pipe(
  v.optional(v.string("must be a string"), ""),
  v.transform((text) => (text.trim() === "" ? undefined : text)),
  v.optional(tokenName),
);
const Addition = v.object({ response: answer(RegistrationResponse), name });
const Renaming = v.object({ id: itemId, name: tokenName });
export const LogInFields = v.object({
  response: answer(AuthenticationResponse),
  next: v.optional(v.unknown()),
});

/** The passkeys of an account: list, add, rename, remove. */
export function passkeyPages(
  { form, formOn, action }: PageRoutes,
  { accounts, passkeys, freshLogins }: ConsoleDeps,
): readonly Route[] {
  if (!passkeys.isOn) return [];

  /** Null where the log-in is too old to add one. A copy of the session may not know yet that it was confirmed. */
  async function options({ caller: known, nowMs }: AuthedPageContext) {
    const caller = isFresh(known, nowMs) ? known : await freshLogins.current(known, nowMs);
    if (!isFresh(caller, nowMs)) return null;
    return passkeys.creationOptions(caller, await accounts.read(caller), nowMs);
  }

  /** @param renaming the submitted rename form, if it had errors */
  async function show(
    context: AuthedPageContext,
    state: FormState,
    renaming: FormState = EMPTY_FORM,
  ): Promise<Page> {
    const [own, creation] = await Promise.all([passkeys.list(context.caller), options(context)]);
    return accountPage({
      title: words.title,
      lead: words.lead,
      back: [SECURITY, security.back],
      tab: SECURITY,
      body: (
        <>
          <Alert kind="problem" text={formError(renaming, ["name"])} />
          {own.length > 0 ? (
            <OwnPasskeys passkeys={own} renaming={renaming} />
          ) : (
            <Empty title={words.empty} text={words.emptyText} />
          )}
          <Panel title={words.add}>
            {creation === null ? (
              <>
                <p>{words.old}</p>
                <a class="button" href={`/console/confirm?next=${encodeURIComponent(PATH)}`}>
                  {words.confirm}
                </a>
              </>
            ) : (
              <PasskeyForm
                ceremony="create"
                action={PATH}
                options={creation}
                error={formError(state, ["name"])}
                button={words.add}
              >
                <Field
                  {...fieldState(state, "name")}
                  label={words.name}
                  hint={words.nameHint}
                  autocomplete="off"
                  maxlength={64}
                />
              </PasskeyForm>
            )}
          </Panel>
        </>
      ),
    });
  }

  return [
    ...form({
      path: PATH,
      schema: Addition,
      show: (context, state) => show(context, state),
      async submit({ caller, nowMs }, sent) {
        const added = await passkeys.add(caller, sent.response, sent.name ?? null, nowMs);
        return seeOtherWithMessage(PATH, "passkey_added", added.name);
      },
    }),
    formOn({
      path: `${PATH}/rename`,
      schema: Renaming,
      show: (context, state) => show(context, EMPTY_FORM, state),
      async submit({ caller, nowMs }, { id, name: wanted }) {
        const renamed = await passkeys.rename(caller, id, wanted, nowMs);
        return seeOtherWithMessage(PATH, "token_renamed", renamed.name);
      },
    }),
    action({
      path: `${PATH}/remove`,
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await passkeys.remove(caller, id, nowMs);
        return seeOtherWithMessage(PATH, "passkey_removed");
      },
    }),
  ];
}

interface OwnPasskeysProps {
  readonly passkeys: readonly Passkey[];
  readonly renaming: FormState;
}

function OwnPasskeys({ passkeys, renaming }: OwnPasskeysProps) {
  const stateOf = ({ id }: Passkey) => (renaming.values.id === id ? renaming : EMPTY_FORM);
  const { columns } = words;
  return (
    <Table
      rows={passkeys}
      columns={[
        [columns.name, (passkey) => <UserText text={passkey.name} />],
        [
          columns.stored,
          ({ isBackupEligible, isBackedUp }) =>
            isBackedUp ? words.synced : isBackupEligible ? words.notSynced : words.oneDevice,
        ],
        [columns.added, ({ createdAtMs }) => <Time ms={createdAtMs} />],
        [
          columns.used,
          ({ lastUsedAtMs }) => (lastUsedAtMs === null ? words.never : <Time ms={lastUsedAtMs} />),
        ],
      ]}
      act={[
        columns.act,
        (passkey) => (
          <div class="buttons">
            <Confirm
              summary={words.rename}
              subject={passkey.name}
              isHarmless
              group={passkey.id}
              isOpen={stateOf(passkey).problem !== null}
            >
              <PostForm
                action={`${PATH}/rename`}
                id={passkey.id}
                button={words.rename}
                look="small"
              >
                <Field
                  {...fieldState(stateOf(passkey), "name", passkey.name)}
                  id={`name-${passkey.id}`}
                  label={words.newName}
                  autocomplete="off"
                  maxlength={64}
                  required
                />
              </PostForm>
            </Confirm>
            <Confirm summary={words.remove} subject={passkey.name} group={passkey.id}>
              <p>
                <Sentence text={words.removeText(passkey.name)} />
              </p>
              <PostForm
                action={`${PATH}/remove`}
                id={passkey.id}
                button={words.removeButton}
                look="danger small"
              />
            </Confirm>
          </div>
        ),
      ]}
    />
  );
}

interface PasskeyFormProps {
  readonly ceremony: "create" | "get";
  readonly action: string;
  readonly options: object;
  readonly error?: string | undefined;
  readonly button: string;
  readonly look?: string;
  readonly children?: Child;
}

/**
 * A form that the script completes: it hands `options` to the browser and sends what that answers. Until then, and
 * without the script, its button is hidden.
 */
export function PasskeyForm({
  ceremony,
  action,
  options,
  error,
  button,
  look,
  children,
}: PasskeyFormProps) {
  return (
    <>
      <Alert kind="problem" text={error} />
      <form
        method="post"
        action={action}
        data-passkey={ceremony}
        data-options={JSON.stringify(options)}
        data-exists={words.exists}
        data-unused={words.unused}
        hidden
      >
        {children}
        <input type="hidden" name="response" />
        <button type="submit" {...(look !== undefined && { class: look })}>
          {button}
        </button>
        <span class="hint" role="status" />
      </form>
      {ceremony === "create" && <p class="hint">{words.needs}</p>}
    </>
  );
}
