import type { Child } from "hono/jsx";
import * as v from "valibot";
import type { AccountChange } from "../core/accounts.ts";
import { PROFILE_COLUMNS, PROFILE_FIELDS, profileOf, type User } from "../core/user.ts";
import type { Route } from "../http/surface.ts";
import { DeleteUser, profileOrNull, SignUp } from "../surfaces/rest/fields.ts";
import {
  Alert,
  Copyable,
  EMAIL_INPUT,
  Facts,
  Field,
  PageHead,
  Panel,
  PASSWORD_INPUT,
  Pill,
  PostForm,
  Tabs,
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
  type PageRoutes,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { account as words } from "./words.ts";

export const PROFILE = "/console/account";
export const SECURITY = "/console/account/security";
export const DATA = "/console/account/data";

const TABS = [
  [PROFILE, words.tabs.profile],
  [SECURITY, words.tabs.security],
  [DATA, words.tabs.data],
] as const;

interface AccountPage {
  readonly title: string;
  readonly lead?: Child;
  /** Up from a page below a tab. */
  readonly back?: readonly [href: string, text: Child];
  readonly tab: (typeof TABS)[number][0];
  readonly body: Child;
}

/** One of the pages of an account, below their tabs. */
export const accountPage = ({ title, lead, back, tab, body }: AccountPage): Page => ({
  title,
  body: (
    <>
      <Tabs label={words.tabs.label} items={TABS} current={tab} />
      <PageHead title={title} lead={lead} {...(back !== undefined && { back })} />
      {body}
    </>
  ),
});

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
  v.object({
    email: SignUp.entries.email,
    current_password: v.optional(DeleteUser.entries.password.wrapped),
  }),
  v.transform((fields) => ({ email: fields.email, currentPassword: fields.current_password })),
);

/** The profile, and the email. */
export function accountPages(
  { formOn, page, action }: PageRoutes,
  { accounts, recovery, sendsMail, passwords }: ConsoleDeps,
): readonly Route[] {
  type Section = "profile" | "email";

  async function show(
    { caller }: AuthedPageContext,
    section: Section | null,
    state: FormState,
  ): Promise<Page> {
    const user = await accounts.read(caller);
    const stateOf = (each: Section) => (each === section ? state : EMPTY_FORM);
    const { title, lead, problem } = words;
    return accountPage({
      title,
      lead,
      tab: PROFILE,
      body: (
        <>
          {section !== null && state.problem !== null && (
            <Alert
              kind="problem"
              isFocused={false}
              text={
                <>
                  {problem[section]} <a href={`#${section}`}>{problem.see}</a>
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
          <Details user={user} />
        </>
      ),
    });
  }

  const section = <const S extends v.GenericSchema<unknown, AccountChange>>(
    name: Section,
    schema: S,
  ) =>
    formOn({
      path: `${PROFILE}/${name}`,
      schema,
      passwordField: "current_password",
      show: (context, state) => show(context, name, state),
      async submit({ caller, nowMs }, change) {
        const { pendingEmail } = await accounts.change(caller, change, nowMs);
        if (name === "profile") return seeOtherWithMessage(PROFILE, "profile_saved");
        const isPending = pendingEmail !== null;
        return seeOtherWithMessage(PROFILE, isPending ? "email_wanted" : "email_changed");
      },
    });

  return [
    page(PROFILE, (context) => show(context, null, EMPTY_FORM)),
    section("profile", Profile),
    section("email", Email),
    action({
      path: `${PROFILE}/verify`,
      schema: v.object({}),
      async submit({ caller, nowMs }) {
        await recovery.requestVerification(caller, nowMs);
        return seeOtherWithMessage(PROFILE, "mail_sent");
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
  phone: { type: "tel", hint: words.profile.phoneHint },
  date: { type: "date" },
} as const;

function ProfileForm({ user, state }: SectionProps) {
  return (
    <Panel title={words.profile.title} id="profile">
      <PostForm
        action={`${PROFILE}/profile`}
        error={formError(state, PROFILE_COLUMNS)}
        button={words.profile.save}
      >
        <p class="hint">{words.profile.seenBy}</p>
        <div class="columns">
          {PROFILE_FIELDS.map(({ name, column, kind, autocomplete }) => (
            <Field
              {...fieldState(state, column, user[name] ?? "")}
              {...INPUTS[kind]}
              label={words.profile.fields[column]}
              autocomplete={autocomplete}
            />
          ))}
        </div>
      </PostForm>
    </Panel>
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
    <Panel title={words.email.title} id="email">
      <p>
        <strong>
          <UserText text={user.email} />
        </strong>{" "}
        <Pill tone={isVerified ? "good" : "warn"}>
          {isVerified ? words.email.verified : words.email.unverified}
        </Pill>
      </p>
      {!isVerified && sendsMail && <p class="hint">{words.email.unverifiedText}</p>}
      {pendingEmail !== null && (
        <>
          <p>
            <strong>
              <UserText text={pendingEmail} />
            </strong>{" "}
            <Pill tone="warn">{words.email.pending}</Pill>
          </p>
          <p class="hint">{words.email.pendingText}</p>
        </>
      )}
      {(!isVerified || pendingEmail !== null) && sendsMail && (
        <PostForm action={`${PROFILE}/verify`} button={words.email.verify} look="quiet" />
      )}
      <details class="more" open={state.problem !== null}>
        <summary>{words.email.change}</summary>
        <PostForm
          action={`${PROFILE}/email`}
          error={formError(state, ["email", "current_password"])}
          button={words.email.save}
        >
          <Field
            {...fieldState(state, "email")}
            {...EMAIL_INPUT}
            label={words.email.new}
            autocomplete="email"
            maxlength={80}
          />
          {passwords && (
            <Field
              {...fieldState(state, "current_password")}
              {...PASSWORD_INPUT}
              label={words.currentPassword}
            />
          )}
        </PostForm>
      </details>
    </Panel>
  );
}

function Details({ user }: { readonly user: User }) {
  const { title, id, externalId, created } = words.details;
  return (
    <Panel title={title}>
      <Facts
        rows={[
          [id, <Copyable text={user.id} label={id} />],
          [externalId, user.externalId === null ? null : <code>{user.externalId}</code>],
          [created, <Time ms={user.createdAtMs} />],
        ]}
      />
    </Panel>
  );
}
