import { type Caller, type CallerRef, requireFresh, WAYS_IN, type WayIn } from "./caller.ts";
import { type Fault, refuse } from "./fault.ts";
import { refuseAttempt, reserveAttempt, type Throttles } from "./login-throttle.ts";
import type { Notices } from "./notices.ts";
import type { User, UserWithPassword } from "./user.ts";

/** Time-based one-time passwords (RFC 6238). */
export interface Totp {
  /** @returns a new shared secret in base32, as apps take it */
  create(): string;
  /** @returns 120 random bits in lowercase base32 */
  recoveryCode(): string;
  /** @returns the time step whose code this is, of those that are accepted now; null for none */
  stepOf(secret: string, code: string, nowMs: number): Promise<number | null>;
}

/** For what the database must keep and not reveal. */
export interface Encryption {
  /** @param context what it is for: it decrypts with the same one only */
  encrypt(text: string, context: string): Promise<string>;
  /** @returns null for what was not encrypted here, or for something else. `isCurrent`: with the newest key */
  decrypt(sealed: string, context: string): Promise<{ text: string; isCurrent: boolean } | null>;
}

export interface StoredFactor {
  /** The shared secret, encrypted. */
  readonly sealed: string;
  /** Null while it is pending. */
  readonly confirmedAtMs: number | null;
  readonly recoveryCodesLeft: number;
}

/** What a change by its caller came to. */
export type FactorChange = "done" | "refused" | "caller_gone";

export interface SecondFactorStore {
  find(userId: string): Promise<StoredFactor | null>;
  /** A pending factor, in place of another pending one. `refused`: there is one that counts. */
  begin(caller: CallerRef, sealed: string, nowMs: number): Promise<FactorChange>;
  /** From now on it counts. `refused`: it is not the pending one any more. */
  confirm(
    caller: CallerRef,
    sealed: string,
    step: number,
    recoveryCodes: readonly string[],
    nowMs: number,
  ): Promise<FactorChange>;
  /** `refused`: there is none. */
  remove(caller: CallerRef, nowMs: number): Promise<FactorChange>;
  /** In place of all older ones. `refused`: there is no factor that counts. */
  replaceRecoveryCodes(
    caller: CallerRef,
    recoveryCodes: readonly string[],
    nowMs: number,
  ): Promise<FactorChange>;
  /**
   * Uses up a time step and all before it.
   * @param next what is stored of the secret from now on, which a newer key may have encrypted
   * @returns true for one of many with the same step
   */
  useStep(userId: string, sealed: string, step: number, next: string): Promise<boolean>;
  /** @returns true for one of many with the same code */
  useRecoveryCode(userId: string, code: string, nowMs: number): Promise<boolean>;
}

export const RECOVERY_CODES = 10;

/** How long someone may look for their code, in milliseconds. */
const HALF_LOGIN_MS = 300_000;

export type SecondFactor = ReturnType<typeof secondFactor>;

interface Deps extends Throttles {
  readonly users: { byId(id: string): Promise<UserWithPassword | null> };
  readonly store: SecondFactorStore;
  readonly totp: Totp;
  readonly encryption: Encryption;
  readonly notices: Pick<Notices, "tell">;
  readonly issuer: string;
}

/** Spaces and hyphens are how people group digits. */
const plain = (otp: string) => otp.replaceAll(/[\s-]/g, "").toLowerCase();
const isRecoveryCode = (code: string) => /^[a-z2-7]{24}$/.test(code);

const contextOf = (userId: string) => `totp ${userId}`;

/** TOTP and recovery codes: what opens an account beside its first factor. */
export function secondFactor({
  users,
  store,
  totp,
  encryption,
  notices,
  issuer,
  ...throttles
}: Deps) {
  async function secretOf(userId: string, { sealed }: StoredFactor) {
    const secret = await encryption.decrypt(sealed, contextOf(userId));
    if (secret === null) throw new Error("no key of ENCRYPTION_KEYS decrypts a second factor");
    return secret;
  }

  async function use(userId: string, code: string, nowMs: number): Promise<boolean> {
    if (isRecoveryCode(code)) {
      const isUsed = await store.useRecoveryCode(userId, code, nowMs);
      if (isUsed) notices.tell([userId], nowMs);
      return isUsed;
    }
    const factor = await store.find(userId);
    if (factor === null || factor.confirmedAtMs === null) return false;
    const { text, isCurrent } = await secretOf(userId, factor);
    const step = await totp.stepOf(text, code, nowMs);
    if (step === null) return false;
    const { sealed } = factor;
    const next = isCurrent ? sealed : await encryption.encrypt(text, contextOf(userId));
    return store.useStep(userId, sealed, step, next);
  }

  /**
   * Counted before it is looked at, as a password is: by account and network, and a wrong code by day as well.
   * @param attempts how many it releases where it is right
   */
  async function check(userId: string, otp: string, attempts: number, nowMs: number) {
    const code = plain(otp);
    const factor = isRecoveryCode(code) ? "recovery_code" : "totp";
    const reserved = await reserveAttempt(throttles, { userId, factor }, nowMs);
    if (await use(userId, code, nowMs)) {
      throttles.attempts.release(reserved.counters, nowMs, attempts);
      return;
    }
    const { wrongRetryAfterSeconds } = reserved;
    if (wrongRetryAfterSeconds !== null) refuseAttempt(wrongRetryAfterSeconds);
    refuse({ code: "credentials_wrong", attempted: { userId, credentialId: null } });
  }

  /** @throws FaultError `token_invalid`, and `otherwise` */
  function told(change: FactorChange, { userId }: Caller, otherwise: Fault, nowMs: number): void {
    if (change === "caller_gone") refuse({ code: "token_invalid" });
    if (change === "refused") refuse(otherwise);
    notices.tell([userId], nowMs);
  }

  const newCodes = () => Array.from({ length: RECOVERY_CODES }, () => totp.recoveryCode());
  const NONE = { code: "not_found", what: "Second factor" } as const;

  /** A change needs a code or, without one, a caller who has just logged in. */
  async function confirmCaller(caller: Caller, otp: string | null, nowMs: number): Promise<void> {
    if (otp === null) return requireFresh(caller, nowMs);
    await check(caller.userId, otp, 1, nowMs);
  }

  type Half = Pick<UserWithPassword, "id" | "hasSecondFactor">;

  async function pass(user: Half, otp: string | null, way: WayIn, nowMs: number): Promise<void> {
    if (!user.hasSecondFactor || way === "passkey") return;
    if (otp === null) return refuse({ code: "otp_required" });
    // A right password alone released nothing.
    await check(user.id, otp, way === "password" ? 2 : 1, nowMs);
  }

  return {
    /**
     * The rest of a log-in whose first factor was right; call it before anything is issued. Does nothing for
     * an account without a second factor, nor after a passkey, which is two.
     * @param otp a code as it was sent, or null for none
     * @throws FaultError `otp_required`, `credentials_wrong`, `throttled`, `unavailable`
     */
    pass,

    /** For a page that asks for the code: whose first factor was right, by which way. Good for five minutes. */
    half: (
      { id, credentialVersion }: Pick<User, "id" | "credentialVersion">,
      way: WayIn,
      nowMs: number,
    ) => encryption.encrypt(`${id} ${credentialVersion} ${way} ${nowMs + HALF_LOGIN_MS}`, "log-in"),

    /**
     * The other half.
     * @throws FaultError `token_invalid` where the first is too old or no longer right, and as `pass`
     */
    async complete(half: string, otp: string, nowMs: number) {
      const [id = "", version, by, until] =
        (await encryption.decrypt(half, "log-in"))?.text.split(" ") ?? [];
      const way = WAYS_IN.find((each) => each === by);
      const user = way === undefined ? null : await users.byId(id);
      // guard: half-a-log-in-ends-with-its-password
      if (
        way === undefined ||
        user?.credentialVersion !== Number(version) ||
        !(Number(until) > nowMs)
      ) {
        return refuse({ code: "token_invalid" });
      }
      await pass(user, otp, way, nowMs);
      return { user, way };
    },

    uriOf,

    /** @throws FaultError `unavailable` */
    async state({ userId }: Caller) {
      const factor = await store.find(userId);
      const confirmedAtMs = factor?.confirmedAtMs ?? null;
      return { confirmedAtMs, recoveryCodesLeft: factor?.recoveryCodesLeft ?? 0 };
    },

    /**
     * A new shared secret, which counts once a code shows that an app has it. Nothing reads it again: it
     * replaces one that is pending, which a thief may have seen.
     * @throws FaultError `login_not_fresh`, `second_factor_on`, `token_invalid`, `unavailable`
     */
    async begin(caller: Caller, email: string, nowMs: number) {
      requireFresh(caller, nowMs);
      const secret = totp.create();
      const sealed = await encryption.encrypt(secret, contextOf(caller.userId));
      const begun = await store.begin(caller, sealed, nowMs);
      if (begun === "caller_gone") refuse({ code: "token_invalid" });
      if (begun === "refused") refuse({ code: "second_factor_on" });
      return { secret, uri: uriOf(secret, email) };
    },

    /**
     * @returns recovery codes, shown this once. Where the answer is lost, `renewCodes` gives others.
     * @throws FaultError `otp_wrong`, `second_factor_on`, `not_found`, `token_invalid`, `unavailable`
     */
    async confirm(caller: Caller, otp: string, nowMs: number): Promise<readonly string[]> {
      const { userId } = caller;
      const factor = await store.find(userId);
      if (factor === null) return refuse(NONE);
      if (factor.confirmedAtMs !== null) return refuse({ code: "second_factor_on" });
      const { text } = await secretOf(userId, factor);
      const step = await totp.stepOf(text, plain(otp), nowMs);
      if (step === null) return refuse({ code: "otp_wrong" });
      const codes = newCodes();
      const confirmed = await store.confirm(caller, factor.sealed, step, codes, nowMs);
      told(confirmed, caller, { code: "otp_wrong" }, nowMs);
      return codes.map(grouped);
    },

    /** @throws FaultError `login_not_fresh`, `credentials_wrong`, `not_found`, `token_invalid`, `throttled`, `unavailable` */
    async remove(caller: Caller, otp: string | null, nowMs: number): Promise<void> {
      await confirmCaller(caller, otp, nowMs);
      told(await store.remove(caller, nowMs), caller, NONE, nowMs);
    },

    /** Ten new ones, in place of all others. @throws as `remove` */
    async renewCodes(
      caller: Caller,
      otp: string | null,
      nowMs: number,
    ): Promise<readonly string[]> {
      await confirmCaller(caller, otp, nowMs);
      const codes = newCodes();
      told(await store.replaceRecoveryCodes(caller, codes, nowMs), caller, NONE, nowMs);
      return codes.map(grouped);
    },
  };

  /** For authenticator apps, in a QR code (Google's Key Uri Format). */
  function uriOf(secret: string, email: string): string {
    const name = new URL(issuer).host;
    const label = `${encodeURIComponent(name)}:${encodeURIComponent(email)}`;
    return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(name)}`;
  }
}

const grouped = (code: string) => code.replaceAll(/.{4}(?=.)/g, "$&-");
