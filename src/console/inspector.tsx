import * as v from "valibot";
import type { TokenDiagnosis, TokenDiagnostics } from "../core/token-diagnosis.ts";
import { type Json, TOKEN_KINDS } from "../core/token.ts";
import type { Route } from "../http/surface.ts";
import {
  EMPTY_FORM,
  type FormState,
  type PageRoutes,
  fieldState,
  formError,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { describedBy, FieldNotes, PostForm, Time, UserText } from "./components.tsx";
import { StatusBadge, statusText, Timeline } from "./token-status.tsx";

const Paste = v.object({
  text: v.pipe(
    v.string("Paste something."),
    v.trim(),
    v.minLength(1, "Paste something."),
    v.maxLength(16_384, "This is too long for a token."),
  ),
});

const KINDS: Readonly<Record<NonNullable<TokenDiagnosis["kind"]>, { readonly name: string }>> = {
  ...TOKEN_KINDS,
  access: { name: "Access JWT" },
  refresh: { name: "Refresh JWT" },
  jwt: { name: "JWT" },
};

/** Shows what a pasted token is. The token is neither stored nor rendered again. */
export function inspectorPages({ form }: PageRoutes, diagnose: TokenDiagnostics): readonly Route[] {
  return form({
    path: "/console/inspector",
    schema: Paste,
    show: (_, state) => inspectorPage(state, null, 0),
    submit: async ({ caller, nowMs }, { text }) =>
      inspectorPage(EMPTY_FORM, await diagnose.ofText(caller, text, nowMs), nowMs),
  });
}

function inspectorPage(state: FormState, diagnosis: TokenDiagnosis | null, nowMs: number): Page {
  const { problem } = fieldState(state, "text");
  return {
    title: "Inspector",
    body: (
      <>
        <h1>Inspector</h1>
        {diagnosis !== null && <Diagnosis diagnosis={diagnosis} nowMs={nowMs} />}
        <section class="card">
          <PostForm action="/console/inspector" error={formError(state, ["text"])} button="Inspect">
            <div class="field">
              <label for="field-text">{diagnosis === null ? "Any token" : "Another token"}</label>
              <textarea
                id="field-text"
                name="text"
                dir="auto"
                {...describedBy("field-text", "hint", problem)}
                autocomplete="off"
                autocapitalize="off"
                spellcheck={false}
                required
              />
              <FieldNotes
                id="field-text"
                hint="A session, API or action token, or a JWT. It is looked at, and neither kept nor written down. Whether it stands is said of your own alone."
                problem={problem}
              />
            </div>
          </PostForm>
        </section>
      </>
    ),
  };
}

function Diagnosis({ diagnosis, nowMs }: { diagnosis: TokenDiagnosis; nowMs: number }) {
  const { kind, id, status, header, claims } = diagnosis;
  // Without a valid signature anyone could have written the times, and showing them would suggest that the token is valid.
  const isTrusted = status !== "signature_wrong" && status !== "key_unknown";
  return (
    <section class="card" role="status">
      <div class="heading">
        <h2>{kind === null ? "No token" : KINDS[kind].name}</h2>
        <StatusBadge status={status} />
      </div>
      <p>{statusText(status)}</p>
      {isTrusted && <Timeline diagnosis={diagnosis} nowMs={nowMs} />}
      {id !== null && (
        <p>
          Id{" "}
          <code>
            <UserText text={id} />
          </code>
        </p>
      )}
      <Members caption="Header" members={header} />
      <Members
        caption={header === null ? "What is kept of it" : "Claims, as it says them itself"}
        members={claims}
      />
    </section>
  );
}

/** Claims that are Unix seconds (RFC 7519 section 4.1, OpenID Connect Core section 2). */
const SECONDS = new Set(["iat", "exp", "nbf", "auth_time"]);
const LAST_SECOND = 253_402_300_799;

interface MembersProps {
  readonly caption: string;
  readonly members: Readonly<Record<string, Json>> | null;
}

function Members({ caption, members }: MembersProps) {
  if (members === null || Object.keys(members).length === 0) return null;
  return (
    <table class="members">
      <caption>{caption}</caption>
      <tbody>
        {Object.entries(members).map(([name, value]) => (
          <tr>
            <th scope="row">
              <UserText text={name} />
            </th>
            <td>
              <code>
                <UserText text={typeof value === "string" ? value : JSON.stringify(value)} />
              </code>
              {SECONDS.has(name) &&
                typeof value === "number" &&
                value >= 0 &&
                value <= LAST_SECOND && (
                  <span class="hint">
                    {" "}
                    <Time ms={value * 1000} />
                  </span>
                )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
