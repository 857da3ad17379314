/**
 * A value as a literal of SQLite, for `wrangler d1 execute` takes no parameters. Text goes as the
 * hexadecimal of its UTF-8: whatever stands in it, only 0 to 9 and A to F reach the statement, and
 * wrangler, which cuts a file into statements itself, finds nothing in it to cut at.
 */
export function literal(value: string | number | null): string {
  if (value === null) return "NULL";
  if (typeof value === "string") {
    return `CAST(X'${Buffer.from(value, "utf8").toString("hex").toUpperCase()}' AS TEXT)`;
  }
  if (!Number.isSafeInteger(value)) throw new Error("only whole numbers go into the database");
  return String(value);
}
