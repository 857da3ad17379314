/** What a credential may do, one word a kind of act; a token can never make one that can do more. */
export const SCOPES = [
  "tokens:read",
  "tokens:write",
  "account:read",
  "account:write",
  "actions:issue",
  "actions:run",
  "introspect",
] as const;

export type Scope = (typeof SCOPES)[number];
