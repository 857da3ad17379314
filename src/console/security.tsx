import type { Child } from "hono/jsx";
import * as v from "valibot";
import { ALL_EVENTS, type EventFilter, kindsOf } from "../core/events.ts";
import type { LinkedIdentity } from "../core/identities.ts";
import { FACEBOOK, GOOGLE } from "../core/issuers.ts";
import { RECOVERY_CODES } from "../core/second-factor.ts";
import type { Route } from "../http/surface.ts";
import { DeleteUser, SignUp } from "../surfaces/rest/fields.ts";
import { accountPage, SECURITY } from "./account.tsx";
import { EventTable } from "./activity.tsx";
import {
  Confirm,
  Field,
  NEW_PASSWORD_INPUT,
  Panel,
  PASSWORD_INPUT,
  Pill,
  PostForm,
  Sentence,
  Table,
  Time,
  UserText,
} from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import { issuerPath } from "./issuer-login.tsx";
import { OthersForm, SESSIONS, SessionTable } from "./logins.tsx";
import {
  type AuthedPageContext,
  fieldState,
  formError,
  ItemId,
  type PageRoutes,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { account, security as words } from "./words.ts";

export const PASSWORD = `${SECURITY}/password`;
const REMOVE_IDENTITY = `${SECURITY}/identities/remove`;

/** How many sessions and events the page shows, and among how many events it looks for these. */
const SESSIONS_SHOWN = 5;
const EVENTS_SHOWN = 6;
const EVENTS_LOOKED_AT = 300;

const RECENT: EventFilter = {
  ...ALL_EVENTS,
  kinds: {
    // Without what programs do by themselves.
    names: (["logins", "account", "refused"] as const)
      .flatMap((group) => kindsOf(group).names)
      .filter((what) => !/extended|refreshed|user\.changed|mail\.issued/.test(what)),
    isExcluded: false,
  },
};

const NewPassword = v.pipe(
  v.object({
    password: SignUp.entries.password,
    current_password: DeleteUser.entries.password.wrapped,
  }),
  v.transform((fields) => ({
    password: fields.password,
    currentPassword: fields.current_password,
  })),
);

/** What opens an account, where it is open, and the password. */
export function securityPages({ page, form, action }: PageRoutes, deps: ConsoleDeps): Route[] {
  const { accounts, freshLogins, identities, passkeys, secondFactor, logins, audit } = deps;

  async function show({ caller, nowMs }: AuthedPageContext): Promise<Page> {
    const [user, linked, own, factor, sessions, events] = await Promise.all([
      freshLogins.account(caller),
      identities.list(caller),
      passkeys.isOn ? passkeys.list(caller) : [],
      secondFactor.state(caller),
      logins.list(caller, { limit: SESSIONS_SHOWN, after: null }, nowMs),
      audit.find(caller.userId, RECENT, { limit: EVENTS_SHOWN, after: null }, EVENTS_LOOKED_AT),
    ]);
    const isOn = factor.confirmedAtMs !== null;
    const { password, passkeys: keys, factor: second, providers, sessions: active } = words;
    return accountPage({
      title: words.title,
      lead: words.lead,
      tab: SECURITY,
      body: (
        <>
          <Panel title={words.waysIn}>
            <ul class="settings">
              {deps.passwords && (
                <Setting
                  title={password.title}
                  state={user.hasPassword ? password.set : password.unset}
                  href={PASSWORD}
                  act={user.hasPassword ? password.change : words.setUp}
                />
              )}
              {passkeys.isOn && (
                <Setting
                  title={keys.title}
                  state={keys.count(own.length)}
                  href={`${SECURITY}/passkeys`}
                  act={own.length > 0 ? words.manage : words.setUp}
                />
              )}
              <Setting
                title={second.title}
                state={
                  isOn ? (
                    <>
                      <Pill tone="good">{second.on}</Pill>{" "}
                      {second.left(factor.recoveryCodesLeft, RECOVERY_CODES)}
                    </>
                  ) : (
                    second.off
                  )
                }
                href={`${SECURITY}/second-factor`}
                act={isOn ? words.manage : words.setUp}
              />
              {linked.length > 0 && (
                <Setting
                  title={providers.title}
                  state={linked.map(nameOf).join(", ")}
                  href="#linked"
                  act={words.manage}
                />
              )}
            </ul>
          </Panel>
          <Providers identities={linked} issuers={deps.issuerLogin.issuers} />
          <Panel title={active.title} id="sessions">
            <SessionTable logins={sessions.items} nowMs={nowMs} />
            <div class="below buttons">
              <OthersForm logins={sessions.items} />
              <a class="button quiet small" href={SESSIONS}>
                {active.all}
              </a>
            </div>
          </Panel>
          <Panel title={words.recent.title}>
            {events.items.length === 0 ? (
              <p>{words.recent.none}</p>
            ) : (
              <EventTable entries={events.items} userId={caller.userId} actions={deps.actionUses} />
            )}
            <p class="below">
              <a href="/console/activity">{words.recent.all}</a>
            </p>
          </Panel>
        </>
      ),
    });
  }

  return [
    page(SECURITY, show),
    ...(deps.passwords
      ? form({
          path: PASSWORD,
          schema: NewPassword,
          passwordField: "current_password",
          async show({ caller }, state) {
            const { email, hasPassword } = await freshLogins.account(caller);
            const {
              pageTitle,
              warning,
              hint,
              new: label,
              save,
              noneText,
              request,
            } = words.password;
            return accountPage({
              title: pageTitle,
              back: [SECURITY, words.back],
              tab: SECURITY,
              body: (
                <section class="card start">
                  {hasPassword ? (
                    <PostForm
                      action={PASSWORD}
                      error={formError(state, ["password", "current_password"])}
                      button={save}
                    >
                      <p>{warning}</p>
                      <input type="hidden" name="username" autocomplete="username" value={email} />
                      <Field
                        {...fieldState(state, "current_password")}
                        {...PASSWORD_INPUT}
                        label={account.currentPassword}
                      />
                      <Field
                        {...fieldState(state, "password")}
                        {...NEW_PASSWORD_INPUT}
                        label={label}
                        hint={hint}
                      />
                    </PostForm>
                  ) : (
                    <>
                      <p>{noneText}</p>
                      <a class="button" href="/console/forgotten">
                        {request}
                      </a>
                    </>
                  )}
                </section>
              ),
            });
          },
          async submit({ caller, nowMs }, change) {
            await accounts.change(caller, change, nowMs);
            return seeOtherWithMessage(SECURITY, "password_changed");
          },
        })
      : []),
    action({
      path: REMOVE_IDENTITY,
      page: SECURITY,
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await identities.remove(caller, id, nowMs);
        return seeOtherWithMessage(SECURITY, "identity_removed");
      },
    }),
  ];
}

interface SettingProps {
  readonly title: string;
  readonly state: Child;
  readonly href: string;
  readonly act: string;
}

/** A way to log in, with its state in words. */
function Setting({ title, state, href, act }: SettingProps) {
  return (
    <li>
      <h3>{title}</h3>
      <p>{state}</p>
      <a class="button quiet small" href={href}>
        {act}
        <span class="unseen"> {title}</span>
      </a>
    </li>
  );
}

const PROVIDERS: Readonly<Record<string, string>> = {
  [GOOGLE.spellings[0]]: "Google",
  [FACEBOOK.spellings[0]]: "Facebook",
};

const nameOf = ({ issuer }: LinkedIdentity): string => PROVIDERS[issuer] ?? new URL(issuer).host;

interface ProvidersProps {
  readonly identities: readonly LinkedIdentity[];
  readonly issuers: ConsoleDeps["issuerLogin"]["issuers"];
}

/** Accounts at other services that open this one, and those that may still be linked. */
function Providers({ identities, issuers }: ProvidersProps) {
  if (identities.length + issuers.length === 0) return null;
  const { title, text, columns, emailLong, unknown, never, link, ...texts } = words.providers;
  return (
    <Panel title={title} id="linked">
      <p>{text}</p>
      {identities.length > 0 && (
        <Table
          rows={identities}
          columns={[
            [columns.provider, nameOf],
            [
              emailLong,
              ({ email }) => (email === null ? unknown : <UserText text={email} />),
              columns.email,
            ],
            [columns.linked, ({ linkedAtMs }) => <Time ms={linkedAtMs} />],
            [
              columns.used,
              ({ lastUsedAtMs }) => (lastUsedAtMs === null ? never : <Time ms={lastUsedAtMs} />),
            ],
          ]}
          act={[
            columns.act,
            (identity) => (
              <Confirm summary={texts.remove} subject={nameOf(identity)}>
                <p>
                  <Sentence text={texts.removeText(nameOf(identity))} />
                </p>
                <PostForm
                  action={REMOVE_IDENTITY}
                  id={identity.id}
                  button={texts.removeButton}
                  look="danger small"
                />
              </Confirm>
            ),
          ]}
        />
      )}
      {issuers.length > 0 && (
        <div class="below buttons">
          {issuers.map(({ name, label }) => (
            <PostForm action={issuerPath(name)} button={link(label)} look="quiet small">
              <input type="hidden" name="link" value="on" />
            </PostForm>
          ))}
        </div>
      )}
    </Panel>
  );
}
