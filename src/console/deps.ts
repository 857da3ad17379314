import type { Admin } from "../core/admin.ts";
import type { Accounts, PersonalDataStore } from "../core/accounts.ts";
import type { ActionPages } from "../core/action-pages.ts";
import type { ActionTokens, ActionUses } from "../core/action-tokens.ts";
import type { ApiTokens } from "../core/api-tokens.ts";
import type { Authenticate } from "../core/authenticate.ts";
import type { OwnContacts } from "../core/contacts.ts";
import type { EmailLogins } from "../core/email-login.ts";
import type { EventStore } from "../core/events.ts";
import type { FreshLogins } from "../core/fresh-login.ts";
import type { LinkedIdentities } from "../core/identities.ts";
import type { IssuerLogin } from "../core/issuer-login.ts";
import type { Logins } from "../core/logins.ts";
import type { Passkeys } from "../core/passkeys.ts";
import type { FirstFactor } from "../core/passwords.ts";
import type { Recovery } from "../core/recovery.ts";
import type { Scopes } from "../core/scopes.ts";
import type { Encryption, SecondFactor } from "../core/second-factor.ts";
import type { Sessions } from "../core/sessions.ts";
import type { TokenDiagnostics } from "../core/token-diagnosis.ts";
import type { Brand } from "./brand.ts";
import type { Reader } from "./docs/document.ts";

/** What the pages are made from. */
export interface ConsoleDeps {
  readonly admin: Admin;
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
  readonly freshLogins: FreshLogins;
  readonly firstFactor: FirstFactor;
  readonly secondFactor: SecondFactor;
  readonly encryption: Encryption;
  readonly accounts: Accounts;
  readonly recovery: Recovery;
  readonly emailLogins: EmailLogins;
  readonly audit: EventStore;
  readonly actionTokens: ActionTokens;
  readonly actionUses: ActionUses;
  readonly actionPages: ActionPages;
  readonly contacts: OwnContacts;
  readonly identities: LinkedIdentities;
  readonly issuerLogin: IssuerLogin;
  readonly passkeys: Passkeys;
  readonly diagnose: TokenDiagnostics;
  readonly issuer: string;
  readonly brand: Brand;
  /** Whether `/` leads to the console. */
  readonly ownsRoot: boolean;
  readonly apiTokens: ApiTokens;
  readonly scopes: Scopes;
  /** The API document, for the pages that show it. */
  readonly reader: () => Reader;
  readonly logins: Logins;
  readonly personalData: PersonalDataStore;
  readonly signUpIsOpen: boolean;
  /** Whether email can be sent; otherwise no page offers it. */
  readonly sendsMail: boolean;
  /** Whether accounts have passwords; otherwise no page has a field for one. */
  readonly passwords: boolean;
}
