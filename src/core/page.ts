/** Where a list continues: after this item. */
export interface Cursor {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly after: Cursor | null;
  /** How many items to leave out first. */
  readonly skip?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: Cursor | null;
}
