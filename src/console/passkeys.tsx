import type { Child } from "hono/jsx";
import * as v from "valibot";
import { isFresh } from "../core/fresh-login.ts";
import type { Passkey } from "../core/passkeys.ts";
import type { Route } from "../http/surface.ts";
import {
  AuthenticationResponse,
  RegistrationResponse,
  tokenName,
} from "../surfaces/rest/fields.ts";
import { Alert, Confirm, Field, PostForm, Table, Time, UserText } from "./components.tsx";
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

const PATH = "/console/account/passkeys";

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
    return {
      title: "Passkeys",
      body: (
        <>
          <h1>Passkeys</h1>
          <p>
            A passkey logs you in with your fingerprint, face or PIN, and without a password. It
            works only here, so no other site can ask for it.
          </p>
          <Alert kind="problem" text={formError(renaming, ["name"])} />
          {own.length > 0 && <OwnPasskeys passkeys={own} renaming={renaming} />}
          <section class="card">
            <h2>Add a passkey</h2>
            {creation === null ? (
              <>
                <p>You logged in more than ten minutes ago.</p>
                <a class="button" href={`/console/confirm?next=${encodeURIComponent(PATH)}`}>
                  Confirm it's you
                </a>
              </>
            ) : (
              <PasskeyForm
                ceremony="create"
                action={PATH}
                options={creation}
                error={formError(state, ["name"])}
                button="Add a passkey"
              >
                <Field
                  {...fieldState(state, "name")}
                  label="Name"
                  autocomplete="off"
                  maxlength={64}
                />
              </PasskeyForm>
            )}
          </section>
          <p class="aside">
            <a href="/console/account">Back to the account</a>
          </p>
        </>
      ),
    };
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
  return (
    <section class="card">
      <Table
        rows={passkeys}
        columns={[
          ["Name", (passkey) => <UserText text={passkey.name} />],
          [
            "Where it is",
            ({ isBackupEligible, isBackedUp }) =>
              isBackedUp
                ? "backed up, on your devices"
                : isBackupEligible
                  ? "not backed up yet"
                  : "on one device only",
          ],
          ["Added", ({ createdAtMs }) => <Time ms={createdAtMs} />],
          [
            "Last used",
            ({ lastUsedAtMs }) => (lastUsedAtMs === null ? "never" : <Time ms={lastUsedAtMs} />),
          ],
        ]}
        act={[
          "Change",
          (passkey) => (
            <>
              <Confirm
                summary="Rename"
                subject={passkey.name}
                isHarmless
                group={passkey.id}
                isOpen={stateOf(passkey).problem !== null}
              >
                <PostForm action={`${PATH}/rename`} id={passkey.id} button="Rename" look="small">
                  <Field
                    {...fieldState(stateOf(passkey), "name", passkey.name)}
                    id={`name-${passkey.id}`}
                    label="New name"
                    autocomplete="off"
                    maxlength={64}
                    required
                  />
                </PostForm>
              </Confirm>
              <Confirm summary="Remove" subject={passkey.name} group={passkey.id}>
                <PostForm
                  action={`${PATH}/remove`}
                  id={passkey.id}
                  button="Remove this passkey"
                  look="danger small"
                />
              </Confirm>
            </>
          ),
        ]}
      />
    </section>
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
        hidden
      >
        {children}
        <input type="hidden" name="response" />
        <button type="submit" {...(look !== undefined && { class: look })}>
          {button}
        </button>
        <span class="hint" role="status" />
      </form>
      {ceremony === "create" && (
        <p>Adding a passkey needs JavaScript, and a browser that has passkeys.</p>
      )}
    </>
  );
}
