import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { audited } from "./audit.ts";
import type { D1 } from "./d1.ts";
import { type Numbered, readLines } from "./lines.ts";
import { literal } from "./literal.ts";
import { insertion } from "./new-user.ts";
import { Refused } from "./refused.ts";

/** Accounts a file of statements: far under what wrangler and D1 take, and some seconds of work. */
const PIECE = 1_000;

interface Said {
  readonly write: (line: string) => void;
  /** A line that the next one replaces, where somebody looks on. */
  readonly progress: (line: string) => void;
  readonly writeError: (line: string) => void;
}

/**
 * Brings in the accounts of a file of JSON lines. Nothing is written unless every line is good. An
 * e-mail that has an account is skipped, so that a run that was broken off can be done again.
 */
export async function importUsers(
  file: string,
  database: D1,
  nowMs: number,
  { write, progress, writeError }: Said,
): Promise<void> {
  const { users, wrong } = readLines(await textOf(file), nowMs);
  if (wrong.length > 0) {
    for (const each of wrong) writeError(each);
    throw new Refused(`Nothing was imported: ${wrong.length} faults in ${file}.`);
  }
  let done = 0;
  let made = 0;
  const startedMs = Date.now();
  const told = () => {
    const rate = Math.round((done * 1000) / Math.max(Date.now() - startedMs, 1));
    return `${done} of ${users.length} accounts${done === 0 ? "" : `, ${rate}/s`}`;
  };
  try {
    progress(told());
    for (let at = 0; at < users.length; at += PIECE) {
      const piece = users.slice(at, at + PIECE);
      const there = await importPiece(piece, database);
      for (const { line, user } of piece.filter(({ user }) => !there.has(user.id))) {
        write(`line ${line}: ${user.email} has an account already; skipped`);
      }
      done += piece.length;
      made += there.size;
      progress(told());
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Refused(
      `${error.message}\n${done} of ${users.length} accounts were done. Run it again: what is there already is skipped.`,
    );
  }
  write(`Imported ${made} accounts, skipped ${done - made}.`);
}

/** @returns the ids that are there now: of the others, somebody else has the e-mail */
async function importPiece(piece: readonly Numbered[], database: D1): Promise<ReadonlySet<string>> {
  const ids = piece.map(({ user }) => literal(user.id)).join(", ");
  await database.run([
    ...piece.map(({ user }) => insertion(user)),
    audited("user.created", `id IN (${ids})`, Date.now()),
    audited("user.disabled", `id IN (${ids}) AND disabled_on IS NOT NULL`, Date.now()),
  ]);
  const rows = await database.query(
    `SELECT id FROM users WHERE id IN (${ids})`,
    v.object({ id: v.string() }),
  );
  return new Set(rows.map(({ id }) => id));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "it is no text";
    throw new Refused(`${file} cannot be read: ${why}`);
  }
}
