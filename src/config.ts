import * as v from "valibot";
import { type JwtKeySet, parseKeySet } from "./crypto/keys.ts";
import type { CorsOrigins } from "./http/transport.ts";

const DAY_SECONDS = 86_400;

/** An origin: a scheme and a host, and no last slash, since others compare it as a string. */
const origin = v.pipe(
  v.string("is missing"),
  v.check((text) => {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
  }, "must be an origin such as https://auth.example.com, with no path and no last slash"),
);

const keySet = v.pipe(
  v.string("is missing"),
  v.rawTransform<string, JwtKeySet>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseKeySet(dataset.value);
    if (!("wrong" in parsed)) return parsed;
    addIssue({ message: parsed.wrong });
    return NEVER;
  }),
);

const corsOrigins = v.pipe(
  v.string("must be text"),
  v.transform((text): CorsOrigins => (text === "*" ? "*" : text.split(/[\s,]+/).filter(Boolean))),
  v.check(
    (origins) => origins === "*" || origins.every((each) => v.is(origin, each)),
    "must be * or origins with commas between",
  ),
);

const lagSeconds = v.pipe(
  v.string("must be text"),
  v.regex(/^\d{1,5}$/, "must be a whole number of seconds"),
  v.transform(Number),
  v.maxValue(DAY_SECONDS, `must be at most ${DAY_SECONDS}`),
);

const deadlineMs = v.pipe(
  v.string("must be text"),
  v.regex(/^\d{2,5}$/, "must be a whole number of milliseconds"),
  v.transform(Number),
  v.minValue(50, "must be at least 50"),
  v.maxValue(30_000, "must be at most 30000"),
);

const switched = v.picklist(["on", "off"], "must be on or off");

const Settings = v.object({
  ISSUER: origin,
  JWT_KEYS: keySet,
  SIGN_UP: v.optional(v.picklist(["open", "closed"], "must be open or closed"), "open"),
  REVOCATION_LAG_SECONDS: v.optional(lagSeconds, "0"),
  CORS_ORIGINS: v.optional(corsOrigins, "*"),
  QUERY_CREDENTIALS: v.optional(switched, "off"),
  ROTATE_REFRESH_TOKENS: v.optional(switched, "off"),
  STORAGE_DEADLINE_MS: v.optional(deadlineMs, "3000"),
});

export interface Config {
  readonly issuer: string;
  readonly jwtKeys: JwtKeySet;
  readonly signUpIsOpen: boolean;
  readonly revocationLagSeconds: number;
  readonly corsOrigins: CorsOrigins;
  readonly credentialsInQuery: boolean;
  readonly rotateRefreshTokens: boolean;
  readonly storageDeadlineMs: number;
}

/**
 * The settings, checked and frozen.
 * @throws Error that lists all that is wrong, without repeating any value
 */
export function readConfig(env: Readonly<Record<string, unknown>>): Config {
  const result = v.safeParse(Settings, env);
  if (!result.success) {
    const wrong = result.issues.map((issue) => {
      const missing = issue.path?.at(-1)?.origin === "key";
      return `  ${v.getDotPath(issue)} ${missing ? "is missing" : issue.message}`;
    });
    throw new Error(`Latchkey cannot start with these settings:\n${wrong.join("\n")}`);
  }
  const settings = result.output;
  return Object.freeze({
    issuer: settings.ISSUER,
    jwtKeys: settings.JWT_KEYS,
    signUpIsOpen: settings.SIGN_UP === "open",
    revocationLagSeconds: settings.REVOCATION_LAG_SECONDS,
    corsOrigins: settings.CORS_ORIGINS,
    credentialsInQuery: settings.QUERY_CREDENTIALS === "on",
    rotateRefreshTokens: settings.ROTATE_REFRESH_TOKENS === "on",
    storageDeadlineMs: settings.STORAGE_DEADLINE_MS,
  });
}
