import type { ExportCursor } from "../core/accounts.ts";
import { requireFresh } from "../core/fresh-login.ts";
import type { Json } from "../core/token.ts";
import { exportCursorText, readExportCursor } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { DeleteUser } from "../surfaces/rest/fields.ts";
import {
  type FormState,
  type PageRoutes,
  fieldState,
  cardPage,
  textPage,
  seeOtherWithMessage,
  formError,
  clearSession,
} from "./page-routes.tsx";
import { PAGE_HEADERS, type Page } from "./page.tsx";
import { Alert, Field, PASSWORD_INPUT } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";

/** Each has a few hundred rows, so a file stays at a few megabytes whatever the account holds. */
const PAGES_A_FILE = 10;

/** Personal data export and account deletion. */
export function yourDataPages(
  { messagePage, page, form }: PageRoutes,
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
      continues_at: cursor && `/console/account/export/file?cursor=${encodeURIComponent(cursor)}`,
    };
  }

  return [
    page("/console/account/export", async ({ caller, nowMs }) => {
      requireFresh(caller, nowMs);
      return exportPage();
    }),
    page(
      "/console/account/export/file",
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
      "/console/account/export",
    ),
    ...form({
      path: "/console/account/delete",
      schema: DeleteUser,
      passwordField: "password",
      show: async (_, state) => deletePage(state, passwords),
      async submit({ caller, nowMs }, { password }) {
        await accounts.remove(caller, password, nowMs);
        return seeOtherWithMessage(
          "/console/account/deleted",
          "account_deleted",
          undefined,
          clearSession,
        );
      },
    }),
    messagePage(
      "/console/account/deleted",
      "account_deleted",
      deletedPage("You are logged out everywhere, and none of its tokens works any more."),
      deletedPage("It says so to whoever has just deleted theirs. Nothing has happened to yours."),
    ),
  ];
}

const deletedPage = (text: string): Page => ({
  ...textPage("The account is deleted", text, <a href="/console">To the start</a>),
  title: "Deleted",
});

const exportPage = (): Page =>
  cardPage(
    "Your data",
    <>
      <p>One JSON file with everything that is held about you:</p>
      <ul>
        <li>your profile, and what it can be logged in with</li>
        <li>API tokens, sessions and logins, with their times, without their secrets</li>
        <li>action tokens, and the receipts of what was run</li>
        <li>contacts</li>
        <li>your activity, with the addresses that were kept</li>
      </ul>
      <p>Passwords and secrets are not in it: only digests of them are held.</p>
      <p class="buttons">
        <a class="button" href="/console/account/export/file">
          Download
        </a>
        <a class="button quiet" href="/console/account">
          Back
        </a>
      </p>
    </>,
    "middle",
  );

const deletePage = (state: FormState, passwords: boolean): Page =>
  cardPage(
    "Delete the account",
    <>
      <Alert kind="problem" text={formError(state, ["password"])} />
      <p>This happens at once, and cannot be undone:</p>
      <ul>
        <li>You are logged out everywhere.</li>
        <li>All API tokens end: programs that use them are refused.</li>
        <li>Action tokens that you have issued do nothing any more.</li>
        <li>Your profile is deleted, and your contacts lose you.</li>
        <li>Your email is free: anybody who owns it may sign up with it again.</li>
      </ul>
      <p>
        <a href="/console/account/export">Export your data</a> first, if you want to keep it.
      </p>
      <form method="post" action="/console/account/delete">
        {passwords && <Field {...fieldState(state, "password")} {...PASSWORD_INPUT} />}
        <p class="buttons">
          <button class="danger" type="submit">
            Delete my account
          </button>
          <a class="button quiet" href="/console/account">
            Keep it
          </a>
        </p>
      </form>
    </>,
    "middle",
  );
