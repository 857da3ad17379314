import { type Caller, type CallerRef, requireFresh, type Spending } from "./caller.ts";
import { refuse, UNKNOWN_SUBJECT } from "./fault.ts";
import { checkRemoval, type WayInRemoval } from "./identities.ts";
import { enforceRateLimit, type RateLimits } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import type { User, UserWithPassword } from "./user.ts";

/** How many passkeys a user has at most. */
export const PASSKEYS_MAX = 20;

/** For both ceremonies: a log-in page may stay open for a while before its passkey is chosen. */
const CHALLENGE_MS = 600_000;

/** What an authenticator created. Credential IDs and keys are base64url, as everywhere in WebAuthn's JSON. */
export interface NewPasskey {
  readonly credentialId: string;
  /** COSE_Key. */
  readonly publicKey: string;
  /** The model of authenticator; null where it does not say. */
  readonly aaguid: string | null;
  readonly counter: number;
  readonly isBackupEligible: boolean;
  readonly isBackedUp: boolean;
}

export interface Passkey extends NewPasskey {
  /** Of this passkey at this account. */
  readonly id: string;
  readonly name: string;
  readonly transports: readonly string[];
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | null;
}

/** `RegistrationResponseJSON`, and what of `AuthenticationResponseJSON` differs (WebAuthn section 5.1). */
export interface RegistrationResponse {
  readonly id: string;
  readonly rawId: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports?: readonly string[] | undefined;
  };
}
export interface AuthenticationResponse {
  readonly id: string;
  readonly rawId: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
    readonly userHandle?: string | null | undefined;
  };
}

/** For whom a ceremony must have been made. */
interface Expected {
  readonly challenge: string;
  readonly rpId: string;
  readonly origins: readonly string[];
}

export interface PasskeyVerifier {
  /** As it was sent, not checked; null where there is none. */
  challengeIn(clientDataJson: string): string | null;
  /** @returns null for a response that is wrong in any way */
  registered(response: RegistrationResponse, expected: Expected): Promise<NewPasskey | null>;
  /** The counter is not compared: that is for after the signature, where it is written. */
  asserted(
    response: AuthenticationResponse,
    stored: Pick<NewPasskey, "credentialId" | "publicKey" | "isBackupEligible"> & {
      readonly userHandle: string;
    },
    expected: Expected,
  ): Promise<Pick<NewPasskey, "counter" | "isBackedUp"> | null>;
}

/** Challenges that need no store until they are used. */
export interface Challenges {
  issue(purpose: string, expiresAtMs: number): Promise<string>;
  /** @returns null for one that was not issued for this purpose, or has expired */
  expiryOf(challenge: string, purpose: string, nowMs: number): Promise<number | null>;
}

/** Noted by the batch that it is used in, until it would have expired. */
export interface UsedChallenge {
  readonly challenge: string;
  readonly expiresAtMs: number;
}

/** What a browser needs to find a passkey. */
export type CredentialRef = Pick<Passkey, "credentialId" | "transports">;

export interface PasskeyStore {
  /** Newest first. */
  list(userId: string): Promise<readonly Passkey[]>;
  /** The same, but none of an account whose email was never proven. */
  ofProven(userId: string): Promise<readonly Passkey[]>;
  /** Of the account with this email, if there is one; and what its decoys are made of, the same for each email. */
  ofEmail(
    email: string,
  ): Promise<{ readonly passkeys: readonly CredentialRef[]; readonly decoys: string }>;
  /** @param userId null where the authenticator did not say: then whoever had it first */
  find(
    credentialId: string,
    userId: string | null,
  ): Promise<{ readonly passkey: Passkey; readonly user: UserWithPassword } | null>;
  insert(
    passkey: Omit<Passkey, "id" | "lastUsedAtMs">,
    used: UsedChallenge,
    caller: CallerRef,
  ): Promise<Passkey | "used" | "known" | "full" | "caller_gone">;
  /**
   * A log-in with it, which spends the challenge. Where the counter counts and did not rise, the passkey was cloned:
   * then nothing is won, and an event says so.
   */
  spending(
    user: UserWithPassword,
    passkey: Pick<Passkey, "id" | "counter" | "isBackedUp">,
    used: UsedChallenge,
    nowMs: number,
  ): Promise<Spending>;
  rename(
    id: string,
    name: string,
    caller: CallerRef,
    nowMs: number,
  ): Promise<Passkey | "unknown" | "caller_gone">;
  /** Removes one of the caller's own, unless nothing else opens the account. */
  remove(id: string, caller: CallerRef, nowMs: number): Promise<WayInRemoval>;
}

interface Deps {
  readonly store: PasskeyStore;
  readonly verifier: PasskeyVerifier;
  readonly challenges: Challenges;
  readonly limits: RateLimits;
  readonly notices: Pick<Notices, "tell">;
  readonly issuer: string;
  /** Beside the issuer's own. */
  readonly origins: readonly string[];
  /** By COSE's numbers, the preferred first. */
  readonly algorithms: readonly number[];
  readonly keyedDigest: (key: string, text: string) => Promise<string>;
}

export type Passkeys = ReturnType<typeof passkeys>;

/**
 * The issuer's host name, by which passkeys are bound to this service. Null where that is an IP address, which
 * WebAuthn does not allow.
 */
export function rpIdOf(issuer: string): string | null {
  const { hostname } = new URL(issuer);
  return /^\[|^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? null : hostname;
}

/** WebAuthn Level 3: how passkeys are added to an account, and how they open it. */
export function passkeys({
  store,
  verifier,
  challenges,
  limits,
  notices,
  issuer,
  origins,
  algorithms,
  keyedDigest,
}: Deps) {
  const rp = rpIdOf(issuer);
  const allOrigins = [issuer, ...origins];

  /** @throws FaultError `not_found` */
  const rpId = (): string => rp ?? refuse({ code: "not_found", what: "Passkey" });

  const issue = (purpose: string, nowMs: number) => challenges.issue(purpose, nowMs + CHALLENGE_MS);

  /** @returns null unless the response answers a challenge for this purpose */
  async function answered(
    clientDataJson: string,
    purpose: string,
    nowMs: number,
  ): Promise<UsedChallenge | null> {
    const challenge = verifier.challengeIn(clientDataJson);
    const expiresAtMs =
      challenge === null ? null : await challenges.expiryOf(challenge, purpose, nowMs);
    return challenge === null || expiresAtMs === null ? null : { challenge, expiresAtMs };
  }

  /** No one but the user who asked can answer it. */
  // guard: passkey-challenge-is-the-callers
  const adding = ({ userId }: CallerRef) => `passkey of ${userId}`;

  return {
    /** Whether passkeys work at this issuer. */
    isOn: rp !== null,
    origins,

    /** `PublicKeyCredentialCreationOptionsJSON`. @throws FaultError `not_found`, `login_not_fresh`, `unavailable` */
    async creationOptions(caller: Caller, user: User, nowMs: number) {
      const id = rpId();
      requireFresh(caller, nowMs);
      const name = [user.firstName, user.lastName].filter(Boolean).join(" ");
      const existing = await store.list(caller.userId);
      return {
        rp: { id, name: id },
        user: {
          id: userHandleOf(caller.userId),
          name: user.email,
          displayName: name === "" ? user.email : name,
        },
        challenge: await issue(adding(caller), nowMs),
        pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
        timeout: CHALLENGE_MS,
        excludeCredentials: existing.map(descriptorOf),
        authenticatorSelection: {
          residentKey: "required" as const,
          requireResidentKey: true,
          userVerification: "required" as const,
        },
        attestation: "none" as const,
      };
    },

    /**
     * @param name null: after the model of authenticator
     * @throws FaultError `not_found`, `login_not_fresh`, `passkey_unverified`, `passkeys_full`, `token_invalid`, `unavailable`
     */
    async add(
      caller: Caller,
      response: RegistrationResponse,
      name: string | null,
      nowMs: number,
    ): Promise<Passkey> {
      const id = rpId();
      // A way in that stays, for whoever stole a credential that does not.
      // guard: new-passkey-needs-a-fresh-login
      requireFresh(caller, nowMs);
      const used = await answered(response.response.clientDataJSON, adding(caller), nowMs);
      const expected = { challenge: used?.challenge ?? "", rpId: id, origins: allOrigins };
      const created = used === null ? null : await verifier.registered(response, expected);
      if (used === null || created === null) return refuse({ code: "passkey_unverified" });
      const passkey = {
        ...created,
        name: name ?? AUTHENTICATORS[created.aaguid ?? ""] ?? "Passkey",
        transports: response.response.transports ?? [],
        createdAtMs: nowMs,
      };
      const added = await store.insert(passkey, used, caller);
      switch (added) {
        case "used":
        case "known":
          return refuse({ code: "passkey_unverified" });
        case "full":
          return refuse({ code: "passkeys_full" });
        case "caller_gone":
          return refuse({ code: "token_invalid" });
        default:
          notices.tell([caller.userId], nowMs);
          return added;
      }
    },

    list: ({ userId }: Caller): Promise<readonly Passkey[]> => store.list(userId),

    /** @throws FaultError `not_found`, `token_invalid`, `unavailable` */
    async rename(caller: Caller, id: string, name: string, nowMs: number): Promise<Passkey> {
      const renamed = await store.rename(id, name, caller, nowMs);
      if (renamed === "unknown") return refuse({ code: "not_found", what: "Passkey" });
      return renamed === "caller_gone" ? refuse({ code: "token_invalid" }) : renamed;
    },

    /** @throws FaultError `not_found`, `last_way_in`, `login_not_fresh`, `token_invalid`, `unavailable` */
    async remove(caller: Caller, id: string, nowMs: number): Promise<void> {
      requireFresh(caller, nowMs);
      checkRemoval(await store.remove(id, caller, nowMs), "Passkey");
      notices.tell([caller.userId], nowMs);
    },

    /**
     * `PublicKeyCredentialRequestOptionsJSON`. An email without passkeys, or without an account, gets credential IDs
     * too: otherwise the answer would say who has any.
     * @param email in its normal form; null to let the browser offer all that it knows
     * @throws FaultError `not_found`, `throttled`, `unavailable`
     */
    async requestOptions(email: string | null, nowMs: number) {
      const id = rpId();
      return {
        challenge: await issue(LOG_IN, nowMs),
        timeout: CHALLENGE_MS,
        rpId: id,
        allowCredentials: email === null ? [] : await known(email),
        userVerification: "required" as const,
      };
    },

    /**
     * The account that a passkey opens, and what the log-in spends. Whoever was verified by it needs no second factor.
     * @throws FaultError `credentials_wrong`, `not_found`, `throttled`, `unavailable`
     */
    async logIn(response: AuthenticationResponse, nowMs: number): Promise<Spending> {
      const id = rpId();
      await enforceRateLimit(limits, "login");
      const wrong = () => refuse({ code: "credentials_wrong", attempted: UNKNOWN_SUBJECT });
      const used = await answered(response.response.clientDataJSON, LOG_IN, nowMs);
      if (used === null) return wrong();
      const handle = response.response.userHandle ?? null;
      const found = await store.find(response.id, handle === null ? null : userIdOf(handle));
      const expected = { challenge: used.challenge, rpId: id, origins: allOrigins };
      // One that is not known costs a signature too, and no one learns which they are.
      const stored =
        found === null
          ? { ...NO_PASSKEY, credentialId: response.id, userHandle: handle ?? "" }
          : { ...found.passkey, userHandle: userHandleOf(found.user.id) };
      const asserted = await verifier.asserted(response, stored, expected);
      if (found === null || asserted === null) return wrong();
      return store.spending(found.user, { id: found.passkey.id, ...asserted }, used, nowMs);
    },
  };

  async function known(email: string) {
    await enforceRateLimit(limits, "login");
    const { passkeys: own, decoys } = await store.ofEmail(email);
    const digest = await keyedDigest(decoys, email);
    return own.length === 0 ? [decoyOf(digest)] : own.map(descriptorOf);
  }
}

const LOG_IN = "log in with a passkey";

const descriptorOf = ({ credentialId, transports }: CredentialRef) => ({
  type: "public-key" as const,
  id: credentialId,
  transports,
});

/** As long, and with such transports, as the passkeys of common providers have them. */
function decoyOf(digest: string) {
  const bytes = Uint8Array.from(digest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const length = [16, 20, 32][(bytes[31] ?? 0) % 3] ?? 32;
  const credentialId = base64urlOf(bytes.slice(0, length));
  return descriptorOf({ credentialId, transports: ["internal", "hybrid"] });
}

const base64urlOf = (bytes: Uint8Array) =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });

/** What authenticators keep of a user: their id, which says nothing about them (WebAuthn section 14.6.1). */
export const userHandleOf = (userId: string): string =>
  base64urlOf(new TextEncoder().encode(userId));

/** @returns "" for a handle that is not ours */
function userIdOf(handle: string): string {
  return handle.length === 48 && /^[\w-]+$/.test(handle)
    ? new TextDecoder().decode(Uint8Array.fromBase64(handle, { alphabet: "base64url" }))
    : "";
}

/** The generator of P-256, as a COSE_Key. What it verifies opens nothing. */
const NO_PASSKEY = {
  publicKey:
    "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
  isBackupEligible: false,
};

/** By AAGUID, what people call where their passkey is kept. */
const AUTHENTICATORS: Readonly<Record<string, string>> = {
  "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "Apple Passwords",
  "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
  "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
  "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
  "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
  "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
  "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
  "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
  "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
  "fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
  "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
};
