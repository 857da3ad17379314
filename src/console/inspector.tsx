import * as v from "valibot";
import type { TokenDiagnosis, TokenDiagnostics } from "../core/token-diagnosis.ts";
import type { Json } from "../core/token.ts";
import type { Route } from "../http/surface.ts";
import { EMPTY, type Filled, type Frame, filledIn, wholeProblem } from "./frame.tsx";
import type { Page } from "./page.tsx";
import { Alert, noted, Notes, Time, UserText } from "./parts.tsx";
import { TimeLine } from "./time-line.tsx";
import { VerdictBadge, verdictText } from "./verdict.tsx";

const Paste = v.object({
  text: v.pipe(
    v.string("Paste something."),
    v.trim(),
    v.minLength(1, "Paste something."),
    v.maxLength(16_384, "This is too long for a token."),
  ),
});

const KINDS: Readonly<Record<NonNullable<TokenDiagnosis["kind"]>, string>> = {
  session: "Session token",
  api: "API token",
  action: "Action token",
  access: "Access JWT",
  refresh: "Refresh JWT",
  jwt: "JWT",
};

/** Paste any token, and see what it is. What was pasted is neither kept nor shown again. */
export function inspectorPages({ form }: Frame, diagnose: TokenDiagnostics): readonly Route[] {
  return form({
    path: "/console/inspector",
    schema: Paste,
    show: (_, filled) => inspectorPage(filled, null, 0),
    submit: async ({ caller, nowMs }, { text }) =>
      inspectorPage(EMPTY, await diagnose(caller, text, nowMs), nowMs),
  });
}

function inspectorPage(filled: Filled, found: TokenDiagnosis | null, nowMs: number): Page {
  const { problem } = filledIn(filled, "text");
  return {
    title: "Inspector",
    body: (
      <>
        <h1>Inspector</h1>
        {found !== null && <Found found={found} nowMs={nowMs} />}
        <section class="card">
          <Alert kind="problem" text={wholeProblem(filled, ["text"])} />
          <form method="post" action="/console/inspector">
            <div class="field">
              <label for="field-text">{found === null ? "Any token" : "Another token"}</label>
              <textarea
                id="field-text"
                name="text"
                dir="auto"
                {...noted("field-text", "hint", problem)}
                autocomplete="off"
                autocapitalize="off"
                spellcheck={false}
                required
              />
              <Notes
                id="field-text"
                hint="A session, API or action token, or a JWT. It is looked at, and neither kept nor written down. Whether it stands is said of your own alone."
                problem={problem}
              />
            </div>
            <button type="submit">Inspect</button>
          </form>
        </section>
      </>
    ),
  };
}

function Found({ found, nowMs }: { readonly found: TokenDiagnosis; readonly nowMs: number }) {
  const { kind, id, status, header, claims } = found;
  // Times that anybody can have written say nothing, and would look as if the token were good.
  const isBelievable = status !== "signature_wrong" && status !== "key_unknown";
  return (
    <section class="card" role="status">
      <div class="heading">
        <h2>{kind === null ? "No token" : KINDS[kind]}</h2>
        <VerdictBadge verdict={status} />
      </div>
      <p>{verdictText(status)}</p>
      {isBelievable && <TimeLine found={found} nowMs={nowMs} />}
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
