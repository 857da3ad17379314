import sql, { type Sql } from "sql-template-tag";
import * as v from "valibot";
import type { Background, Deadline } from "./calls.ts";
import { type Database, flag } from "./d1.ts";
import { EVENT_LOG, NIL_USER_ID } from "./event-rows.ts";

/** `EVENTS_ARCHIVE`, as far as housekeeping uses it. */
export type ArchiveBucket = Pick<R2Bucket, "get" | "put">;

const DAY_MS = 86_400_000;
const PREFIX = "events/";
/** Of a run, how long it may wait for the bucket: other tasks wait meanwhile. */
const BUCKET_MS_A_RUN = 10_000;
const MANIFEST_TRIES = 5;

const nullable = v.nullable(v.string());

/** One line of an object. Its members are named as receivers have them. */
const Line = v.object({
  id: v.string(),
  type: v.string(),
  at: v.string(),
  /** Null where none is known. */
  user_id: nullable,
  actor: nullable,
  by_operator: v.boolean(),
  outcome: v.picklist(["done", "refused"]),
  credential: nullable,
  subject: nullable,
  address: nullable,
  request_id: nullable,
  count: v.number(),
});
export type ArchivedEvent = v.InferOutput<typeof Line>;

const Row = v.pipe(
  v.object({ ...Line.entries, at: v.number(), by_operator: flag }),
  v.transform(({ at, user_id, ...row }): ArchivedEvent => {
    const owner = user_id === NIL_USER_ID ? null : user_id;
    return { ...row, user_id: owner, at: new Date(at).toISOString() };
  }),
);

const Entry = v.object({ events: v.number(), bytes: v.number() });
/** Of a day: its objects, by their sequence. */
const Manifest = v.object({ version: v.literal(1), objects: v.record(v.string(), Entry) });

const dayName = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const manifestKey = (day: string) => `${PREFIX}${day}/manifest.json`;
const objectKey = (day: string, sequence: number) =>
  `${PREFIX}${day}/${String(sequence).padStart(8, "0")}.jsonl.gz`;

const through = (bytes: Blob, stream: ReadableWritablePair<Uint8Array, BufferSource>) =>
  new Response(bytes.stream().pipeThrough(stream));

async function packed(events: readonly ArchivedEvent[]): Promise<ArrayBuffer> {
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  return through(new Blob([text]), new CompressionStream("gzip")).arrayBuffer();
}

/** @throws where it is no object of the archive */
async function unpacked(bytes: ArrayBuffer): Promise<ArchivedEvent[]> {
  const text = await through(new Blob([bytes]), new DecompressionStream("gzip")).text();
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => v.parse(Line, JSON.parse(line)));
}

/** Another writer of the manifest at the same instant makes this one read it again. */
async function note(
  bucket: ArchiveBucket,
  day: string,
  sequence: number,
  entry: v.InferOutput<typeof Entry>,
): Promise<void> {
  for (let tries = 0; tries < MANIFEST_TRIES; tries++) {
    const present = await bucket.get(manifestKey(day));
    const none: v.InferOutput<typeof Manifest> = { version: 1, objects: {} };
    const { objects } = present === null ? none : v.parse(Manifest, await present.json());
    const listed = objects[sequence];
    if (listed?.events === entry.events && listed.bytes === entry.bytes) return;
    const next = JSON.stringify({ version: 1, objects: { ...objects, [sequence]: entry } });
    const put = await bucket.put(manifestKey(day), next, {
      onlyIf: present === null ? { etagDoesNotMatch: "*" } : { etagMatches: present.etag },
      httpMetadata: { contentType: "application/json" },
    });
    if (put !== null) return;
  }
  throw new Error("the manifest of the archive is written by others all the time");
}

/**
 * Puts an object that is not there yet, and lists it.
 * @returns the events of the object that is there now: those of a run that died after its put, if there was one
 */
async function keep(
  bucket: ArchiveBucket,
  day: string,
  sequence: number,
  events: readonly ArchivedEvent[],
): Promise<readonly ArchivedEvent[]> {
  const key = objectKey(day, sequence);
  let bytes = await packed(events);
  let kept = events;
  // guard: archive-is-never-overwritten
  const put = await bucket.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    httpMetadata: { contentType: "application/gzip" },
  });
  if (put === null) {
    const present = await bucket.get(key);
    if (present === null) throw new Error("an object of the archive has just been deleted");
    bytes = await present.arrayBuffer();
    kept = await unpacked(bytes);
  }
  await note(bucket, day, sequence, { events: kept.length, bytes: bytes.byteLength });
  return kept;
}

const SequenceRow = v.object({ day: v.number(), sequence: v.number() });

/** The archive during one run of housekeeping. */
export interface ArchiveRun {
  /**
   * @param which a query for the user_id and id of events of one day
   * @returns statements for one batch that delete those that the bucket has, each with a row; null where none are left,
   *   "stopped" where the bucket fails or has taken its share of the run
   */
  store(db: Database, which: Sql): Promise<readonly Sql[] | null | "stopped">;
  /** Null where nothing was to be archived. */
  outcome(): "archived" | "failed" | null;
}

/**
 * Events are deleted by the ids that an object in the bucket has, in the batch that moves the day's sequence on. A run
 * that dies anywhere leaves an object of the current sequence, which the next run takes as its own; so does one that is
 * late. So none is deleted that is not in the bucket, and none is there twice.
 */
export function archiveRun(
  bucket: ArchiveBucket,
  withDeadline: Deadline,
  background: Background,
): ArchiveRun {
  let outcome: ReturnType<ArchiveRun["outcome"]> = null;
  let waitedMs = 0;

  return {
    async store(db, which) {
      if (outcome === "failed" || waitedMs > BUCKET_MS_A_RUN) return "stopped";
      const these = sql`FROM ${EVENT_LOG} AS e WHERE (e.user_id, e.id) IN (${which})`;
      // In one batch: what another run has archived since is seen by its sequence, or not among the rows.
      const { rows, at } = await db.batch({
        rows: sql`SELECT id, what AS type, at, user_id, actor, by_operator, outcome, credential, subject, address, request_id, count
          ${these} ORDER BY id, user_id`,
        at: sql`SELECT day, COALESCE((SELECT CAST(cursor AS INTEGER) FROM housekeeping WHERE task = 'archive ' || day), 0) AS sequence
          FROM (SELECT CAST(at / ${DAY_MS} AS INTEGER) AS day ${these} LIMIT 1)`,
      });
      const [next] = v.parse(v.array(SequenceRow), at);
      if (next === undefined) return null;
      const { day, sequence } = next;
      const events = v.parse(v.array(Row), rows);
      const begunMs = Date.now();
      let kept: readonly ArchivedEvent[] | undefined;
      await background.bestEffort(
        "archive events",
        withDeadline("R2", () => keep(bucket, dayName(day), sequence, events)).then((found) => {
          kept = found;
        }),
      );
      waitedMs += Date.now() - begunMs;
      outcome = kept === undefined ? "failed" : "archived";
      if (kept === undefined) return "stopped";
      const task = `archive ${day}`;
      const ids = kept.map(({ user_id, id }) => [user_id ?? NIL_USER_ID, id]);
      return [
        // guard: archived-events-alone-go
        sql`DELETE FROM events WHERE (user_id, id) IN (SELECT unhex(value ->> 0, '-'), unhex(value ->> 1, '-')
            FROM json_each(${JSON.stringify(ids)})) RETURNING 1`,
        sql`INSERT INTO housekeeping (task, cursor) VALUES (${task}, ${String(sequence + 1)})
          ON CONFLICT (task) DO UPDATE SET cursor = excluded.cursor WHERE cursor = ${String(sequence)}`,
      ];
    },
    outcome: () => outcome,
  };
}

/** The whole bucket, as commands use it. */
export type WholeBucket = Pick<R2Bucket, "get" | "put" | "list">;

/** The archive's days, oldest first, with the names of its manifests. */
async function* daysOf(bucket: WholeBucket, from: string, until: string) {
  for (let cursor: string | undefined, isDone = false; !isDone; ) {
    const page: R2Objects = await bucket.list({
      prefix: PREFIX,
      delimiter: "/",
      ...(cursor && { cursor }),
    });
    for (const prefix of page.delimitedPrefixes) {
      const day = prefix.slice(PREFIX.length, -1);
      if (day >= from.slice(0, 10) && day <= until.slice(0, 10)) yield day;
    }
    isDone = !page.truncated;
    if (page.truncated) cursor = page.cursor;
  }
}

async function* objectsOf(bucket: WholeBucket, from: string, until: string) {
  for await (const day of daysOf(bucket, from, until)) {
    const manifest = await bucket.get(manifestKey(day));
    // Not yet listed means that the database still has its events.
    if (manifest === null) continue;
    const { objects } = v.parse(Manifest, await manifest.json());
    for (const sequence of Object.keys(objects).map(Number)) {
      const object = await bucket.get(objectKey(day, sequence));
      if (object === null) throw new Error(`${objectKey(day, sequence)} is listed and not there`);
      const events = await unpacked(await object.arrayBuffer());
      yield { day, sequence, etag: object.etag, events };
    }
  }
}

/** Which events are read. @param from ISO 8601, as is `until`, which is excluded */
export interface ArchiveFilter {
  readonly from: string;
  readonly until: string;
  readonly userId: string | null;
  readonly kind: string | null;
}

/** The events that are wanted, day by day, those of an object in the order of time. */
export async function* archived(
  bucket: WholeBucket,
  { from, until, userId, kind }: ArchiveFilter,
): AsyncGenerator<ArchivedEvent> {
  for await (const { events } of objectsOf(bucket, from, until)) {
    for (const event of events) {
      if (event.at < from || event.at >= until) continue;
      if (userId !== null && event.user_id !== userId) continue;
      if (kind === null || event.type === kind) yield event;
    }
  }
}

/**
 * Rewrites the objects that name a user: without the user's own events, and with null for them in those of others.
 * An object that becomes empty stays, because its sequence is taken. Repeating it is harmless.
 * @returns how many events went, and of how many others the user's id
 */
export async function eraseArchived(bucket: WholeBucket, userId: string) {
  let [erased, blanked] = [0, 0];
  const unless = (id: string | null) => (id === userId ? null : id);
  for await (const { day, sequence, etag, events } of objectsOf(bucket, "", "9")) {
    const others = events.filter(({ user_id }) => user_id !== userId);
    const left = others.map((event) => ({
      ...event,
      actor: unless(event.actor),
      subject: unless(event.subject),
    }));
    const named = others.filter(({ actor, subject }) => actor === userId || subject === userId);
    if (named.length === 0 && others.length === events.length) continue;
    const bytes = await packed(left);
    const put = await bucket.put(objectKey(day, sequence), bytes, {
      onlyIf: { etagMatches: etag },
      httpMetadata: { contentType: "application/gzip" },
    });
    if (put === null) throw new Error("another erasure is at work: run this one again");
    await note(bucket, day, sequence, { events: left.length, bytes: bytes.byteLength });
    erased += events.length - others.length;
    blanked += named.length;
  }
  return { erased, blanked };
}
