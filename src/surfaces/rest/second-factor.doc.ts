import * as v from "valibot";
import type { Component, OperationDoc, RoutesOf } from "../../openapi/description.ts";
import { answer, count, describe, text, timeOrNull } from "../../openapi/shapes.ts";
import { Empty, success } from "./accounts.doc.ts";
import { confirm, optionalOtp, type secondFactorRoutes } from "./second-factor.ts";

const OTP = "A code of the second factor, or a recovery code.";

const RecoveryCodes = v.object({
  recovery_codes: describe(
    v.pipe(v.array(text), v.length(10)),
    "Each works once, in place of a code. They are shown this once.",
  ),
});

export const secondFactorComponents: Readonly<Record<string, Component>> = {
  ConfirmTotp: {
    schema: confirm.schema,
    fields: { otp: { description: "The code that the app shows now." } },
  },
  OptionalOtp: {
    schema: optionalOtp.schema,
    fields: {
      otp: { description: `${OTP} Without it the log-in must be at most ten minutes old.` },
    },
  },
  RecoveryCodes: { schema: RecoveryCodes },
};

type SecondFactorOperations = Readonly<Record<RoutesOf<typeof secondFactorRoutes>, OperationDoc>>;

export const secondFactorOperations: SecondFactorOperations = {
  "GET /rest/user/totp": {
    id: "readTotp",
    summary: "Whether the account has a second factor",
    description:
      "Log-ins by password, email, identity and HA1B then need one of its codes as well.",
    answers: answer(
      "Its state.",
      success(
        v.object({ enabled: v.boolean(), enabled_on: timeOrNull, recovery_codes_left: count }),
      ),
    ),
  },
  "POST /rest/user/totp": {
    id: "createTotp",
    summary: "Create a secret for an authenticator app",
    description:
      "It counts once `POST /rest/user/totp/confirm` has shown that the app has it. Needs a log-in of the last ten minutes. Replaces a secret that was not confirmed.",
    answers: answer(
      "The secret, shown this once.",
      success(
        v.object({
          secret: describe(text, "In Base32, as apps take it."),
          uri: describe(text, "An `otpauth:` URI, to be shown as a QR code."),
        }),
      ),
    ),
    refuses: [409],
  },
  "POST /rest/user/totp/confirm": {
    id: "confirmTotp",
    summary: "Turn the second factor on with its first code",
    description:
      "Revokes nothing. If the answer is lost, the second factor may be on: `POST /rest/user/recovery_codes` gives new recovery codes.",
    answers: answer("It is on.", success(RecoveryCodes)),
    refuses: [404, 409],
  },
  "DELETE /rest/user/totp": {
    id: "deleteTotp",
    summary: "Turn the second factor off",
    description: "With `otp`, or a log-in of the last ten minutes.",
    answers: answer("It is off, and its recovery codes are gone.", success(Empty)),
    refuses: [404],
  },
  "POST /rest/user/recovery_codes": {
    id: "createRecoveryCodes",
    summary: "Create ten recovery codes in place of all others",
    description: "With `otp`, or a log-in of the last ten minutes.",
    answers: answer("The new ones.", success(RecoveryCodes)),
    refuses: [404],
  },
};
