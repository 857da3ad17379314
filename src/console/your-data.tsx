import type { ExportCursor } from "../core/accounts.ts";
import { requireFresh } from "../core/caller.ts";
import type { Json } from "../core/token.ts";
import type { User } from "../core/user.ts";
import { exportCursorText, readExportCursor } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { DeleteUser } from "../surfaces/rest/fields.ts";
import { accountPage, DATA } from "./account.tsx";
import { Alert, Confirm, Field, Panel, PASSWORD_INPUT, PostForm, Sentence } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import {
  type AuthedPageContext,
  clearSession,
  EMPTY_FORM,
  fieldState,
  formError,
  type FormState,
  type PageRoutes,
  seeOtherWithMessage,
  textPage,
} from "./page-routes.tsx";
import { PAGE_HEADERS, type Page } from "./page.tsx";
import { yourData as words } from "./words.ts";

const FILE = `${DATA}/export`;
const DELETED = "/console/account/deleted";

/** Each has a few hundred rows, so a file stays at a few megabytes whatever the account holds. */
const PAGES_A_FILE = 10;

/** Personal data export and account deletion. */
export function yourDataPages(
  { messagePage, page, formOn }: PageRoutes,
  { accounts, personalData, passwords }: ConsoleDeps,
): readonly Route[] {
  async function file(userId: string, from: ExportCursor | null, takenAtMs: number) {
    const sections: Record<string, Json[]> = {};
    let at = from;
    for (let pages = 0; pages < PAGES_A_FILE; pages++) {
      const read = await personalData.read(userId, at);
      for (const [name, rows] of Object.entries(read.sections)) {
        sections[name] = [...(sections[name] ?? []), ...rows];
      }
      at = read.next;
      if (at === null) break;
    }
    const cursor = exportCursorText(at);
    return {
      taken_on: new Date(takenAtMs).toISOString(),
      ...sections,
      // The next file, for accounts with more data than fits in one.
      continues_at: cursor && `${FILE}?cursor=${encodeURIComponent(cursor)}`,
    };
  }

  const show = async ({ caller }: AuthedPageContext, state: FormState): Promise<Page> => {
    const user = await accounts.read(caller);
    const { title, lead, export: texts } = words;
    return accountPage({
      title,
      lead,
      tab: DATA,
      body: (
        <>
          <Panel title={texts.title}>
            <p>{texts.text}</p>
            <p class="hint">{texts.secrets}</p>
            <p class="below">
              <a class="button" href={FILE}>
                {texts.button}
              </a>
            </p>
          </Panel>
          <DeletePanel user={user} state={state} passwords={passwords} />
        </>
      ),
    });
  };

  return [
    page(DATA, (context) => show(context, EMPTY_FORM)),
    page(
      FILE,
      async ({ request, caller, nowMs }) => {
        // guard: exported-file-needs-a-fresh-log-in
        requireFresh(caller, nowMs);
        const from = readExportCursor(request);
        return {
          status: 200,
          body: null,
          text: JSON.stringify(await file(caller.userId, from, nowMs), null, 2),
          headers: {
            ...PAGE_HEADERS,
            "content-type": "application/json",
            "content-disposition": 'attachment; filename="latchkey-data.json"',
          },
        };
      },
      DATA,
    ),
    formOn({
      path: `${DATA}/delete`,
      schema: DeleteUser,
      passwordField: "password",
      show,
      async submit({ caller, nowMs }, { password }) {
        await accounts.remove(caller, password, nowMs);
        return seeOtherWithMessage(DELETED, "account_deleted", undefined, clearSession);
      },
    }),
    messagePage(
      DELETED,
      "account_deleted",
      deletedPage(words.deleted.title, words.deleted.text),
      deletedPage(words.title, words.deleted.notYours),
    ),
  ];
}

const deletedPage = (title: string, text: string): Page =>
  textPage(title, text, <a href="/console">{words.deleted.home}</a>);

interface DeletePanelProps {
  readonly user: User;
  readonly state: FormState;
  readonly passwords: boolean;
}

function DeletePanel({ user, state, passwords }: DeletePanelProps) {
  const { title, text, open, consequences, button } = words.remove;
  return (
    <Panel title={title} id="delete" danger>
      <p>{text}</p>
      <Confirm summary={open} isOpen={state.problem !== null}>
        <ul>
          {consequences(user.email).map((each) => (
            <li>
              <Sentence text={each} />
            </li>
          ))}
        </ul>
        <Alert kind="problem" text={formError(state, ["password"])} />
        <PostForm action={`${DATA}/delete`} button={button} look="danger">
          {passwords && <Field {...fieldState(state, "password")} {...PASSWORD_INPUT} />}
        </PostForm>
      </Confirm>
    </Panel>
  );
}
