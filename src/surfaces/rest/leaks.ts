import * as v from "valibot";
import { type Leaks, LEAKS_MAX } from "../../core/leaks.ts";
import { ok } from "../../http/answer.ts";
import { readJson, readSignedJson } from "../../http/body.ts";
import { decode } from "../../http/fields.ts";
import type { Route } from "../../http/surface.ts";
import { success } from "./accounts.ts";

const tokens = <const T extends v.GenericSchema>(item: T) =>
  v.pipe(
    v.array(item, "must be a list"),
    v.minLength(1, "must not be empty"),
    v.maxLength(LEAKS_MAX, `must be at most ${LEAKS_MAX}`),
  );

export const Report = v.object({ tokens: tokens(v.string("must be a string")) });

/** GitHub's secret scanning partner program: what it found, in the form in which it tells so. */
export const GithubReport = tokens(
  v.looseObject({ token: v.string("must be a string"), type: v.string("must be a string") }),
);

const KEY_HEADER = "github-public-key-identifier";
const SIGNATURE_HEADER = "github-public-key-signature";

/** Ends tokens that were found where they should not be. Whoever holds one may: no caller is needed. */
export function leaked(leaks: Leaks): Route {
  return {
    method: "POST",
    path: "/rest/leaked",
    access: "anyone",
    async handle({ request, nowMs }) {
      const keyId = request.header(KEY_HEADER);
      if (keyId === undefined) {
        const shown = decode(Report, await readJson(request)).tokens;
        await leaks.enforceRateLimit();
        const revoked = (await leaks.report(shown, nowMs)).filter((each) => each.wasRevoked).length;
        return success({ reported: shown.length, revoked });
      }
      const signature = request.header(SIGNATURE_HEADER) ?? "";
      const json = await readSignedJson(request, (bytes) =>
        leaks.checkSignature(keyId, signature, bytes),
      );
      const found = decode(GithubReport, json);
      const shown = found.map(({ token }) => token);
      const verdicts = await leaks.report(shown, nowMs);
      return ok(
        found.map(({ token, type }, index) => ({
          token_raw: token,
          token_type: type,
          label: verdicts[index]?.isOurs ? "true_positive" : "false_positive",
        })),
      );
    },
  };
}
