import type { Ha1bHashes } from "../core/ha1b.ts";
import type { IssuerRedirects, SignedState } from "../core/issuer-login.ts";
import type { Encryption, Totp } from "../core/second-factor.ts";
import type { IdTokens, Issuer } from "../core/issuers.ts";
import type { Jwts } from "../core/jwt.ts";
import type { LegacyKeys } from "../core/legacy-jwts.ts";
import type { SignatureCheck } from "../core/leaks.ts";
import type { Challenges } from "../core/passkeys.ts";
import type { IsPwned, Passwords } from "../core/passwords.ts";
import type { StatusListSigner } from "../core/status-lists.ts";
import type { JwtReader } from "../core/token-diagnosis.ts";
import type { Secrets } from "../core/token.ts";
import { encryption } from "./encryption.ts";
import { githubSignature, type ScanningKey } from "./github-signature.ts";
import { idTokens } from "./id-tokens.ts";
import { issuerRedirects } from "./issuer-redirects.ts";
import { jwts } from "./jwt.ts";
import { jwtReader } from "./jwt-reader.ts";
import { type LegacySetting, legacyKeys } from "./legacy-jwts.ts";
import { type EncryptionKeys, type JwtKeySet, keyRing, keyStates, publicKeySet } from "./keys.ts";
import { neverPwned, pwnedPasswords } from "./pwned-passwords.ts";
import { createSecrets, type LegacyTokens } from "./secrets.ts";
import { challenges, signedState } from "./signed-state.ts";
import { statusListSigner } from "./status-list.ts";
import { totp } from "./totp.ts";

interface Settings {
  readonly issuer: string;
  readonly jwtKeys: JwtKeySet;
  readonly encryptionKeys: EncryptionKeys;
  readonly legacyTokens: readonly LegacyTokens[];
  readonly legacyJwtKeys: LegacySetting | null;
  readonly audiences: readonly string[];
  readonly issuers: readonly Issuer[];
  readonly storageDeadlineMs: number;
  readonly githubScanningKeys: readonly ScanningKey[];
  readonly pwnedPasswordsUrl: string | null;
  readonly takesHa1b: boolean;
  readonly tokenPrefixes: readonly [string, ...string[]];
}

/** Password hashes, which need WebAssembly that only workerd imports as a module. */
export interface PasswordHashing {
  readonly passwords: Passwords;
  /** For the deployment of this issuer. */
  readonly ha1bHashes: (issuer: string) => Ha1bHashes;
}

export interface CryptoServices {
  readonly passwords: Passwords;
  /** Null where HA1B is off. */
  readonly ha1bHashes: Ha1bHashes | null;
  readonly isPwned: IsPwned;
  readonly secrets: Secrets;
  readonly encryption: Encryption;
  readonly totp: Totp;
  readonly jwts: Jwts;
  /** Null where no JWTs of an earlier system are accepted. */
  readonly legacyKeys: LegacyKeys | null;
  readonly jwtReader: JwtReader;
  readonly publicKeys: ReturnType<typeof publicKeySet>;
  readonly keyStates: ReturnType<typeof keyStates>;
  readonly statusListSigner: StatusListSigner;
  readonly idTokens: IdTokens;
  readonly issuerRedirects: IssuerRedirects;
  readonly issuerStates: SignedState;
  readonly challenges: Challenges;
  readonly isSignedByGithub: SignatureCheck;
}

/** @param requestId of the request that is being served, for the log */
export function createCrypto(
  settings: Settings,
  { passwords, ha1bHashes }: PasswordHashing,
  requestId: () => string,
): CryptoServices {
  const { issuer, jwtKeys, pwnedPasswordsUrl } = settings;
  const keys = keyRing(jwtKeys);
  return {
    passwords,
    ha1bHashes: settings.takesHa1b ? ha1bHashes(issuer) : null,
    isPwned: pwnedPasswordsUrl === null ? neverPwned : pwnedPasswords(pwnedPasswordsUrl, requestId),
    secrets: createSecrets(settings.tokenPrefixes, settings.legacyTokens),
    encryption: encryption(settings.encryptionKeys),
    totp,
    jwts: jwts(keys, issuer, settings.audiences),
    legacyKeys: settings.legacyJwtKeys === null ? null : legacyKeys(settings.legacyJwtKeys),
    jwtReader: jwtReader(keys, issuer),
    publicKeys: publicKeySet(jwtKeys),
    keyStates: keyStates(jwtKeys),
    statusListSigner: statusListSigner(keys, issuer),
    idTokens: idTokens(settings.issuers, settings.storageDeadlineMs),
    issuerRedirects: issuerRedirects(settings.issuers, issuer, settings.storageDeadlineMs),
    issuerStates: signedState(jwtKeys, "issuer log-in"),
    challenges: challenges(jwtKeys),
    isSignedByGithub: githubSignature(settings.githubScanningKeys),
  };
}
