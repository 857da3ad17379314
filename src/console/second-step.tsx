import * as v from "valibot";
import { type Authenticated, isSpending, type WayIn } from "../core/caller.ts";
import { FaultError } from "../core/fault.ts";
import type { SecondFactor } from "../core/second-factor.ts";
import type { Sessions } from "../core/sessions.ts";
import type { UserWithPassword } from "../core/user.ts";
import { NO_STEP_COOKIE, readStepCookie, stepCookie } from "../http/browser.ts";
import { queryValue } from "../http/query.ts";
import type { HttpResult, Route } from "../http/surface.ts";
import { CODE_INPUT, Field, PostForm } from "./components.tsx";
import type { ConsoleDeps } from "./deps.ts";
import type { Page } from "./page.tsx";
import {
  cardPage,
  fieldState,
  formError,
  type FormState,
  type PageContext,
  type PageRoutes,
  pathWithNext,
  safeNextPath,
  seeOther,
  setSession,
} from "./page-routes.tsx";
import { flashCookie } from "./page.tsx";
import { auth, problems } from "./words.ts";

const words = auth.secondStep;

const PATH = "/console/login/code";

interface Deps {
  readonly secondFactor: Pick<SecondFactor, "half">;
  readonly sessions: Sessions;
}

/**
 * How each log-in goes on whose first factor was right: it opens a session and leads to `next`, or
 * asks for the code on an account that has a second factor.
 */
export async function afterFirstFactor(
  { secondFactor, sessions }: Deps,
  who: Authenticated & Pick<UserWithPassword, "hasSecondFactor">,
  way: WayIn,
  next: unknown,
  nowMs: number,
  authTimeMs = nowMs,
): Promise<HttpResult> {
  const to = safeNextPath(next);
  // guard: pages-ask-for-the-second-factor
  if (!who.hasSecondFactor) {
    const { secret } = await sessions.open(who, way, nowMs, authTimeMs);
    return seeOther(to, setSession(sessions, secret));
  }
  if (isSpending(who)) await sessions.spend(who, nowMs);
  const half = await secondFactor.half(who, way, nowMs);
  return { ...seeOther(pathWithNext(PATH, to)), cookies: [stepCookie(half)] };
}

/** The page that asks for the code. */
export function secondStepPages(
  { openForm }: PageRoutes,
  { secondFactor, sessions }: ConsoleDeps,
): readonly Route[] {
  return openForm({
    path: PATH,
    schema: v.object({
      otp: v.pipe(v.string("is required"), v.minLength(1, "is required")),
      next: v.optional(v.unknown()),
    }),
    show: (context, state) =>
      readStepCookie(context.request) === null ? tooLate() : codePage(context, state),
    async submit({ request, nowMs }, { otp, next }) {
      const half = readStepCookie(request);
      if (half === null) return tooLate();
      try {
        const { user, way } = await secondFactor.complete(half, otp, nowMs);
        const { secret } = await sessions.open(user, way, nowMs);
        const done = seeOther(safeNextPath(next), setSession(sessions, secret));
        return { ...done, cookies: [NO_STEP_COOKIE] };
      } catch (error) {
        if (error instanceof FaultError && error.fault.code === "token_invalid") return tooLate();
        throw error;
      }
    },
  });
}

const tooLate = (): HttpResult => ({
  ...seeOther("/console/login"),
  cookies: [NO_STEP_COOKIE, flashCookie("session_expired")],
});

function codePage(context: PageContext, state: FormState): Page {
  const isWrong = state.problem?.status === 401;
  const next = state.values.next ?? queryValue(context.request, "next");
  return cardPage(
    words.title,
    <>
      <p>{words.lead}</p>
      <PostForm
        action={PATH}
        error={isWrong ? undefined : formError(state, ["otp"])}
        button={auth.logIn.button}
      >
        <input type="hidden" name="next" value={safeNextPath(next)} />
        <Field
          {...fieldState({ ...state, values: {} }, "otp")}
          {...CODE_INPUT}
          {...(isWrong && { problem: problems.wrongCode })}
          autofocus={true}
          hint={words.hint}
        />
      </PostForm>
      <p class="switch">
        <a href="/console/login">{words.other}</a>
      </p>
    </>,
  );
}
