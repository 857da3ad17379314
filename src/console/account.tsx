import * as v from "valibot";
import type { AccountChange } from "../core/accounts.ts";
import type { LinkedIdentity } from "../core/identities.ts";
import { FACEBOOK, GOOGLE } from "../core/issuers.ts";
import { PROFILE_COLUMNS, PROFILE_FIELDS, profileOf, type User } from "../core/user.ts";
import type { Route } from "../http/surface.ts";
import { DeleteUser, profileOrNull, SignUp } from "../surfaces/rest/fields.ts";
import type { ConsoleDeps } from "./deps.ts";
import { LinkButtons } from "./issuer-login.tsx";
import {
  EMPTY_FORM,
  ItemId,
  type FormState,
  type PageRoutes,
  fieldState,
  type AuthedPageContext,
  seeOtherWithMessage,
  formError,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import {
  Alert,
  Confirm,
  EMAIL_INPUT,
  Field,
  NEW_PASSWORD_INPUT,
  PASSWORD_INPUT,
  PostForm,
  Table,
  Time,
  UserText,
} from "./components.tsx";

const { email, password } = SignUp.entries;
const current_password = DeleteUser.entries.password.wrapped;

/** An input left empty clears the stored value. */
const Profile = v.pipe(
  v.record(v.string(), v.unknown()),
  v.transform((sent) =>
    Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [
        name,
        typeof value === "string" && value.trim() === "" ? null : value,
      ]),
    ),
  ),
  v.object(profileOrNull),
  v.transform(profileOf),
);

const Email = v.pipe(
  v.object({ email, current_password: v.optional(current_password) }),
  v.transform((fields) => ({ email: fields.email, currentPassword: fields.current_password })),
);

const Password = v.pipe(
  v.object({ password, current_password }),
  v.transform((fields) => ({
    password: fields.password,
    currentPassword: fields.current_password,
  })),
);

const SECTIONS = {
  profile: { done: "profile_saved", not: "Your profile was not saved." },
  email: { done: "email_changed", not: "Your email was not changed." },
  password: { done: "password_changed", not: "Your password was not changed." },
} as const;

/** Profile, email and password: three forms on one page. */
export function accountPages(
  { form, page, action }: PageRoutes,
  { accounts, recovery, identities, issuerLogin, passkeys, sendsMail, passwords }: ConsoleDeps,
): readonly Route[] {
  type Section = keyof typeof SECTIONS;

  async function show(
    context: AuthedPageContext,
    section: Section | null,
    state: FormState,
  ): Promise<Page> {
    const [user, linked] = await Promise.all([
      accounts.read(context.caller),
      identities.list(context.caller),
    ]);
    const stateOf = (each: Section) => (each === section ? state : EMPTY_FORM);
    return {
      title: "Account",
      body: (
        <>
          <h1>Account</h1>
          {section !== null && state.problem !== null && (
            <Alert
              kind="problem"
              isFocused={false}
              text={
                <>
                  {SECTIONS[section].not} <a href={`#${section}`}>See what is wrong</a>
                </>
              }
            />
          )}
          <ProfileForm user={user} state={stateOf("profile")} />
          <EmailForm
            user={user}
            state={stateOf("email")}
            sendsMail={sendsMail}
            passwords={passwords}
          />
          {passwords && <PasswordForm user={user} state={stateOf("password")} />}
          <Providers identities={linked} />
          <LinkButtons issuers={issuerLogin.issuers} />
          <section class="card">
            <h2>Second factor</h2>
            <p class="aside">
              <a href="/console/account/second-factor">An authenticator app, and recovery codes</a>
            </p>
          </section>
          {passkeys.isOn && (
            <section class="card">
              <h2>Passkeys</h2>
              <p>
                Log in with your fingerprint, face or PIN.{" "}
                <a href="/console/account/passkeys">Your passkeys</a>
              </p>
            </section>
          )}
          <section class="card">
            <h2>Your data</h2>
            <p class="aside">
              <a href="/console/account/export">Export all that is held about you</a>
              <a href="/console/account/delete">Delete the account</a>
            </p>
          </section>
        </>
      ),
    };
  }

  const section = <const S extends v.GenericSchema<unknown, AccountChange>>(
    name: Section,
    schema: S,
  ) =>
    form({
      path: `/console/account/${name}`,
      schema,
      passwordField: "current_password",
      show: (context, state) => show(context, name, state),
      async submit({ caller, nowMs }, change) {
        const { pendingEmail } = await accounts.change(caller, change, nowMs);
        const isPending = name === "email" && pendingEmail !== null;
        return seeOtherWithMessage(
          "/console/account",
          isPending ? "email_wanted" : SECTIONS[name].done,
        );
      },
    });

  return [
    page("/console/account", (context) => show(context, null, EMPTY_FORM)),
    ...section("profile", Profile),
    ...section("email", Email),
    ...section("password", Password),
    action({
      path: "/console/account/verify",
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        await recovery.requestVerification(caller, nowMs);
        return seeOtherWithMessage("/console/account", "mail_sent");
      },
    }),
    action({
      path: "/console/account/identities/remove",
      page: "/console/account",
      schema: ItemId,
      async submit({ caller, nowMs }, { id }) {
        await identities.remove(caller, id, nowMs);
        return seeOtherWithMessage("/console/account", "identity_removed");
      },
    }),
  ];
}

interface SectionProps {
  readonly user: User;
  readonly state: FormState;
}

const INPUTS = {
  text: { maxlength: 24 },
  phone: { type: "tel", hint: "With the country, like +15551234567" },
  date: { type: "date" },
} as const;

function ProfileForm({ user, state }: SectionProps) {
  return (
    <section class="card" id="profile">
      <h2>Profile</h2>
      <PostForm
        action="/console/account/profile"
        error={formError(state, PROFILE_COLUMNS)}
        button="Save"
      >
        <div class="columns">
          {PROFILE_FIELDS.map(({ name, column, kind, label, autocomplete }) => (
            <Field
              {...fieldState(state, column, user[name] ?? "")}
              {...INPUTS[kind]}
              label={label}
              autocomplete={autocomplete}
            />
          ))}
        </div>
      </PostForm>
      <p class="hint">
        Your id is <code>{user.id}</code>
      </p>
    </section>
  );
}

function EmailForm({
  user,
  state,
  sendsMail,
  passwords,
}: SectionProps & Pick<ConsoleDeps, "sendsMail" | "passwords">) {
  const isVerified = user.emailVerifiedAtMs !== null;
  const { pendingEmail } = user;
  return (
    <section class="card" id="email">
      <h2>Email</h2>
      <p>
        <strong>
          <UserText text={user.email} />
        </strong>{" "}
        <span class={`badge ${isVerified ? "good" : "waiting"}`}>
          {isVerified ? "verified" : "not verified"}
        </span>
      </p>
      {pendingEmail !== null && (
        <p>
          <strong>
            <UserText text={pendingEmail} />
          </strong>{" "}
          <span class="badge waiting">not yet</span> It becomes your email when you open the link
          that was sent to it. To keep the present one, enter that one again.
        </p>
      )}
      {(!isVerified || pendingEmail !== null) && sendsMail && (
        <PostForm
          action="/console/account/verify"
          button="Send me a link to verify it"
          look="quiet"
        />
      )}
      <PostForm
        action="/console/account/email"
        error={formError(state, ["email", "current_password"])}
        button="Change the email"
      >
        <Field
          {...fieldState(state, "email")}
          {...EMAIL_INPUT}
          label="New email"
          autocomplete="email"
          maxlength={80}
        />
        {passwords && <CurrentPassword state={state} section="email" />}
      </PostForm>
    </section>
  );
}

function PasswordForm({ user, state }: SectionProps) {
  return (
    <section class="card" id="password">
      <h2>Password</h2>
      <p>A new one logs out everything but this browser, and ends all tokens.</p>
      <PostForm
        action="/console/account/password"
        error={formError(state, ["password", "current_password"])}
        button="Change the password"
      >
        <input type="hidden" name="username" autocomplete="username" value={user.email} />
        <CurrentPassword state={state} section="password" />
        <Field {...fieldState(state, "password")} {...NEW_PASSWORD_INPUT} label="New password" />
      </PostForm>
    </section>
  );
}

const PROVIDERS: Readonly<Record<string, string>> = {
  [GOOGLE.spellings[0]]: "Google",
  [FACEBOOK.spellings[0]]: "Facebook",
};

/** Linked identity providers. */
function Providers({ identities }: { readonly identities: readonly LinkedIdentity[] }) {
  if (identities.length === 0) return null;
  return (
    <section class="card">
      <h2>Other ways to log in</h2>
      <Table
        rows={identities}
        columns={[
          ["Provider", ({ issuer }) => PROVIDERS[issuer] ?? new URL(issuer).host],
          [
            "Email when it was linked",
            ({ email }) => (email === null ? "not known" : <UserText text={email} />),
            "Email",
          ],
          ["Linked", ({ linkedAtMs }) => <Time ms={linkedAtMs} />],
          [
            "Last used",
            ({ lastUsedAtMs }) =>
              lastUsedAtMs === null ? "not since" : <Time ms={lastUsedAtMs} />,
          ],
        ]}
        act={[
          "Remove",
          ({ id, issuer }) => (
            <Confirm summary="Remove" subject={PROVIDERS[issuer] ?? issuer}>
              <PostForm
                action="/console/account/identities/remove"
                id={id}
                button="Remove this way in"
                look="danger small"
              />
            </Confirm>
          ),
        ]}
      />
    </section>
  );
}

/** Two forms of the page have this input, so each needs its own element id. */
function CurrentPassword({
  state,
  section,
}: {
  readonly state: FormState;
  readonly section: string;
}) {
  return (
    <Field
      {...fieldState(state, "current_password")}
      {...PASSWORD_INPUT}
      id={`field-current-password-for-${section}`}
      label="Current password"
    />
  );
}
