/**
 * Characters that are invisible, or change how the rest looks: control, format (bidirectional, zero-width),
 * line and ignorable characters, and lone surrogates. Zero-width joiners too, which some scripts use in
 * words: a name that looks like another's is worse than one without them.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Only blanks, of any width; U+2800 is a Braille cell without dots. */
const BLANK = /^[\s\u2800]*$/u;

/** Characters that separate or enclose addresses in an email's header (RFC 5322 section 3.2.3). */
const SPECIAL = /[,;:<>()[\]"\\]/;

export const hasHidden = (text: string): boolean => HIDDEN.test(text);

/**
 * A name, as it is stored: trimmed, and empty if nothing of it is visible.
 * @returns null for one with hidden characters
 */
export function storedText(text: string): string | null {
  if (hasHidden(text)) return null;
  return BLANK.test(text) ? "" : text.trim();
}

/** Whether an email, in its normal form, may be given to an account from now on. Existing ones stay. */
export const isNewEmail = (email: string): boolean => !hasHidden(email) && !SPECIAL.test(email);

/** For a terminal: hidden and control characters as `\\u{1b}`. */
export function printable(line: string): string {
  return line.replace(new RegExp(HIDDEN, "gu"), (character) =>
    character === "\n" ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const FIRST_DAY = "1900-01-01";

/** What is wrong with a date of birth, to follow the field's name; null for nothing. */
export function dayOfBirthProblem(text: string, nowMs: number): string | null {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  if (date === null || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text)) {
    return "must be a date as YYYY-MM-DD";
  }
  if (text < FIRST_DAY) return `must not be before ${FIRST_DAY}`;
  return text > new Date(nowMs).toISOString().slice(0, 10) ? "must not be in the future" : null;
}

/** Marks a name inside a sentence with Unicode isolates (U+2068, U+2069), which `Sentence` turns into `bdi`. */
export const isolated = (name: string): string =>
  `\u2068${name.replaceAll(/[\u2066-\u2069]/g, "")}\u2069`;

/** A UUID of any version (RFC 9562 section 4), in lowercase, as it is stored. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
