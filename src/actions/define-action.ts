import sql, { Sql } from "sql-template-tag";
import * as v from "valibot";
import type {
  AccountChange,
  Action,
  ActionPage,
  Condition,
  Described,
  Parsed,
  PersonalTable,
  PageLink,
  Planned,
  Preset,
  SetText,
} from "../core/action.ts";
import { actions } from "../console/words.ts";
import { type AuditEvent, isAuditEvent } from "../core/events.ts";
import type { Json } from "../core/token.ts";
import { uuid } from "../core/uuid.ts";
import { formFields } from "./form-fields.ts";
import { guardedBy, isOnceWrite, once, type OnceWrite } from "./once.ts";

interface Given<Payload> {
  /** As the schema made it. */
  readonly payload: Payload;
  /** The user who issued the token. */
  readonly issuerId: string;
}

/** What `check` gets. */
export interface CheckArguments<Payload> extends Given<Payload> {
  /** The user it runs for; null where that is not known yet: at issue, and on the page before the log-in. */
  readonly runner: string | null;
  readonly sql: typeof sql;
  /** For each id in SQL, as the database has it (16 bytes): `user_id = ${uuid(runner)}`. As text it equals none. */
  readonly uuid: typeof uuid;
}

/** What `run` gets. */
export interface RunArguments<Payload, Input> extends Given<Payload> {
  readonly input: Input;
  /** The user it runs for: the caller, or the issuer if no one is logged in and `needsCaller` is false. */
  readonly runner: string;
  /** The id of the action token. */
  readonly tokenId: string;
  /** The time of this request, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Makes an INSERT, UPDATE or DELETE part of this run: it happens if, and only if, the run gets a use. */
  readonly once: (write: Sql) => OnceWrite;
  readonly sql: typeof sql;
  /** For each id in SQL, as the database has it (16 bytes): `user_id = ${uuid(runner)}`. As text it equals none. */
  readonly uuid: typeof uuid;
}

/** What `run` returns: the effect and the answer, or the sentence with which the run is refused. */
export type RunResult<Answer, Event extends string> =
  | {
      readonly writes: OnceWrite | readonly OnceWrite[];
      /** `data` of the HTTP answer. */
      readonly answer: Answer;
      /** What happened, on the runner's Activity page and in webhooks: declared in `events`. */
      readonly event?: Event | AuditEvent | Sql;
      /** Only if it writes to `users`. */
      readonly changes?: AccountChange;
    }
  | { readonly rejected: string };

/** An action as people see it. What is left out is made from the name and the payload. */
export interface PageDefinition<Payload> {
  /** What the console calls it. */
  readonly title?: string;
  /** The heading and the button for the one who opens the link. Default: the title. */
  readonly button?: string;
  /** Whole sentences, for the one who issues a token: what its holder can do. */
  readonly note?: string;
  /** Whether the page asks a person to log in first. Default: true. */
  readonly asksForLogin?: boolean;
  /** Uses and seconds that the form offers at a click; the first is chosen. At most 6. */
  readonly presets?: readonly Preset[];
  /** A link for the one who ran it, such as back to your app: a path of this service, or an https URL. */
  readonly next?: PageLink;
  /** Where another link like it can be asked for, once this one can no longer be used. */
  readonly renew?: PageLink;
  /** The users whose names `describe` needs. */
  referencedUserIds?(given: Given<Payload>): readonly string[];
  /** Whole sentences: what will happen, and what has happened. */
  describe?(
    given: Given<Payload> & {
      /** A user's display name, or a word for someone without one. */
      readonly nameOf: (userId: string) => string;
      /** Puts a text that a user has set into a sentence. */
      readonly text: SetText;
    },
  ): Described;
  /** What must hold so that a run would change something; otherwise the page offers no button. */
  offered?(given: CheckArguments<Payload> & { readonly runner: string }): readonly Condition[];
}

/** What `defineAction` takes. */
export interface ActionDefinition<
  Payload extends v.GenericSchema,
  Input extends v.GenericSchema,
  Answer extends v.GenericSchema<Json, Json>,
  Event extends string,
> {
  /** A letter, then letters, digits and `_`; at most 64. */
  readonly name: string;
  /**
   * What a token is issued with. `v.title` and `v.description` label the console's form and the API
   * document; `v.metadata({ form: "password" })` or `{ form: "user" }` chooses the kind of a text field.
   */
  readonly payload: Payload;
  /** What the runner sends with the token. Without it, what they send is ignored. */
  readonly input?: Input;
  /** What a run answers. */
  readonly answer?: Answer;
  /** Whether a run without a logged-in caller is refused; otherwise such a run is for the issuer. Default: true. */
  readonly needsCaller?: boolean;
  /** Issued by the service alone, for emails. */
  readonly isInternal?: boolean;
  /** Whether `run` computes much, such as a password hash: it then starts only for a token that can run. */
  readonly isExpensive?: boolean;
  /** Its tables with rows about users: exported, erased and cleaned up with their accounts. */
  readonly tables?: readonly PersonalTable[];
  /** Its own kinds of events, such as `coupon.redeemed`, with what the user reads: `You redeemed a coupon`. */
  readonly events?: Readonly<Record<Event, string>>;
  /**
   * Why a run is refused whose writes break a constraint: one sentence, or one for each constraint by
   * what SQLite calls it (`coupon_uses.user_id, coupon_uses.code`, a CHECK's name, `FOREIGN KEY`).
   */
  readonly constraint?: string | Readonly<Record<string, string>>;
  /** Conditions that must hold when a token is issued, and in the transaction of each run. */
  check?(given: CheckArguments<v.InferOutput<Payload>>): readonly Condition[];
  /** Computes what to write and to answer. It has no effect of its own: a preview may call it too. */
  run(
    given: RunArguments<v.InferOutput<Payload>, v.InferOutput<Input>>,
  ):
    | RunResult<v.InferOutput<NoInfer<Answer>>, NoInfer<Event>>
    | Promise<RunResult<v.InferOutput<NoInfer<Answer>>, NoInfer<Event>>>;
  readonly page?: PageDefinition<v.InferOutput<Payload>>;
}

const ignored = v.pipe(
  v.unknown(),
  v.transform((): null => null),
);

/**
 * An action for `createLatchkey({ actions: [...] })`.
 * @throws nothing: what is wrong with it is listed when the Worker starts
 */
export function defineAction<
  const Payload extends v.GenericSchema,
  const Input extends v.GenericSchema = v.GenericSchema<unknown, null>,
  const Answer extends v.GenericSchema<Json, Json> = v.GenericSchema<Json, Json>,
  const Event extends string = never,
>(definition: ActionDefinition<Payload, Input, Answer, Event>): Action {
  const { name, payload: schema, input, answer, constraint, tables = [] } = definition;
  const events: Readonly<Record<string, string>> = definition.events ?? {};
  const page = pageOf(name, definition.page ?? {});
  const parseInput = (sent: Json): Parsed<v.InferOutput<Input>> =>
    parseWith(input ?? ignored, sent);

  function planOf(result: RunResult<Json, string>): Planned {
    if ("rejected" in result) return result;
    const { event, changes } = result;
    const writes = [result.writes].flat();
    if (!writes.every(isOnceWrite)) throw new Error(`action ${name}: a write without once()`);
    const isKnown = typeof event !== "string" || event in events || isAuditEvent(event);
    if (!isKnown) throw new Error(`action ${name}: the event ${event} is not in its events`);
    return {
      writes: ({ strings, values }) =>
        writes.map((write) => guardedBy(write, new Sql(strings, values))),
      // In JavaScript it may be left out.
      answer: result.answer ?? null,
      ...(event !== undefined && { event }),
      ...(changes !== undefined && { changes }),
    };
  }

  /** Refuses an id as text, which no id in the database equals, so that a condition with it fails in the first test. */
  function sqlFor(said: unknown, ...ids: (string | null)[]): typeof sql {
    return (strings, ...values) => {
      // What somebody typed may be the same, and must not stop the run.
      if (values.some((value) => isIn(ids, value) && !JSON.stringify(said).includes(value))) {
        throw new Error(`action ${name}: an id in SQL is \${uuid(…)}, and not a text`);
      }
      return sql(strings, ...values);
    };
  }

  return {
    name,
    needsCaller: definition.needsCaller ?? true,
    isInternal: definition.isInternal ?? false,
    isExpensive: definition.isExpensive ?? false,
    events,
    tables,
    page,
    // When a page asks for them: the first answer does not wait for forms.
    get payloadFields() {
      return formFields(schema);
    },
    get inputFields() {
      return input === undefined ? [] : formFields(input);
    },
    constraintMessage(broken) {
      if (constraint === undefined || typeof constraint === "string") return constraint ?? null;
      return Object.hasOwn(constraint, broken) ? (constraint[broken] ?? null) : null;
    },

    schemas: { payload: schema, input: input ?? null, answer: answer ?? null },

    prepare(sent, issuerId) {
      const parsed = parseWith(schema, sent);
      if (!parsed.ok) return parsed;
      const given = { payload: parsed.value, issuerId };
      return {
        ok: true,
        value: {
          stored: () => storedOf(schema, sent, parsed.value),
          check: (runner) =>
            definition.check?.({
              ...given,
              runner,
              sql: sqlFor(parsed.value, issuerId, runner),
              uuid,
            }) ?? [],
          receive(sentInput) {
            const received = parseInput(sentInput);
            if (!received.ok) return received;
            const run = { ...given, input: received.value, once, uuid };
            return {
              ok: true,
              value: async (by) =>
                planOf(
                  await definition.run({
                    ...run,
                    ...by,
                    sql: sqlFor([parsed.value, received.value], issuerId, by.runner, by.tokenId),
                  }),
                ),
            };
          },
          referencedUserIds: () => definition.page?.referencedUserIds?.(given) ?? [],
          describe(nameOf, text) {
            const described = definition.page?.describe?.({ ...given, nameOf, text });
            if (described !== undefined) return described;
            const details = detailsOf(formFields(schema) ?? [], sent, text);
            return {
              before: `${page.title}.${details}`,
              after: actions.done(page.title) + details,
            };
          },
          offered: (runner) =>
            definition.page?.offered?.({
              ...given,
              runner,
              sql: sqlFor(parsed.value, issuerId, runner),
              uuid,
            }) ?? [],
        },
      };
    },
  };
}

const isIn = (ids: readonly unknown[], value: unknown): value is string =>
  typeof value === "string" && ids.includes(value);

const [HOUR, DAY] = [3_600, 86_400];

/** For every action that names none of its own. */
const PRESETS: readonly Preset[] = [
  { uses: 1, seconds: HOUR },
  { uses: 1, seconds: 7 * DAY },
  { uses: 10, seconds: DAY },
  { uses: 100, seconds: 30 * DAY },
];

function pageOf(name: string, page: Partial<ActionPage>): ActionPage {
  const { title, note, button, asksForLogin, presets, next, renew } = page;
  const words = name.replaceAll(/(?<=[a-z\d])(?=[A-Z])|_/g, " ").toLowerCase();
  const heading = title ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return {
    title: heading,
    button: button ?? heading,
    presets: presets ?? PRESETS,
    next: next ?? null,
    renew: renew ?? null,
    note: note ?? actions.note(heading),
    asksForLogin: asksForLogin ?? true,
  };
}

/** As long as a line: the rest of a text is cut off. */
const MAX_DETAIL = 100;

/** A sentence for each plain field. A user is not named: only those are who agreed. */
function detailsOf(fields: NonNullable<Action["payloadFields"]>, sent: Json, text: SetText) {
  const shown = fields.flatMap(({ name, label, kind }) => {
    const value: unknown = Object(sent)[name];
    const isPlain = typeof value === "string" || typeof value === "number";
    if (!isPlain || kind === "user" || kind === "password") return [];
    return [` ${label}: ${text(`${value}`.slice(0, MAX_DETAIL))}.`];
  });
  return shown.join("");
}

function parseWith<S extends v.GenericSchema>(schema: S, value: Json): Parsed<v.InferOutput<S>> {
  const result = v.safeParse(schema, value);
  if (result.success) return { ok: true, value: result.output };
  const problems = result.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.path?.at(-1)?.origin === "key" ? "field is required" : issue.message,
  }));
  return { ok: false, problems };
}

/**
 * What is stored is parsed at each use, also by later versions. So it is what the schema made, in its
 * normal form, if that can be parsed again to the same; otherwise, as after `v.transform(Number)`, it
 * is what was sent.
 */
function storedOf(schema: v.GenericSchema, sent: Json, made: unknown): Json {
  if (!isJson(made)) return sent;
  const again = v.safeParse(schema, made);
  return again.success && JSON.stringify(again.output) === JSON.stringify(made) ? made : sent;
}

function isJson(value: unknown): value is Json {
  if (typeof value === "number") return Number.isFinite(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value !== "object") return false;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return isPlain && Object.values(value).every(isJson);
}
