import * as oauth from "oauth4webapi";
import { refuse } from "../core/fault.ts";
import type { IssuerRedirects } from "../core/issuer-login.ts";
import type { Issuer, IssuerClient } from "../core/issuers.ts";

/** How long an issuer's metadata are used before they are fetched again. */
const METADATA_LIVE_MS = 3_600_000;
/** After a failed fetch, log-ins fail at once for this long instead of each waiting for the deadline. */
const PAUSE_MS = 5_000;

interface Endpoints {
  readonly server: oauth.AuthorizationServer;
  readonly authorization: URL;
}

/** @param origin of this service: every redirect URI is a path of it */
export function issuerRedirects(
  issuers: readonly Issuer[],
  origin: string,
  deadlineMs: number,
): IssuerRedirects {
  const flows = new Map(
    issuers.flatMap((issuer) =>
      issuer.client === undefined ? [] : [[issuer.name, flow(issuer, issuer.client)] as const],
    ),
  );

  function flow(issuer: Issuer, client: IssuerClient) {
    const [identifier] = issuer.spellings;
    const redirectUri = `${origin}/log-in/${issuer.name}/callback`;
    const options = () => ({
      signal: AbortSignal.timeout(deadlineMs),
      // Only a test's issuer, on loopback, is configured with plain HTTP.
      [oauth.allowInsecureRequests]: identifier.startsWith("http:"),
    });
    let known: { readonly endpoints: Endpoints; readonly untilMs: number } | null = null;
    let pausedUntilMs = 0;

    /** Nothing is fetched but what the configured issuer itself names, each time within the deadline. */
    async function endpoints(): Promise<Endpoints> {
      const nowMs = Date.now();
      if (known !== null && nowMs < known.untilMs) return known.endpoints;
      if (nowMs < pausedUntilMs) return unavailable(issuer, "it did not answer a moment ago");
      try {
        const url = new URL(identifier);
        const response = await oauth.discoveryRequest(url, options());
        const server = await oauth.processDiscoveryResponse(url, response);
        const authorization = new URL(server.authorization_endpoint ?? "");
        // guard: issuer-is-asked-over-tls
        if (authorization.protocol !== "https:" && !identifier.startsWith("http:")) {
          throw new Error("its authorization endpoint is not https");
        }
        known = { endpoints: { server, authorization }, untilMs: nowMs + METADATA_LIVE_MS };
        return known.endpoints;
      } catch (error) {
        pausedUntilMs = nowMs + PAUSE_MS;
        return unavailable(issuer, error);
      }
    }

    const authenticated = ({
      token_endpoint_auth_methods_supported: methods,
    }: oauth.AuthorizationServer) => {
      if (client.secret === null) return oauth.None();
      return methods === undefined || methods.includes("client_secret_basic")
        ? oauth.ClientSecretBasic(client.secret)
        : oauth.ClientSecretPost(client.secret);
    };

    return {
      async authorizationUrl(secret: string): Promise<string> {
        const { authorization } = await endpoints();
        const url = new URL(authorization);
        const parameters = {
          response_type: "code",
          client_id: client.id,
          redirect_uri: redirectUri,
          scope: "openid email",
          state: await derived("state", secret),
          nonce: await derived("nonce", secret),
          code_challenge: await oauth.calculatePKCECodeChallenge(await derived("verifier", secret)),
          code_challenge_method: "S256",
        };
        for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
        return url.href;
      },

      async idToken(secret: string, answer: URLSearchParams) {
        const { server } = await endpoints();
        const us: oauth.Client = { client_id: client.id };
        try {
          // State, and `iss` where it is sent (RFC 9207).
          const state = await derived("state", secret);
          const checked = oauth.validateAuthResponse(server, us, answer, state);
          const verifier = await derived("verifier", secret);
          const method = authenticated(server);
          const response = await oauth
            .authorizationCodeGrantRequest(
              server,
              us,
              method,
              checked,
              redirectUri,
              verifier,
              options(),
            )
            .catch((error: unknown) => {
              // No code, or no answer in time.
              if (isOfAnswer(error)) throw error;
              return unavailable(issuer, error);
            });
          if (response.status >= 500) return unavailable(issuer, `it answered ${response.status}`);
          const { id_token } = await oauth.processAuthorizationCodeResponse(server, us, response, {
            expectedNonce: await derived("nonce", secret),
            requireIdToken: true,
          });
          return { idToken: id_token ?? "" };
        } catch (error) {
          if (error instanceof oauth.AuthorizationResponseError) {
            return error.error === "access_denied" ? ("denied" as const) : ("wrong" as const);
          }
          if (isOfAnswer(error)) return "wrong" as const;
          throw error;
        }
      },
    };
  }

  const flowOf = (name: string) => {
    const found = flows.get(name);
    if (found === undefined) throw new Error(`${name} has no client`);
    return found;
  };
  return {
    issuers: issuers
      .filter(({ client }) => client !== undefined)
      .map(({ name, label = name }) => ({ name, label })),
    authorizationUrl: (name, secret) => flowOf(name).authorizationUrl(secret),
    idToken: (name, secret, answer) => flowOf(name).idToken(secret, answer),
  };
}

/** What oauth4webapi found wrong with what the browser or the issuer sent. */
const isOfAnswer = (error: unknown): boolean =>
  error instanceof oauth.OperationProcessingError ||
  error instanceof oauth.ResponseBodyError ||
  error instanceof oauth.WWWAuthenticateChallengeError ||
  error instanceof oauth.UnsupportedOperationError;

const unavailable = ({ name }: Issuer, cause: unknown): never =>
  refuse(
    { code: "unavailable", retryAfterSeconds: PAUSE_MS / 1000 },
    new Error(`${name} cannot be asked`, { cause }),
  );

/** None of them tells the others, nor the secret that only the browser keeps. */
async function derived(what: string, secret: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(`${what} ${secret}`),
  );
  return new Uint8Array(digest).toBase64({ alphabet: "base64url", omitPadding: true });
}
