import type { WayIn } from "./caller.ts";
import { refuse } from "./fault.ts";
import type { UserWithPassword } from "./user.ts";

export type SecondFactor = ReturnType<typeof secondFactor>;

/** TOTP (RFC 6238) and recovery codes. */
export function secondFactor() {
  return {
    /**
     * The rest of a log-in whose first factor was right; call it before anything is issued. Does nothing for
     * an account without a second factor, nor after a passkey, which is two.
     * @param otp a code as it was sent, or null for none
     * @throws FaultError `otp_required`, `credentials_wrong`, `throttled`, `unavailable`
     */
    async pass(
      user: UserWithPassword,
      otp: string | null,
      way: WayIn,
      _nowMs: number,
    ): Promise<void> {
      if (!user.hasSecondFactor || way === "passkey") return;
      if (otp === null) refuse({ code: "otp_required" });
      refuse({ code: "credentials_wrong", attempted: { userId: user.id, credentialId: null } });
    },
  };
}
