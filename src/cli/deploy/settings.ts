import { readConfig } from "../../config.ts";
import { newKey } from "../keys/new-key.ts";
import { Refused } from "../users/refused.ts";
import type { Project } from "./project.ts";

/** What no wrangler.toml may hold: it is committed. */
const SECRETS = ["JWT_KEYS", "MAIL_WEBHOOK_SECRET"];

/** A secret of the right form, for a check that must do without the real one. */
async function standIns(variables: Readonly<Record<string, unknown>>) {
  const key = { ...(await newKey("ES256", 0)), state: "active" };
  return {
    JWT_KEYS: JSON.stringify({ keys: [key] }),
    ...(variables.MAIL_WEBHOOK_URL !== undefined && {
      MAIL_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString("base64")}`,
    }),
  };
}

const ISSUER_WANTED = (
  project: Project,
) => `ISSUER is missing: the origin at which ${project.worker} will be reached. Write it under ${
  project.environment ? `[env.${project.environment}.vars]` : "[vars]"
} in ${project.configFile}:
  ISSUER = "https://auth.example.com"
with a domain of yours at Cloudflare, or, to try it,
  ISSUER = "https://${project.worker}.<subdomain>.workers.dev"
where Workers & Pages at dash.cloudflare.com shows your subdomain.
It goes into every token, so choose the one that will stay.`;

/**
 * Whether the service would start with these settings; what is not known yet is taken to be right.
 * @param secrets what is known of this deployment's secrets
 * @returns the issuer
 * @throws Refused with all that is wrong
 */
export async function checkSettings(
  project: Project,
  variables: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const open = SECRETS.filter((name) => variables[name] !== undefined);
  if (open.length > 0) {
    throw new Refused(
      `${open.join(" and ")} in ${project.configFile} would be committed. Keep secrets in ${project.secretsFile}.`,
    );
  }
  if (variables.DEV !== undefined && variables.DEV !== "off") {
    throw new Refused(`DEV is for npm run dev. Take it out of ${project.configFile}.`);
  }
  if (variables.ISSUER === undefined) throw new Refused(ISSUER_WANTED(project));
  const checked = { ...variables, ...(await standIns(variables)), ...secrets };
  try {
    const { issuer } = readConfig(checked);
    if (!issuer.startsWith("https://")) {
      throw new Error("ISSUER must be https: the service redirects all else there");
    }
    return issuer;
  } catch (error) {
    throw new Refused(error instanceof Error ? error.message : String(error));
  }
}
