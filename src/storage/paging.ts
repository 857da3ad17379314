import sql, { type Sql } from "sql-template-tag";
import type { Cursor, Page, PageRequest } from "../core/page.ts";

/** Newest first from the cursor on; one row more than asked tells whether there is a next page. */
export function pageOf(id: Sql, createdAt: Sql, { limit, after, skip = 0 }: PageRequest) {
  return {
    from:
      after === null ? sql`TRUE` : sql`(${createdAt}, ${id}) < (${after.createdAtMs}, ${after.id})`,
    orderAndLimit: sql`ORDER BY ${createdAt} DESC, ${id} DESC LIMIT ${limit + 1} OFFSET ${skip}`,
  };
}

export function toPage<T extends { readonly id: string; readonly createdAtMs: number }>(
  rows: readonly T[],
  { limit }: PageRequest,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next: Cursor | null =
    rows.length > limit && last !== undefined
      ? { createdAtMs: last.createdAtMs, id: last.id }
      : null;
  return { items, next };
}
