/** What each built-in scope allows, as people read it. */
const BUILT_IN = {
  "tokens:read": "See your API tokens, never their secrets",
  "tokens:write": "Create, rename, rotate and revoke API tokens",
  "account:read": "Read your profile, activity and data",
  "account:write": "Change your profile",
  "actions:issue": "Issue action tokens in your name, and revoke them",
  "actions:run": "Run action tokens as you",
  introspect: "Ask about anyone's tokens: for resource servers",
} as const;

/** What operators may do. No credential has them by default: "all" of an API token is all but these. */
const FOR_OPERATORS = {
  "admin:read": "See all accounts and their events, for operators",
  "admin:write": "Disable, change and delete all accounts, for operators",
} as const;

/** A scope that a route of this service can ask for. */
export type BuiltInScope = keyof typeof BUILT_IN | keyof typeof FOR_OPERATORS;

/** What a credential may do: a built-in scope, or one of the deployment's own. */
export type Scope = string;

export const SCOPES = Object.keys(BUILT_IN) as readonly (keyof typeof BUILT_IN)[];
export const OPERATOR_SCOPES = Object.keys(
  FOR_OPERATORS,
) as readonly (keyof typeof FOR_OPERATORS)[];

export const isOperatorScope = (scope: Scope): boolean => Object.hasOwn(FOR_OPERATORS, scope);

/** Null: everything that its user may do, also what a later configuration adds. */
export type Grant = readonly Scope[] | null;

interface Scoped {
  readonly scopes: Grant;
}

/** Whether a credential may do this. */
export const mayDo = ({ scopes }: Scoped, scope: Scope): boolean =>
  scopes === null ? !isOperatorScope(scope) : scopes.includes(scope);

/** The same, and a full log-in may also do what operators may: whether its user is one, the operators' gate asks. */
export const mayDoAtOnce = (credential: Scoped, scope: Scope): boolean =>
  mayDo(credential, scope) || (credential.scopes === null && isOperatorScope(scope));

/** What is derived without naming scopes gets none of operators'. */
export const withoutOperators = (scopes: readonly Scope[]): readonly Scope[] =>
  scopes.filter((scope) => !isOperatorScope(scope));

/** Whether a token can do all that a user can do at this service itself, or something that only operators can. */
export const isAllPowerful = (scopes: readonly Scope[]): boolean =>
  SCOPES.every((scope) => scopes.includes(scope)) || scopes.some(isOperatorScope);

const OWN_SCOPES_MAX = 50;
const NAME_MAX = 64;
/** Of all names together: a JWT with all of them must fit into a header. */
const NAMES_MAX = 2_000;
const DESCRIPTION_MAX = 200;

/** RFC 6749 section 3.3: lists of scopes have spaces between. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Everything that is wrong with a deployment's own scopes, by name. */
export function ownScopeProblems(own: Readonly<Record<string, unknown>>): readonly string[] {
  const entries = Object.entries(own);
  const isMany = entries.length > OWN_SCOPES_MAX || Object.keys(own).join(" ").length > NAMES_MAX;
  const wrong = entries.flatMap(([name, description]) => {
    const quoted = JSON.stringify(name.slice(0, NAME_MAX));
    if (Object.hasOwn(BUILT_IN, name) || isOperatorScope(name))
      return `${quoted} is a built-in scope`;
    if (!SCOPE_TOKEN.test(name) || name.length > NAME_MAX) {
      return `${quoted} must be 1 to ${NAME_MAX} visible ASCII characters without " and \\ (RFC 6749 section 3.3)`;
    }
    const isText = typeof description === "string" && description.trim() !== "";
    return isText && description.length <= DESCRIPTION_MAX
      ? []
      : `${quoted} must have a description of 1 to ${DESCRIPTION_MAX} characters`;
  });
  if (!isMany) return wrong;
  return [`must be at most ${OWN_SCOPES_MAX}, of ${NAMES_MAX} characters together`, ...wrong];
}

/**
 * The scopes of one deployment. Tokens keep the names that they were created with: one that the
 * configuration no longer has grants nothing and is not shown, until the configuration has it again.
 */
export interface Scopes {
  /** The built-in ones first. */
  readonly names: readonly Scope[];
  /** By name, as people read it; the same order. */
  readonly descriptions: Readonly<Record<Scope, string>>;
  /** Those that grant something, of what a credential has. */
  granted(scopes: Grant): readonly Scope[];
  /** Whether it can be asked for by name. */
  isKnown(scope: Scope): boolean;
}

/** @param own names and descriptions without any of `ownScopeProblems` */
export function scopeTable(own: Readonly<Record<Scope, string>> = {}): Scopes {
  const descriptions = { ...BUILT_IN, ...own };
  const names = Object.keys(descriptions);
  const isKnown = (scope: Scope) => names.includes(scope) || isOperatorScope(scope);
  return {
    names,
    descriptions,
    granted: (scopes) => (scopes === null ? names : scopes.filter(isKnown)),
    isKnown,
  };
}
