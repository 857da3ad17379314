import * as v from "valibot";
import { isBase64url } from "../../core/compact-jws.ts";
import { PASSWORD_LENGTH, passwordProblem } from "../../core/passwords.ts";
import { dayOfBirthProblem, isNewEmail, storedText } from "../../core/text.ts";
import { networksOf, normalizedNetwork } from "../../core/networks.ts";
import type { Scope } from "../../core/scopes.ts";
import { API_TOKEN_LIMITS, type Json, TTL_SECONDS } from "../../core/token.ts";
import { normalizeEmail, profileEntries, type ProfileKind } from "../../core/user.ts";
import { documented, isStorableJson, losesDigits, storable } from "../../http/fields.ts";

/** The fields of the `/rest` surface: accounts and API tokens. */

const characters = (text: string) => [...text].length;

const length = <const M extends string>(min: number, max: number, message: M) =>
  documented(
    v.check<string, M>((text) => characters(text) >= min && characters(text) <= max, message),
    { minLength: min, maxLength: max },
  );

const NO_EMAIL = "must be an email address";

const emailThat = (isTaken: (text: string) => boolean) =>
  v.pipe(
    v.string("must be a string"),
    storable(NO_EMAIL),
    v.check((text) => isTaken(text.trim()), NO_EMAIL),
    v.transform(normalizeEmail),
    length(5, 80, "must be 5 to 80 characters"),
    v.regex(/^[^\s@]+@[^\s@]+$/, NO_EMAIL),
  );

/** Of an account that there is: what may not be chosen any more is still its own. */
export const knownEmail = emailThat(() => true);

/** One that is chosen now: as it was sent, since the fold takes some characters away, and as it compares. */
export const email = v.pipe(emailThat(isNewEmail), v.check(isNewEmail, NO_EMAIL));

/** Of an email: six digits, as people copy them. */
export const loginCode = v.pipe(
  v.string("must be a string"),
  v.transform((text) => text.replaceAll(/[\s-]/g, "")),
  v.regex(/^[0-9]{6}$/, "must be six digits"),
);

/** Taken exactly as sent, spaces included. */
const password = v.pipe(
  v.string("must be a string"),
  documented(
    v.rawCheck<string>(({ dataset, addIssue }) => {
      const problem = dataset.typed ? passwordProblem(dataset.value) : null;
      if (problem !== null) addIssue({ message: problem });
    }),
    { minLength: PASSWORD_LENGTH.min, maxLength: PASSWORD_LENGTH.max },
  ),
);

const UNSEEN = "must have no control, format or other characters that are not shown";

/** What people know something by: trimmed, and nothing in it that is not shown. */
const shownText = (max: number) =>
  v.pipe(
    v.string("must be a string"),
    // The document shows only what comes before a transformation.
    documented(
      v.check((text: string) => storedText(text) !== null, UNSEEN),
      { minLength: 1, maxLength: max },
    ),
    v.transform((text) => storedText(text) ?? text),
    v.check((text) => text !== "", "is required"),
    length(1, max, `must be 1 to ${max} characters`),
  );

/** As people write it, with blanks and punctuation, to E.164. */
const phoneNumber = v.pipe(
  v.string("must be a string"),
  v.transform((text) => text.replace(/[\s().\-/\u2010-\u2015]/g, "")),
  v.check((text) => /^\+[1-9]\d{1,14}$/.test(text), "must be in E.164 form, like +15551234567"),
);

const dob = v.pipe(
  v.string("must be a string"),
  documented(
    v.rawCheck<string>(({ dataset, addIssue }) => {
      const problem = dataset.typed ? dayOfBirthProblem(dataset.value, Date.now()) : null;
      if (problem !== null) addIssue({ message: problem });
    }),
    { format: "date" },
  ),
);

const PROFILE_KINDS: Readonly<Record<ProfileKind, v.GenericSchema<string>>> = {
  text: shownText(24),
  phone: phoneNumber,
  date: dob,
};

/** Each may be null, which clears it. */
const profile = profileEntries(({ kind }) => v.nullable(PROFILE_KINDS[kind]));

export const profileOrNull = profileEntries(({ column }) => v.optional(profile[column], null));

const anything = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));

export const SignUp = v.object({ email, password, ...profileOrNull });

export const ChangeUser = v.partial(
  v.object({ ...profile, email, password, current_password: anything }),
);

/** An account without a password has none to show. */
export const DeleteUser = v.object({ password: v.optional(anything) });

export const tokenName = shownText(64);

const { min, max } = TTL_SECONDS.api;
const TTL = `must be a whole number of seconds from ${min} to ${max}`;

const ttl = v.pipe(v.number(TTL), v.integer(TTL), v.minValue(min, TTL), v.maxValue(max, TTL));

const scopeList = (names: readonly Scope[]) =>
  v.array(v.picklist(names, `must be scopes out of ${names.join(", ")}`), "must be a list");

const scopes = (names: readonly Scope[]) =>
  v.pipe(
    scopeList(names),
    v.minLength(1, "must name at least one scope"),
    v.transform((chosen) => [...new Set(chosen)]),
  );

const whole = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
};

const BOUNDS = API_TOKEN_LIMITS;
const METADATA = `must be a JSON object of at most ${BOUNDS.metadataBytes} bytes, with numbers that lose no digits`;

const isMetadata = (value: unknown): boolean =>
  typeof value === "object" &&
  !Array.isArray(value) &&
  isStorableJson(value) &&
  !losesDigits(value) &&
  new TextEncoder().encode(JSON.stringify(value)).length <= BOUNDS.metadataBytes;

const metadata = v.pipe(
  v.custom<Json>((value) => isMetadata(value), METADATA),
  documented(
    v.check<Json, string>(() => true, METADATA),
    { type: "object" },
  ),
);

const limit = v.strictObject({
  max: whole(1, BOUNDS.limitMax),
  seconds: whole(1, BOUNDS.limitSeconds),
});

const ADDRESS = "must be an IPv4 or IPv6 address";
const NETWORK = `${ADDRESS}, or a range of them in CIDR form`;

/** In its one spelling. */
const network = v.pipe(
  v.string(NETWORK),
  v.check((text) => normalizedNetwork(text) !== null, NETWORK),
  v.transform((text) => normalizedNetwork(text) ?? text),
);

const allowedIps = v.pipe(
  v.array(network, "must be a list"),
  v.minLength(1, "must have at least one address"),
  v.maxLength(BOUNDS.allowedIps, `must have at most ${BOUNDS.allowedIps} addresses`),
  v.transform((networks) => [...new Set(networks)]),
);

/** null takes each away. */
export const members = {
  metadata: v.nullable(metadata),
  enabled: v.boolean("must be true or false"),
  remaining: v.nullable(whole(0, BOUNDS.remaining)),
  limit: v.nullable(limit),
  allowed_ips: v.nullable(allowedIps),
};

/** Strict: a `scope` that is dropped would make a token with all of them. */
export const createToken = (names: readonly Scope[]) =>
  v.strictObject({
    name: tokenName,
    ttl: v.nullish(ttl, null),
    scopes: v.nullish(scopes(names), null),
    ...v.partial(v.object(members)).entries,
  });

/** Strict: a member that asks for less and is dropped would let through what should be refused. */
export const verifyToken = (names: readonly Scope[]) =>
  v.strictObject({
    token: anything,
    scopes: v.nullish(v.pipe(scopeList(names), v.maxLength(100, "must be at most 100 scopes")), []),
    cost: v.nullish(whole(0, BOUNDS.cost), 1),
    ip: v.nullish(
      v.pipe(
        v.string(ADDRESS),
        v.check((text) => networksOf(text).length > 0, ADDRESS),
      ),
      null,
    ),
  });

const GRACE = "must be a whole number of seconds from 0 to 86400";

export const RotateToken = v.strictObject({
  grace_seconds: v.nullish(
    v.pipe(v.number(GRACE), v.integer(GRACE), v.minValue(0, GRACE), v.maxValue(86_400, GRACE)),
    0,
  ),
});

export const ChangeToken = v.partial(v.object({ name: tokenName, ttl, ...members }));

/** Of operators. Strict: what is not understood must not pass for done. */
export const FindAccount = v.strictObject({
  query: v.pipe(anything, v.maxLength(16_384, "must be at most 16384 characters")),
});

export const ChangeAccount = v.partial(
  v.strictObject({
    disabled: v.boolean("must be true or false"),
    role: v.picklist(["User", "Admin"], "must be User or Admin"),
    metadata,
  }),
);

export const ReplayEvents = v.strictObject({
  event_uuids: v.nullable(
    v.pipe(
      v.array(
        v.pipe(v.string("must be a uuid"), v.uuid("must be a uuid")),
        "must be a list or null",
      ),
      v.maxLength(1_000, "must have at most 1000"),
    ),
  ),
});

const bytes = (max: number) => {
  const message = `must be base64url without padding, ${max} characters at most`;
  return v.pipe(
    v.string(message),
    documented(
      v.check((text: string) => text.length <= max && isBase64url(text), message),
      { pattern: "^[A-Za-z0-9_-]+$", minLength: 1, maxLength: max },
    ),
  );
};

/** At most 1,023 bytes (WebAuthn Level 3 section 4). */
const credential = {
  id: bytes(1_364),
  rawId: bytes(1_364),
  type: v.literal("public-key", 'must be "public-key"'),
};

const transport = v.pipe(
  v.string("must be a string"),
  v.regex(/^[a-z][a-z-]{0,31}$/, "must be a transport of WebAuthn"),
);

/** As `PublicKeyCredential.toJSON()` gives it; more that is in there is not used. */
export const RegistrationResponse = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: bytes(4_096),
    attestationObject: bytes(24_576),
    transports: v.optional(
      v.pipe(v.array(transport, "must be a list"), v.maxLength(8, "must be at most 8 transports")),
    ),
  }),
});

export const AuthenticationResponse = v.object({
  ...credential,
  response: v.object({
    clientDataJSON: bytes(4_096),
    authenticatorData: bytes(4_096),
    signature: bytes(1_024),
    userHandle: v.nullish(bytes(86)),
  }),
});
