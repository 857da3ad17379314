import * as v from "valibot";
import { wrongActions } from "./actions/registry.ts";
import { wrongAt } from "./config.ts";
import type { Action } from "./core/action.ts";
import { type ClaimsFunction, claimsProblem } from "./core/claims.ts";
import { ownScopeProblems, type Scope } from "./core/scopes.ts";
import type { LatchkeyEvent } from "./core/deliveries.ts";
import type { Fallback } from "./http/mount.ts";

/** How the pages for people look. */
export interface Brand {
  /** Of the product, 1 to 40 characters: in titles and at the top of each page. Default: `Latchkey`. */
  readonly name: string;
  /** `#rrggbb`, for links and buttons. It is made darker or lighter until it can be read in either theme. */
  readonly accent?: string;
  /** An image beside the name: a path of this origin (`/logo.svg`) or a `data:image/` URL. */
  readonly logo?: string;
  /** The same image for the dark theme. Without it, the logo stands on white there. */
  readonly logoDark?: string;
  /** Shown at the foot of each page: a URL, a path of this origin, or `mailto:` for `support`. */
  readonly links?: {
    readonly status?: string;
    readonly privacy?: string;
    readonly terms?: string;
    readonly support?: string;
  };
}

export type EventHandler = (event: LatchkeyEvent, env: Cloudflare.Env) => void | Promise<void>;

/** What a Worker of your own makes of the service. What an operator changes are settings instead. */
export interface LatchkeyOptions {
  /** Actions of your own beside the built-in ones, each made with `defineAction`. */
  readonly actions?: readonly Action[];
  readonly brand?: Brand;
  /**
   * Scopes of your own, on API tokens and JWTs beside the built-in ones: names (RFC 6749 section 3.3, at most
   * 50), each with what it allows, as people read it: `{ "orders:read": "See your orders" }`.
   */
  readonly scopes?: Readonly<Record<Scope, string>>;
  /**
   * Hears every event (docs/reference/events.md), after its change was committed: at least once, and each user's
   * in order. What it throws is tried again, for three days, while the user's later events wait. An effect that
   * must happen once takes `event.subject`, the receipt of an action's run, as its idempotency key.
   */
  readonly on?: EventHandler;
  /**
   * Who JWTs may be for beside this service, at most 20 URLs: `["https://api.acme.example"]`. `GET
   * /rest/auth?audience=` and token exchange issue JWTs for them, which log no one in here.
   */
  readonly audiences?: readonly string[];
  /**
   * Claims of your own in every access JWT, of at most 2 KB: `({ user }) => ({ plan: user.metadata.plan ?? "free" })`.
   * It is not awaited. Where it throws, or returns anything but JSON or a reserved claim, no JWT is issued (500).
   */
  readonly claims?: ClaimsFunction;
  /**
   * Answers every path that is not the service's, and `/`: your site. The path and the request are as they
   * came; an error of it is a 500.
   */
  readonly fallback?: Fallback;
}

/** The checked options, with their defaults. */
export interface Options extends LatchkeyOptions {
  readonly actions: readonly Action[];
  readonly brand: Brand;
}

const isPath = (text: string) => /^\/(?![/\\])/.test(text) && !/\s/.test(text);
const isHttps = (text: string) => URL.parse(text)?.protocol === "https:";

const link = v.pipe(
  v.string("must be text"),
  v.check((text) => isPath(text) || isHttps(text), "must be an https URL or a path such as /terms"),
);

const image = v.pipe(
  v.string("must be text"),
  v.check(
    (text) => isPath(text) || /^data:image\/[\w.+-]+[;,]/.test(text),
    "must be a path of this origin or a data:image/ URL",
  ),
);

/** Names and values that `problemsOf` finds nothing wrong with. */
const named = <T>(problemsOf: (value: Readonly<Record<string, unknown>>) => readonly string[]) =>
  v.pipe(
    v.custom<Readonly<Record<string, T>>>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "must be an object",
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      if (dataset.typed) for (const message of problemsOf(dataset.value)) addIssue({ message });
    }),
  );

const isAction = (value: unknown): value is Action =>
  typeof value === "object" && value !== null && "prepare" in value;

/** An absolute URI without a fragment (RFC 8707 section 2), as a JWT has it in `aud`. */
const audience = v.pipe(
  v.string("must be text"),
  v.check(
    (text) => /^[a-z][a-z\d+.-]*:[!-~]+$/i.test(text) && !text.includes("#") && text.length <= 200,
    "must be an absolute URL without a fragment, of at most 200 characters",
  ),
);

const audiences = v.pipe(
  v.array(audience, "must be a list"),
  v.maxLength(20, "must be at most 20"),
  v.check((all) => new Set(all).size === all.length, "must each be named once"),
);

const isFunction = (value: unknown) => typeof value === "function";

const Checked = v.strictObject(
  {
    actions: v.optional(
      v.array(v.custom<Action>(isAction, "must be made with defineAction"), "must be a list"),
      [],
    ),
    brand: v.optional(
      v.strictObject({
        name: v.pipe(
          v.string("must be text"),
          v.regex(/^[^\p{C}\s](?:[^\p{C}]{0,38}[^\p{C}\s])?$/u, "must be 1 to 40 characters"),
        ),
        accent: v.exactOptional(
          v.pipe(v.string("must be text"), v.regex(/^#[\da-f]{6}$/i, "must be #rrggbb")),
        ),
        logo: v.exactOptional(image),
        logoDark: v.exactOptional(image),
        links: v.exactOptional(
          v.strictObject({
            status: v.exactOptional(link),
            privacy: v.exactOptional(link),
            terms: v.exactOptional(link),
            support: v.exactOptional(
              v.pipe(
                v.string("must be text"),
                v.check(
                  (text) => isPath(text) || isHttps(text) || /^mailto:[^\s@]+@[^\s@]+$/.test(text),
                  "must be an https URL, a path, or mailto: and an email",
                ),
              ),
            ),
          }),
        ),
      }),
      { name: "Latchkey" },
    ),
    scopes: v.exactOptional(named<string>(ownScopeProblems)),
    on: v.exactOptional(v.custom<EventHandler>(isFunction, "must be a function")),
    audiences: v.exactOptional(audiences),
    claims: v.exactOptional(
      v.pipe(
        v.custom<ClaimsFunction>(isFunction, "must be a function"),
        v.rawCheck(({ dataset, addIssue }) => {
          const problem = dataset.typed ? claimsProblem(dataset.value) : null;
          if (problem !== null) addIssue({ message: problem });
        }),
      ),
    ),
    fallback: v.exactOptional(v.custom<Fallback>(isFunction, "must be a function")),
  },
  "is no option",
);

/** @returns the options, and everything that is wrong with them: a line each */
export function checkOptions(options: LatchkeyOptions): {
  readonly options: Options;
  readonly wrong: readonly string[];
} {
  const result = v.safeParse(Checked, options);
  const wrong = wrongActions([options.actions ?? []].flat().filter(isAction));
  if (result.success) return { options: { ...options, ...result.output }, wrong };
  return {
    options: DEFAULT_OPTIONS,
    wrong: [...result.issues.map((issue) => `options.${wrongAt(issue)}`), ...wrong],
  };
}

export const DEFAULT_OPTIONS: Options = { actions: [], brand: { name: "Latchkey" } };
