/** A reason to stop that a person can act on. A command prints its message, and nothing else, and ends with the code. */
export class CliError extends Error {
  readonly exitCode: number = 1;
}

/** The arguments were not understood. */
export class UsageError extends CliError {
  override readonly exitCode = 2;
}

/** The account at Cloudflare has no database of that name. */
export class NoDatabaseError extends CliError {}
