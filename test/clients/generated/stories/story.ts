/** What each generated client does with a running service, and what came of it. */
export type Story = (
  baseUrl: string,
  login: { readonly email: string; readonly password: string },
) => Promise<{
  readonly id: string;
  readonly refusal: string | null;
  readonly names: readonly string[];
  readonly kind: string | null;
}>;
