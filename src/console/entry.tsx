import * as v from "valibot";
import type { Accounts } from "../core/accounts.ts";
import type { Recovery } from "../core/recovery.ts";
import type { Sessions } from "../core/sessions.ts";
import { normalizeEmail } from "../core/user.ts";
import { readSessionCookie } from "../http/cookies.ts";
import { queryValue } from "../http/query.ts";
import type { Route } from "../http/surface.ts";
import { SignUp } from "../surfaces/rest/fields.ts";
import {
  type Filled,
  type Frame,
  filledIn,
  message,
  ownPath,
  seeDone,
  seeOther,
  type Visit,
  wholeProblem,
  withoutSession,
  withSession,
} from "./frame.tsx";
import type { Page } from "./page.tsx";
import { Alert, Field } from "./parts.tsx";

interface Deps {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly recovery: Recovery;
  readonly signUpIsOpen: boolean;
  readonly sendsMail: boolean;
}

const text = v.pipe(v.string("is required"), v.minLength(1, "is required"));
/** Whatever it is, it leads to a page of ours. */
const next = v.optional(v.unknown());

const Login = v.object({ email: text, password: text, next });
const Join = v.object({
  ...v.pick(SignUp, ["email", "password"]).entries,
  next,
});
const Forgotten = v.object({ email: v.pipe(text, v.transform(normalizeEmail)) });

/** The ways in, and out. */
export function entryRoutes(
  { openForm, told, act }: Frame,
  { accounts, sessions, recovery, signUpIsOpen, sendsMail }: Deps,
): readonly Route[] {
  return [
    ...openForm({
      path: "/console/login",
      schema: Login,
      show: (visit, filled) =>
        visit.caller === null ? loginPage(visit, filled, signUpIsOpen) : onward(visit),
      async submit({ nowMs }, { email, password, next }) {
        const { secret } = await sessions.create(email, password, nowMs);
        return seeOther(ownPath(next), withSession(secret));
      },
    }),
    ...openForm({
      path: "/console/signup",
      schema: Join,
      show: (visit, filled) =>
        visit.caller === null ? signUpPage(visit, filled, signUpIsOpen) : onward(visit),
      async submit({ nowMs }, { email, password, next }) {
        const nobody = {
          firstName: null,
          lastName: null,
          phoneNumber: null,
          dob: null,
          gender: null,
        };
        const user = await accounts.signUp({ email, password, ...nobody }, nowMs);
        const { secret } = await sessions.open(user, nowMs);
        return seeOther(ownPath(next), withSession(secret));
      },
    }),
    ...openForm({
      path: "/console/forgotten",
      schema: Forgotten,
      show: (_, filled) => forgottenPage(filled, sendsMail),
      async submit({ nowMs }, { email }) {
        await recovery.requestReset(email, nowMs);
        return seeDone("/console/forgotten/sent", "reset_sent");
      },
    }),
    told(
      "/console/forgotten/sent",
      "reset_sent",
      {
        title: "Look into your mailbox",
        body: message(
          "Look into your mailbox",
          "If there is an account with this e-mail, a link is on its way to it. It is good for ten minutes, once.",
          <a href="/console/login">Back to the login</a>,
        ),
      },
      seeOther("/console/forgotten"),
    ),
    act({
      path: "/console/logout",
      schema: v.object({}),
      async submit({ request, nowMs }) {
        const secret = readSessionCookie(request);
        if (secret !== null) await sessions.revoke(secret, nowMs);
        return seeOther("/console/login", withoutSession);
      },
    }),
  ];
}

/** Who is logged in already goes where the login would have led. */
const onward = ({ request }: Visit) => seeOther(ownPath(queryValue(request, "next")));

/** Where to go on after the login, kept in the form. */
function Onward({ visit, filled }: { readonly visit: Visit; readonly filled: Filled }) {
  const next = filled.sent.next ?? queryValue(visit.request, "next");
  return next === undefined ? null : <input type="hidden" name="next" value={ownPath(next)} />;
}

/** The same page elsewhere, with the same place to go on to. */
function along(path: string, visit: Visit, filled: Filled): string {
  const next = ownPath(filled.sent.next ?? queryValue(visit.request, "next"));
  return next === "/console" ? path : `${path}?next=${encodeURIComponent(next)}`;
}

function loginPage(visit: Visit, filled: Filled, signUpIsOpen: boolean): Page {
  const whole = wholeProblem(filled, ["email", "password"]);
  // One of both is wrong, nobody says which; the password is the one to be typed again.
  const isWrong = whole !== undefined && filled.problem?.status === 401;
  return {
    title: "Log in",
    body: (
      <section class="card narrow">
        <h1>Log in</h1>
        <Alert kind="problem" text={whole} id="wrong" isFocused={!isWrong} />
        <form method="post" action="/console/login">
          <Onward visit={visit} filled={filled} />
          <Field
            {...filledIn(filled, "email")}
            {...(isWrong && { isInvalidBy: "wrong" })}
            label="E-mail"
            type="email"
            autocomplete="username"
            required
          />
          <Field
            {...filledIn(filled, "password")}
            {...(isWrong && { isInvalidBy: "wrong", autofocus: true })}
            label="Password"
            type="password"
            autocomplete="current-password"
            required
          />
          <button type="submit">Log in</button>
        </form>
        <p class="aside">
          <a href="/console/forgotten">Forgotten your password?</a>
          {signUpIsOpen && <a href={along("/console/signup", visit, filled)}>Make an account</a>}
        </p>
      </section>
    ),
  };
}

function signUpPage(visit: Visit, filled: Filled, isOpen: boolean): Page {
  if (!isOpen) {
    return {
      title: "Sign up",
      status: 403,
      body: message("Sign-up is closed", "This service takes no new accounts."),
    };
  }
  return {
    title: "Make an account",
    body: (
      <section class="card narrow">
        <h1>Make an account</h1>
        <Alert kind="problem" text={wholeProblem(filled, ["email", "password"])} />
        <form method="post" action="/console/signup">
          <Onward visit={visit} filled={filled} />
          <Field
            {...filledIn(filled, "email")}
            label="E-mail"
            type="email"
            autocomplete="username"
            maxlength={80}
            required
          />
          <Field
            {...filledIn(filled, "password")}
            label="Password"
            type="password"
            autocomplete="new-password"
            hint="At least 8 characters, and none of the most common ones."
            minlength={8}
            required
          />
          <button type="submit">Make the account</button>
        </form>
        <p class="aside">
          <a href={along("/console/login", visit, filled)}>I have one: log in</a>
        </p>
      </section>
    ),
  };
}

function forgottenPage(filled: Filled, sendsMail: boolean): Page {
  if (!sendsMail) {
    const text =
      "This service sends no mail, so a password cannot be reset here. Ask whoever runs it.";
    return { title: "Forgotten password", body: message("Forgotten password", text) };
  }
  return {
    title: "Forgotten password",
    body: (
      <section class="card narrow">
        <h1>Forgotten password</h1>
        <p>We send you a link by which you choose a new one.</p>
        <Alert kind="problem" text={wholeProblem(filled, ["email"])} />
        <form method="post" action="/console/forgotten">
          <Field
            {...filledIn(filled, "email")}
            label="E-mail"
            type="email"
            autocomplete="username"
            required
          />
          <button type="submit">Send the link</button>
        </form>
        <p class="aside">
          <a href="/console/login">Back to the login</a>
        </p>
      </section>
    ),
  };
}
