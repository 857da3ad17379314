import { KEYS_MAX_AGE_SECONDS, type Json } from "../core/token.ts";
import { fixedText } from "../http/conditional.ts";
import type { HttpResult, RequestContext, Route } from "../http/surface.ts";
import { published } from "./service.ts";

export interface SiteSettings {
  readonly issuer: string;
  /** `TEAMID.bundle.id` of each. */
  readonly appleApps: readonly string[];
  readonly androidApps: readonly {
    readonly name: string;
    readonly fingerprints: readonly string[];
  }[];
  /** An https or mailto URL; empty for none. */
  readonly securityContact: string;
  /** Where this service's passkeys work beside its own origin. */
  readonly passkeyOrigins: readonly string[];
}

/** Files that other programs look for at an origin. One that no setting asks for is left to the site. */
export function siteFiles({
  issuer,
  appleApps,
  androidApps,
  securityContact,
  passkeyOrigins,
}: SiteSettings): Route[] {
  const file = (name: string, handle: (context: RequestContext) => Promise<HttpResult>): Route => ({
    method: "GET",
    path: `/.well-known/${name}`,
    access: "open",
    handle,
  });
  return [
    ...(appleApps.length > 0
      ? [file("apple-app-site-association", published(apple(appleApps)))]
      : []),
    ...(androidApps.length > 0 ? [file("assetlinks.json", published(android(androidApps)))] : []),
    // WebAuthn Level 3 section 5.11: browsers ask the host that passkeys are bound to.
    ...(passkeyOrigins.length > 0
      ? [file("webauthn", published({ origins: passkeyOrigins.filter(isWeb) }))]
      : []),
    ...(securityContact === ""
      ? []
      : [
          file("security.txt", async ({ nowMs }) =>
            fixedText(securityText(issuer, securityContact, nowMs), "text/plain").answer(
              `public, max-age=${KEYS_MAX_AGE_SECONDS}`,
            ),
          ),
        ]),
  ];
}

const isWeb = (origin: string) => origin.startsWith("http");

/** Links with a token open in the app, and its passwords and passkeys are offered there. */
const apple = (ids: readonly string[]): Json => ({
  applinks: { details: [{ appIDs: ids, components: [{ "/": "/a/*" }] }] },
  webcredentials: { apps: ids },
});

/** The same for Android (Digital Asset Links). */
const android = (apps: SiteSettings["androidApps"]): Json =>
  apps.map(({ name, fingerprints }) => ({
    relation: [
      "delegate_permission/common.handle_all_urls",
      "delegate_permission/common.get_login_creds",
    ],
    target: {
      namespace: "android_app",
      package_name: name,
      sha256_cert_fingerprints: fingerprints,
    },
  }));

const DAY_MS = 86_400_000;

/** RFC 9116. It expires in less than a year (section 2.5.5), at a midnight so that it changes once a day. */
function securityText(issuer: string, contact: string, nowMs: number): string {
  const expires = new Date((Math.floor(nowMs / DAY_MS) + 180) * DAY_MS).toISOString();
  return `Contact: ${contact}\nExpires: ${expires}\nCanonical: ${issuer}/.well-known/security.txt\n`;
}
