/**
 * What nobody sees, or what changes how the rest is seen: control, format (bidirectional and zero-width ones are
 * among them) and line characters, what Unicode calls ignorable, half characters. Zero-width joiners too,
 * which some scripts write words with: a name that looks like another's is worse than one without them.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Nothing but blanks, of any width; U+2800 is a Braille cell without dots. */
const BLANK = /^[\s\u2800]*$/u;

/** What separates addresses, or stands around one, in a mail's header (RFC 5322 section 3.2.3). */
const SPECIAL = /[,;:<>()[\]"\\]/;

export const hasHidden = (text: string): boolean => HIDDEN.test(text);

/**
 * A text that people know something by, as it is stored: trimmed, and empty where nothing of it shows.
 * @returns null for one that has what is not shown
 */
export function storedText(text: string): string | null {
  if (hasHidden(text)) return null;
  return BLANK.test(text) ? "" : text.trim();
}

/** Whether an e-mail, as it compares, may be an account's from now on. Those that there are stay as they are. */
export const isNewEmail = (email: string): boolean => !hasHidden(email) && !SPECIAL.test(email);

/** For a terminal: what is hidden, or would speak to the terminal itself, as `\\u{1b}`. */
export function printable(line: string): string {
  return line.replace(new RegExp(HIDDEN, "gu"), (character) =>
    character === "\n" ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const FIRST_DAY = "1900-01-01";

/** What is wrong with a day of birth, to stand behind the field's name; null for nothing. */
export function dayOfBirthProblem(text: string, nowMs: number): string | null {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  if (date === null || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text)) {
    return "must be a date as YYYY-MM-DD";
  }
  if (text < FIRST_DAY) return `must not be before ${FIRST_DAY}`;
  return text > new Date(nowMs).toISOString().slice(0, 10) ? "must not be in the future" : null;
}
