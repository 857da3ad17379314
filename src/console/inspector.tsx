import * as v from "valibot";
import type { TokenDiagnosis, TokenDiagnostics } from "../core/token-diagnosis.ts";
import type { Json } from "../core/token.ts";
import type { Route } from "../http/surface.ts";
import {
  describedBy,
  Facts,
  FieldNotes,
  PageHead,
  PostForm,
  Relative,
  Time,
  UserText,
} from "./components.tsx";
import {
  EMPTY_FORM,
  type FormState,
  type PageRoutes,
  fieldState,
  formError,
} from "./page-routes.tsx";
import type { Page } from "./page.tsx";
import { tokenPath } from "./token-list.tsx";
import { StatusPill } from "./token-status.tsx";
import { inspector as words } from "./words.ts";

const Paste = v.object({
  text: v.pipe(
    v.string(words.nothing),
    v.trim(),
    v.minLength(1, words.nothing),
    v.maxLength(16_384, words.tooLong),
  ),
});

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
    title: words.title,
    body: (
      <>
        <PageHead title={words.title} lead={words.lead} />
        {diagnosis !== null && <Diagnosis diagnosis={diagnosis} nowMs={nowMs} />}
        <section class="card">
          <PostForm
            action="/console/inspector"
            error={formError(state, ["text"])}
            button={words.button}
          >
            <div class="field">
              <label for="field-text">{diagnosis === null ? words.paste : words.pasteNext}</label>
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
              <FieldNotes id="field-text" hint={words.hint} problem={problem} />
            </div>
          </PostForm>
        </section>
      </>
    ),
  };
}

function Diagnosis({ diagnosis, nowMs }: { diagnosis: TokenDiagnosis; nowMs: number }) {
  const { kind, id, status, header, claims, issuedAtMs, expiresAtMs, revokedAtMs } = diagnosis;
  // Without a valid signature anyone could have written the times, and showing them would suggest that the token is valid.
  const isTrusted = status !== "signature_wrong" && status !== "key_unknown";
  const time = (ms: number | null) =>
    isTrusted &&
    ms !== null && (
      <>
        <Time ms={ms} />{" "}
        <span class="hint">
          <Relative ms={ms} nowMs={nowMs} />
        </span>
      </>
    );
  const hasExpired = expiresAtMs !== null && expiresAtMs <= nowMs;
  // Of one's own, there is a page.
  const isOwn = kind === "api" && claims !== null;
  return (
    <section class="card" role="status">
      <div class="heading">
        <h2>{kind === null ? words.unknown : words.kinds[kind]}</h2>
        <StatusPill status={status} />
      </div>
      <p>{words.statuses[status][1]}</p>
      <Facts
        rows={[
          [words.issued, time(issuedAtMs)],
          [words.ended[status] ?? words.revoked, time(revokedAtMs)],
          [hasExpired ? words.expired : words.expires, time(expiresAtMs)],
          [
            words.id,
            id !== null && (
              <code>
                <UserText text={id} />
              </code>
            ),
          ],
        ]}
      />
      {isOwn && id !== null && (
        <p>
          <a href={tokenPath(id)}>{words.manage}</a>
        </p>
      )}
      <Members caption={words.header} members={header} />
      <Members caption={header === null ? words.stored : words.claims} members={claims} />
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
