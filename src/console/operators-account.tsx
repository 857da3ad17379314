import type { Child } from "hono/jsx";
import * as v from "valibot";
import type { Account, OperatorsDesk } from "../core/admin.ts";
import { deviceText } from "../core/devices.ts";
import { requireFresh } from "../core/caller.ts";
import type { KnownDevice, Login } from "../core/logins.ts";
import type { TokenDiagnosis } from "../core/token-diagnosis.ts";
import type { ApiToken, Json } from "../core/token.ts";
import { normalizeEmail, PROFILE_FIELDS } from "../core/user.ts";
import { pathId } from "../http/fields.ts";
import { queryValue, readKeyPage, readPage, refuseField } from "../http/query.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import { ChangeAccount } from "../surfaces/rest/fields.ts";
import {
  Alert,
  Confirm,
  describedBy,
  Empty,
  Facts,
  Field,
  FieldNotes,
  PageHead,
  Pagination,
  Panel,
  Pill,
  PostForm,
  Relative,
  Select,
  Sentence,
  Table,
  Tabs,
  Time,
  UserText,
} from "./components.tsx";
import {
  ADMIN,
  deskOf,
  Events,
  NextPage,
  type OperatorDeps,
  Warnings,
} from "./operators-shared.tsx";
import {
  type AuthedPageContext,
  EMPTY_FORM,
  fieldState,
  formError,
  type FormState,
  itemId,
  type PageRoutes,
  seeOtherWithMessage,
} from "./page-routes.tsx";
import { type Message, type Page, PAGE_HEADERS } from "./page.tsx";
import { operators } from "./words.ts";

const words = operators.account;

const USER = `${ADMIN}/users/:user`;
const NO_FIELDS = v.object({});

/** Keeps a page of a list well below 15 KB. */
const SHOWN = 20;

/** Parts of an export in one file: some thousand rows. */
const PARTS_A_FILE = 40;

const idIn = ({ request }: AuthedPageContext) => pathId(request, "user").toLowerCase();
const pathTo = (id: string) => `${ADMIN}/users/${id}`;

/** One account, and what operators do to it. */
export function operatorAccountPages(
  { page, form, formOn, action }: PageRoutes,
  deps: OperatorDeps,
): readonly Route[] {
  async function accountPage(
    context: AuthedPageContext,
    tab: string,
    body: (desk: OperatorsDesk, account: Account) => Promise<Child>,
  ): Promise<Page> {
    const desk = await deskOf(deps, context);
    const account = await desk.account(idIn(context));
    const [{ warnings }, content] = await Promise.all([desk.health(), body(desk, account)]);
    return {
      title: account.email || words.deleted,
      body: (
        <>
          <AccountHead account={account} tab={tab} />
          <Warnings warnings={warnings} />
          {content}
        </>
      ),
    };
  }

  const overview = (context: AuthedPageContext, state: FormState = EMPTY_FORM) =>
    accountPage(context, "", async (desk, account) => {
      const { caller, nowMs } = context;
      const token = await searchedToken(context, desk, account);
      return (
        <>
          {token !== null && <FoundToken token={token} path={pathTo(account.id)} />}
          <Profile account={account} nowMs={nowMs} />
          {account.id === caller.userId ? (
            <Alert kind="note" text={words.own} />
          ) : (
            account.deletedAtMs === null && (
              <Acts account={account} state={state} sendsMail={deps.sendsMail} />
            )
          )}
        </>
      );
    });

  /** A button of the account's page. */
  const act = (
    name: string,
    message: Message,
    run: (desk: OperatorsDesk, id: string) => Promise<unknown>,
  ): Route =>
    action({
      path: `${USER}/${name}`,
      schema: NO_FIELDS,
      async submit(context) {
        const id = idIn(context);
        await run(await deskOf(deps, context), id);
        return seeOtherWithMessage(pathTo(id), message);
      },
    });

  return [
    page(USER, overview),
    page(`${USER}/logins`, (context) =>
      accountPage(context, "/logins", async (desk, { id }) => {
        const asked = { ...readPage(context.request), limit: SHOWN };
        const { items, devices, ...more } = await desk.logins(id, asked);
        return (
          <>
            <Logins items={items} nowMs={context.nowMs} path={pathTo(id)} />
            <Pagination path={`${pathTo(id)}/logins`} {...more} />
            <Devices devices={devices} nowMs={context.nowMs} />
          </>
        );
      }),
    ),
    page(`${USER}/tokens`, (context) =>
      accountPage(context, "/tokens", async (desk, { id }) => {
        const asked = { ...readPage(context.request), limit: SHOWN };
        const { items, ...more } = await desk.apiTokens(id, asked);
        return (
          <>
            <Tokens items={items} nowMs={context.nowMs} path={pathTo(id)} />
            <Pagination path={`${pathTo(id)}/tokens`} {...more} />
          </>
        );
      }),
    ),
    page(`${USER}/events`, (context) =>
      accountPage(context, "/events", async (desk, { id }) => {
        const { after } = readKeyPage(context.request);
        const list = await desk.events({ userId: id, isAll: true }, after, SHOWN);
        return (
          <>
            <Events {...list} userId={id} />
            <NextPage path={`${pathTo(id)}/events`} next={list.next} after={after} />
          </>
        );
      }),
    ),
    act("disable", "account_disabled", (desk, id) => desk.change(id, { disabled: true })),
    act("enable", "account_enabled", (desk, id) => desk.change(id, { disabled: false })),
    act("end", "account_ended", (desk, id) => desk.revokeAll(id)),
    ...(["login", "token"] as const).map((kind) =>
      action({
        path: `${USER}/${kind}s/revoke`,
        schema: v.object({ id: itemId }),
        async submit(context, { id: revoked }) {
          const id = idIn(context);
          await (await deskOf(deps, context)).revokeOne(id, kind, revoked);
          const message = kind === "login" ? "account_login_ended" : "account_token_revoked";
          return seeOtherWithMessage(`${pathTo(id)}/${kind}s`, message);
        },
      }),
    ),
    act("reset", "account_reset", (desk, id) => desk.sendReset(id)),
    act("lift", "account_lifted", (desk, id) => desk.liftThrottles(id)),
    act("remove-factor", "account_factor", (desk, id) => desk.removeSecondFactor(id)),
    action({
      path: `${USER}/role`,
      schema: v.object({ role: v.picklist(["User", "Admin"], "must be User or Admin") }),
      async submit(context, { role }) {
        const id = idIn(context);
        await (await deskOf(deps, context)).change(id, { role });
        return seeOtherWithMessage(pathTo(id), "account_role");
      },
    }),
    formOn({
      path: `${USER}/metadata`,
      schema: v.object({ metadata: Metadata }),
      show: overview,
      async submit(context, { metadata }) {
        const id = idIn(context);
        await (await deskOf(deps, context)).change(id, { metadata });
        return seeOtherWithMessage(pathTo(id), "account_metadata");
      },
    }),
    action({
      path: `${USER}/export`,
      schema: NO_FIELDS,
      async submit(context) {
        const { caller, nowMs } = context;
        // guard: operators-export-needs-a-fresh-login
        requireFresh(caller, nowMs);
        return exportFile(await deskOf(deps, context), idIn(context), nowMs);
      },
    }),
    ...form({
      path: `${USER}/delete`,
      schema: v.object({ email: v.string("is required") }),
      show: async (context, state) =>
        deletePage(await (await deskOf(deps, context)).account(idIn(context)), state),
      async submit(context, { email }) {
        const desk = await deskOf(deps, context);
        const account = await desk.account(idIn(context));
        // guard: deletion-names-the-account
        if (normalizeEmail(email) !== account.email) refuseField("email", words.remove.differs);
        await desk.remove(account.id);
        return seeOtherWithMessage(ADMIN, "account_removed");
      },
    }),
  ];
}

const MetadataObject = v.unwrap(ChangeAccount.entries.metadata);
const Metadata = v.pipe(
  v.string("is required"),
  v.parseJson(undefined, words.role.notJson),
  v.custom<Json>((value) => v.is(MetadataObject, value), words.role.notJson),
);

/** Found by a token, the page says what is known of it, as long as it is this account's. */
async function searchedToken(
  { request }: AuthedPageContext,
  desk: OperatorsDesk,
  account: Account,
): Promise<TokenDiagnosis | null> {
  const id = queryValue(request, "token");
  return id === undefined ? null : desk.tokenOf(account.id, id);
}

async function exportFile(desk: OperatorsDesk, id: string, nowMs: number): Promise<HttpResult> {
  const sections: Record<string, Json[]> = {};
  let from: Parameters<OperatorsDesk["personalData"]>[1] = null;
  for (let part = 0; part < PARTS_A_FILE; part++) {
    const read: Awaited<ReturnType<OperatorsDesk["personalData"]>> = await desk.personalData(
      id,
      from,
    );
    for (const [name, rows] of Object.entries(read.sections)) {
      sections[name] = [...(sections[name] ?? []), ...rows];
    }
    from = read.next;
    if (from === null) break;
  }
  const data = {
    taken_on: new Date(nowMs).toISOString(),
    // Otherwise GET /rest/admin/users/{id}/export has the rest.
    is_complete: from === null,
    ...sections,
  };
  return {
    status: 200,
    body: null,
    text: JSON.stringify(data, null, 2),
    headers: {
      ...PAGE_HEADERS,
      "content-type": "application/json",
      "content-disposition": `attachment; filename="account-${id}.json"`,
    },
  };
}

function AccountHead({ account, tab }: { readonly account: Account; readonly tab: string }) {
  const { pills, tabs } = words;
  const { id, email, role, kind, disabledAtMs, deletedAtMs } = account;
  const path = pathTo(id);
  return (
    <>
      <PageHead
        title={email === "" ? words.deleted : <UserText text={email} />}
        back={[ADMIN, words.back]}
        lead={
          <>
            {deletedAtMs !== null ? (
              <Pill tone="plain">{pills.deleted}</Pill>
            ) : disabledAtMs === null ? (
              <Pill tone="good">{pills.active}</Pill>
            ) : (
              <Pill tone="bad">{pills.disabled}</Pill>
            )}{" "}
            {role === "Admin" && <Pill tone="warn">{pills.admin}</Pill>}{" "}
            {kind === "service" && <Pill tone="plain">{pills.service}</Pill>}
          </>
        }
      />
      <Tabs
        label={tabs.label}
        current={`${path}${tab}`}
        items={[
          [path, tabs.account],
          [`${path}/logins`, tabs.logins],
          [`${path}/tokens`, tabs.tokens],
          [`${path}/events`, tabs.events],
        ]}
      />
    </>
  );
}

function Profile({ account, nowMs }: { readonly account: Account; readonly nowMs: number }) {
  const { facts } = words;
  const { email, pendingEmail, emailVerifiedAtMs, identities, hasPassword, externalId } = account;
  const time = (ms: number | null) => (ms === null ? null : <Relative ms={ms} nowMs={nowMs} />);
  const waysIn = [...(hasPassword ? [facts.password] : []), ...Object.keys(identities)];
  return (
    <Panel title={facts.title}>
      <Facts
        rows={[
          [facts.id, <code>{account.id}</code>],
          [
            facts.email,
            email !== "" && (
              <>
                <UserText text={email} />{" "}
                {emailVerifiedAtMs === null ? (
                  <Pill tone="plain">{facts.unverified}</Pill>
                ) : (
                  <Pill tone="good">{facts.verified}</Pill>
                )}
              </>
            ),
          ],
          [facts.pending, pendingEmail && <UserText text={pendingEmail} />],
          ...PROFILE_FIELDS.map(({ name, label }): readonly [string, Child] => {
            const value = account[name];
            return [label, value && <UserText text={value} />];
          }),
          [facts.externalId, externalId === null ? null : <UserText text={String(externalId)} />],
          [facts.waysIn, waysIn.length === 0 ? facts.none : waysIn.join(", ")],
          [facts.secondFactor, account.hasSecondFactor ? facts.on : facts.off],
          [facts.created, time(account.createdAtMs)],
          [facts.changed, time(account.modifiedAtMs)],
          [facts.disabled, time(account.disabledAtMs)],
          [facts.deleted, time(account.deletedAtMs)],
        ]}
      />
    </Panel>
  );
}

function FoundToken({ token, path }: { readonly token: TokenDiagnosis; readonly path: string }) {
  const isRevocable =
    (token.kind === "api" || token.kind === "action") && token.status === "active";
  const { title, id, kind, status, name, created, expires, revoked } = words.token;
  const time = (ms: number | null) => (ms === null ? null : <Time ms={ms} />);
  const named = token.claims?.name;
  return (
    <Panel title={title}>
      <Facts
        rows={[
          [kind, token.kind],
          [
            status,
            <Pill tone={token.status === "active" ? "good" : "bad"}>
              {token.status.replaceAll("_", " ")}
            </Pill>,
          ],
          [name, typeof named === "string" && <UserText text={named} />],
          [id, <code>{token.id}</code>],
          [created, time(token.issuedAtMs)],
          [expires, time(token.expiresAtMs)],
          [revoked, time(token.revokedAtMs)],
        ]}
      />
      {isRevocable && token.id !== null && (
        <Confirm summary={words.tokens.revoke}>
          <RevokeToken path={path} id={token.id} />
        </Confirm>
      )}
    </Panel>
  );
}

interface ActsProps {
  readonly account: Account;
  readonly state: FormState;
  readonly sendsMail: boolean;
}

function Acts({ account, state, sendsMail }: ActsProps) {
  const { access, data, remove } = words;
  const path = pathTo(account.id);
  const isPerson = account.kind === "person";
  return (
    <>
      <Panel title={access.title}>
        <ul class="acts">
          {account.disabledAtMs !== null && (
            <Act text={access.enableText}>
              <PostForm action={`${path}/enable`} button={access.enable} />
            </Act>
          )}
          {isPerson && account.disabledAtMs === null && (
            <Act text={sendsMail ? access.resetText : access.noMail}>
              {sendsMail && (
                <PostForm action={`${path}/reset`} button={access.reset} look="quiet" />
              )}
            </Act>
          )}
          <Act text={access.liftText}>
            <PostForm action={`${path}/lift`} button={access.lift} look="quiet" />
          </Act>
          {account.hasSecondFactor && (
            <Act text={access.removeFactorText}>
              <Confirm summary={access.removeFactor}>
                <PostForm
                  action={`${path}/remove-factor`}
                  button={access.removeFactor}
                  look="danger"
                />
              </Confirm>
            </Act>
          )}
          <Act text={access.endText}>
            <Confirm summary={access.end}>
              <PostForm action={`${path}/end`} button={access.endButton} look="danger" />
            </Confirm>
          </Act>
          {account.disabledAtMs === null && (
            <Act text={access.disableText}>
              <Confirm summary={access.disable}>
                <PostForm action={`${path}/disable`} button={access.disableButton} look="danger" />
              </Confirm>
            </Act>
          )}
        </ul>
      </Panel>
      <RoleAndMetadata account={account} state={state} />
      <Panel title={data.title}>
        <p>{data.text}</p>
        <PostForm action={`${path}/export`} button={data.button} look="quiet" />
      </Panel>
      <Panel title={remove.title} danger>
        <p>{remove.text}</p>
        <a class="button danger" href={`${path}/delete`}>
          {remove.link}
        </a>
      </Panel>
    </>
  );
}

/** What it does, and the button. */
function Act({ text, children }: { readonly text: string; readonly children: Child }) {
  return (
    <li>
      <p>{text}</p>
      {children !== false && <div>{children}</div>}
    </li>
  );
}

function RoleAndMetadata({ account, state }: Omit<ActsProps, "sendsMail">) {
  const { title, label, hint, user, admin, button, metadata, metadataHint, metadataButton } =
    words.role;
  const path = pathTo(account.id);
  const initial = JSON.stringify(account.metadata, null, 2);
  const { value, problem } = fieldState(state, "metadata", initial);
  const id = "field-metadata";
  return (
    <Panel title={title}>
      <PostForm action={`${path}/role`} button={button} look="quiet">
        <Select
          name="role"
          label={label}
          hint={hint}
          value={account.role}
          options={[
            ["User", user],
            ["Admin", admin],
          ]}
        />
      </PostForm>
      <PostForm
        action={`${path}/metadata`}
        error={formError(state, ["metadata"])}
        button={metadataButton}
        look="quiet"
      >
        <div class="field">
          <label for={id}>{metadata}</label>
          <textarea
            id={id}
            name="metadata"
            rows={4}
            spellcheck={false}
            maxlength={8_192}
            {...describedBy(id, metadataHint, problem)}
          >
            {value}
          </textarea>
          <FieldNotes id={id} hint={metadataHint} problem={problem} />
        </div>
      </PostForm>
    </Panel>
  );
}

function deletePage(account: Account, state: FormState): Page {
  const { heading, text, confirm, label, button, cancel } = words.remove;
  const path = pathTo(account.id);
  const { problem } = fieldState(state, "email");
  return {
    title: heading,
    body: (
      <section class="card narrow">
        <h1>{heading}</h1>
        <Alert kind="problem" text={formError(state, ["email"])} />
        <p>{text}</p>
        <p>
          <Sentence text={confirm(account.email)} />
        </p>
        <form method="post" action={`${path}/delete`}>
          <Field name="email" label={label} problem={problem} autocomplete="off" required />
          <p class="buttons">
            <button class="danger" type="submit">
              {button}
            </button>
            <a class="button quiet" href={path}>
              {cancel}
            </a>
          </p>
        </form>
      </section>
    ),
  };
}

interface ListProps<T> {
  readonly items: readonly T[];
  readonly nowMs: number;
  /** Of the account's page. */
  readonly path: string;
}

function Logins({ items, nowMs, path }: ListProps<Login>) {
  const { empty, device, way, address, created, used, unknown, ...texts } = words.logins;
  if (items.length === 0) return <Empty title={empty} />;
  return (
    <Table
      class="dense labeled"
      rows={items}
      columns={[
        [
          device,
          (login) => (
            <>
              <UserText text={deviceText(login)} /> <Pill tone="plain">{texts[login.kind]}</Pill>
            </>
          ),
        ],
        [way, (login) => login.way ?? unknown],
        [address, (login) => login.address ?? unknown],
        [created, (login) => <Relative ms={login.createdAtMs} nowMs={nowMs} />],
        [used, (login) => <Relative ms={login.modifiedAtMs} nowMs={nowMs} />],
      ]}
      act={[
        texts.act,
        (login) => (
          <Confirm summary={texts.end} subject={texts.subject(deviceText(login))}>
            <PostForm
              action={`${path}/logins/revoke`}
              id={login.id}
              button={texts.endButton}
              look="danger small"
            />
          </Confirm>
        ),
      ]}
    />
  );
}

function Devices({
  devices,
  nowMs,
}: {
  readonly devices: readonly KnownDevice[];
  readonly nowMs: number;
}) {
  if (devices.length === 0) return null;
  const { title, device, way, first, last } = words.devices;
  return (
    <Panel title={title}>
      <Table
        class="dense labeled"
        rows={devices}
        columns={[
          [device, (each) => <UserText text={deviceText(each)} />],
          [way, (each) => each.way],
          [first, (each) => <Relative ms={each.firstSeenAtMs} nowMs={nowMs} />],
          [last, (each) => <Relative ms={each.lastSeenAtMs} nowMs={nowMs} />],
        ]}
      />
    </Panel>
  );
}

function Tokens({ items, nowMs, path }: ListProps<ApiToken>) {
  const { empty, name, state, scopes, created, used, expires, never, noScopes } = words.tokens;
  if (items.length === 0) return <Empty title={empty} />;
  return (
    <Table
      class="dense labeled"
      rows={items}
      columns={[
        [
          name,
          (token) => (
            <>
              <UserText text={token.name} /> <code>{token.hint}</code>
            </>
          ),
        ],
        [state, (token) => <TokenState token={token} />],
        [scopes, (token) => token.scopes.join(", ") || noScopes],
        [created, (token) => <Relative ms={token.createdAtMs} nowMs={nowMs} />],
        [
          used,
          ({ lastUsedAtMs }) =>
            lastUsedAtMs === null ? never : <Relative ms={lastUsedAtMs} nowMs={nowMs} />,
        ],
        [expires, (token) => <Relative ms={token.expiresAtMs} nowMs={nowMs} />],
      ]}
      act={[
        words.tokens.act,
        (token) => (
          <Confirm summary={words.tokens.revoke} subject={words.tokens.subject(token.name)}>
            <RevokeToken path={path} id={token.id} />
          </Confirm>
        ),
      ]}
    />
  );
}

const RevokeToken = ({ path, id }: { readonly path: string; readonly id: string }) => (
  <PostForm
    action={`${path}/tokens/revoke`}
    id={id}
    button={words.tokens.revokeButton}
    look="danger small"
  />
);

function TokenState({ token: { isEnabled, replacedById } }: { readonly token: ApiToken }) {
  const { active, disabled, replaced } = words.tokens;
  if (!isEnabled) return <Pill tone="bad">{disabled}</Pill>;
  return replacedById === null ? (
    <Pill tone="good">{active}</Pill>
  ) : (
    <Pill tone="warn">{replaced}</Pill>
  );
}
