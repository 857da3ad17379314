/** A position in a list: what it is sorted by (newest first: the time in ms), and the item's id. */
export interface Cursor {
  readonly key: number | string;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  /** Continues after this item. */
  readonly after: Cursor | null;
  /** Goes back: the items right before this one, in the list's own order. Then `after` is null. */
  readonly before?: Cursor;
  /** How many items to leave out first. */
  readonly skip?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: Cursor | null;
  /** For `before`, on pages; answers in JSON have only `next`. */
  readonly previous: Cursor | null;
}
