import * as v from "valibot";
import { type ActionPages, type Preview, UNNAMED_USER } from "../core/action-pages.ts";
import type { Route } from "../http/surface.ts";
import { EMPTY, type Filled, type Frame, message, type Visit, wholeProblem } from "./frame.tsx";
import type { Page } from "./page.tsx";
import { Alert, isolated, Relative, Sentence, UserText } from "./parts.tsx";
import { SchemaFields } from "./schema-form.tsx";

interface Deps {
  readonly actionPages: ActionPages;
  readonly signUpIsOpen: boolean;
}

/** Beside the inputs of the action's own form. */
const Run = v.looseObject({
  run_key: v.pipe(v.string("is missing"), v.regex(/^[\x21-\x7e]{1,100}$/, "does not fit")),
});

/**
 * The page behind a code or a link: it says what will happen and does nothing; its button does it.
 * So whatever opens links by itself, a mail scanner or a preview, burns nothing.
 */
export function actionPage(
  { openForm }: Frame,
  { actionPages, signUpIsOpen }: Deps,
): readonly Route[] {
  const tokenOf = ({ request }: Visit) => request.param("token") ?? "";

  return openForm({
    path: "/a/:token",
    schema: Run,
    async show(visit, filled) {
      const { caller, nowMs } = visit;
      const preview = await actionPages.preview(tokenOf(visit), caller, nowMs, isolated);
      return { ...pageOf(preview, visit, filled, signUpIsOpen), ...FOR_PREVIEWS };
    },
    async submit({ request, caller, nowMs }, sent) {
      const token = request.param("token") ?? "";
      const key = sent.run_key;
      const { title, after } = await actionPages.run(token, sent, caller, key, nowMs, isolated);
      return {
        title,
        body: (
          <section class="card narrow">
            <h1>{title}</h1>
            <Alert kind="done" text={<Sentence text={after} />} />
            <a class="button quiet" href="/console">
              To the console
            </a>
          </section>
        ),
      };
    },
  });
}

const ABOUT = "A link that does one thing. Open it to see what, and by whom it was made.";

/** What a messenger shows of the link: nothing of the token, and nobody's name. */
const FOR_PREVIEWS = {
  description: ABOUT,
  head: (
    <>
      <meta name="robots" content="noindex" />
      <meta property="og:type" content="website" />
      <meta property="og:site_name" content="Latchkey" />
      <meta property="og:title" content="A link for you" />
      <meta property="og:description" content={ABOUT} />
    </>
  ),
};

/** What stands on the page of a token that cannot be run, and its status. */
const REFUSED: Readonly<
  Record<
    Exclude<Preview["state"], "ready" | "log_in" | "already">,
    readonly [status: number, title: string, text: string | null]
  >
> = {
  unknown: [
    404,
    "No such link",
    "It is not known here. If you typed it, look for a typo; if it is old, it was forgotten.",
  ],
  expired: [410, "Too late", "The time of this link is over."],
  used: [410, "Used already", "This link was used as often as it could be."],
  revoked: [
    410,
    "Taken back",
    "This link was taken back by whoever made it, or with their account.",
  ],
  audience: [
    403,
    "Not for you",
    "This link is for one person, and that is not the account that you are logged in to.",
  ],
  // Its own sentence says why.
  rejected: [422, "This cannot be done", null],
};

function pageOf(preview: Preview, visit: Visit, filled: Filled, signUpIsOpen: boolean): Page {
  const toLogin = <LoginLinks visit={visit} signUpIsOpen={signUpIsOpen} />;
  if (preview.state === "log_in") {
    const text = "This link is for one person. Log in, and you will see whether that is you.";
    return { title: "For one person", body: message("For one person", text, toLogin) };
  }
  if (preview.state === "already") {
    const { title, message: text } = preview;
    return { title, body: message(title, text, <a href="/console">To the console</a>) };
  }
  if (preview.state !== "ready") {
    const [status, title, text] = REFUSED[preview.state];
    return {
      title,
      status,
      body: message(title, text ?? preview.message, <WhatNow preview={preview} />),
    };
  }
  const { title, before, needsLogin } = preview;
  return {
    title,
    body: (
      <section class="card narrow">
        <h1>{title}</h1>
        <p class="lead">
          <Sentence text={before} />
        </p>
        <Terms preview={preview} nowMs={visit.nowMs} />
        {needsLogin ? toLogin : <RunForm preview={preview} visit={visit} filled={filled} />}
      </section>
    ),
  };
}

type Refused = Exclude<Preview, { readonly state: "ready" | "log_in" | "already" }>;

/** What helps, by whose it is and whether anybody at all can still use it. */
function WhatNow({ preview: { state, isOwn, again } }: { readonly preview: Refused }) {
  if (again !== undefined) return <a href={`/console/actions/new/${again}`}>Make a new one</a>;
  if (isOwn) {
    const whom = state === "audience" ? "the person it is for" : "somebody else";
    return <p class="hint">It is your own: show it to {whom}.</p>;
  }
  const isFinal = state === "expired" || state === "used" || state === "revoked";
  return (
    <>
      {isFinal && <p>Ask for a new one.</p>}
      <a href="/console">To the console</a>
    </>
  );
}

type Ready = Extract<Preview, { readonly state: "ready" }>;

function Terms({ preview, nowMs }: { readonly preview: Ready; readonly nowMs: number }) {
  const { issuer, isInternal, usesLeft, expiresAtMs } = preview;
  const by =
    issuer === UNNAMED_USER ? (
      "somebody who has said no name"
    ) : (
      <>
        <UserText text={issuer} /> <span class="hint">a user of this service</span>
      </>
    );
  return (
    <dl class="facts">
      <dt>From</dt>
      <dd>{isInternal ? "this service, by mail" : by}</dd>
      <dt>Good for</dt>
      <dd>
        {usesLeft === 1 ? "one use" : `${usesLeft} uses`}, ends{" "}
        <Relative ms={expiresAtMs} nowMs={nowMs} />
      </dd>
    </dl>
  );
}

interface RunFormProps {
  readonly preview: Ready;
  readonly visit: Visit;
  readonly filled: Filled;
}

function RunForm({ preview: { title, fields }, visit, filled }: RunFormProps) {
  // One that was used for something else is no good a second time.
  const { run_key } = filled.problem?.field === "run_key" ? EMPTY.sent : filled.sent;
  return (
    <>
      <Alert
        kind="problem"
        text={wholeProblem(
          filled,
          fields.map(({ name }) => name),
        )}
      />
      <form method="post" action={visit.request.path}>
        {/* Sent twice, by a double click or after a lost answer, it is one run. */}
        <input
          type="hidden"
          name="run_key"
          value={typeof run_key === "string" ? run_key : crypto.randomUUID()}
        />
        <SchemaFields fields={fields} filled={filled} />
        <button type="submit">{title}</button>
      </form>
    </>
  );
}

/** The ways in that lead back here. */
function LoginLinks({ visit, signUpIsOpen }: { visit: Visit; signUpIsOpen: boolean }) {
  const next = `?next=${encodeURIComponent(visit.request.path)}`;
  return (
    <p class="buttons">
      <a class="button" href={`/console/login${next}`}>
        Log in to go on
      </a>
      {signUpIsOpen && (
        <a class="button quiet" href={`/console/signup${next}`}>
          Make an account
        </a>
      )}
    </p>
  );
}
