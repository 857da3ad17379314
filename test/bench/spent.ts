/** What was asked of the stores since it was last read. */
export interface Spent {
  /** At D1's primary. */
  queries: number;
  /** At its nearest replica. */
  near: number;
  rowsRead: number;
  rowsWritten: number;
  /** As D1 counts them: how long statements took. */
  sqlMs: number;
  kvReads: number;
  kvWrites: number;
  sizeBytes: number;
}
