/** What users call themselves, for those who meet them. */
export interface DisplayNames {
  /** @returns the names of those who stand and have said one */
  names(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Stands where a user has said no name; her e-mail is nobody's business. */
export const UNNAMED_USER = "this person";
