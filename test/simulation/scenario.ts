import fc from "fast-check";
import { uuid } from "../../src/core/uuid.ts";
import { type Credential, MAX_SKEW_MS, Violation } from "./credential.ts";
import type { Setup } from "./edge.ts";
import { checkDatabase, checkEnding } from "./ending.ts";
import { count, type Failure, type Figures, noFigures } from "./figures.ts";
import { reading } from "./operations/accounts.ts";
import { issuing } from "./operations/actions.ts";
import { changing, creating } from "./operations/api-tokens.ts";
import { type Attempt, CALLERS, choose, credentialOf } from "./operations/operation.ts";
import { LONGEST_MS } from "./operations/sessions.ts";
import { OPERATIONS } from "./operations/table.ts";
import { withSimulated } from "./patches.ts";
import { FAULTS } from "./scheduler.ts";
import { type Sending, type Simulation, simulation } from "./simulation.ts";

/** How the scenario goes on once a request was sent: so many choices, or until all is answered. */
const SETTLE = 40;

interface Drawn extends Sending {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly pace: number;
}

type Command = fc.AsyncCommand<Simulation, Simulation>;

const goOn = (sim: Simulation, pace: number) => (pace >= SETTLE ? sim.settle() : sim.steps(pace));

/** One step of a scenario; `counted` adds an operation of its name to the figures. */
const command = (
  name: string,
  run: (sim: Simulation, counted: () => void) => Promise<void>,
  check: (sim: Readonly<Simulation>) => boolean = () => true,
): Command => ({
  check,
  run: (_, sim) =>
    run(sim, () => {
      sim.figures.operations += 1;
      count(sim.figures.byOperation, name);
    }),
  toString: () => name,
});

const calm = (drawn: Drawn, step = 0): Drawn => ({
  ...drawn,
  faults: [],
  lost: false,
  salt: drawn.salt + step,
});

/** Sends what gives a credential. @returns the API token or access JWT that it gave */
async function obtain(sim: Simulation, attempt: Attempt, drawn: Drawn): Promise<Credential | null> {
  const { credentials } = sim.model;
  const before = credentials.length;
  await sim.perform(attempt, drawn);
  return credentials.slice(before).find(({ kind }) => kind === "api" || kind === "access") ?? null;
}

function request(name: string, drawn: Drawn): Command {
  const attemptOf = (sim: Readonly<Simulation>) => OPERATIONS[name]?.attempt(sim, drawn) ?? null;
  return command(
    name,
    async (sim, counted) => {
      const attempt = attemptOf(sim);
      if (attempt === null) return;
      counted();
      sim.start(attempt, drawn);
      await goOn(sim, drawn.pace);
    },
    (sim) => attemptOf(sim) !== null,
  );
}

const SECONDS = [
  1, 1, 5, 9, 9, 11, 30, 59, 59, 61, 61, 61, 125, 301, 301, 3_500, 3_601, 40_000, 87_000, 180_000,
  2_700_000,
] as const;

const pass = (index: number): Command =>
  command("pass", async (sim, counted) => {
    const seconds = SECONDS[index % SECONDS.length] ?? 1;
    counted();
    // Rows are deleted some days after they expire: what they say of each other is checked before.
    if (seconds > 10_000) checkDatabase(sim);
    await sim.pass(seconds * 1000);
  });

const housekeeping = (drawn: Drawn): Command =>
  command("housekeeping", async (sim, counted) => {
    counted();
    await sim.housekeeping(drawn);
  });

const SPARE_MS = 60_000;

/** As if the session had been extended until 30 days are nearly over, for which no scenario is long enough. */
function age(drawn: Drawn): Command {
  const find = (sim: Simulation) => credentialOf(sim, ["session"], drawn.a);
  return command(
    "age",
    async (sim, counted) => {
      await sim.settle();
      const session = find(sim);
      const createdMs = session && sim.actions.createdMs.get(session);
      if (session == null || createdMs == null || sim.aged.has(session)) return;
      sim.aged.add(session);
      counted();
      sim.scenario.push(`${session.name} is made 30 days old, nearly`);
      const agedMs = LONGEST_MS - (session.expires.latestMs - createdMs) - SPARE_MS;
      sim.actions.createdMs.set(session, createdMs - agedMs);
      const { sqlite } = sim.edge.database;
      sqlite
        .prepare("UPDATE tokens SET created_at = created_at - ? WHERE id = ?")
        .run(agedMs, uuid(session.id));
    },
    (sim) => find(sim) !== null,
  );
}

/** What operators do: the other version or the first, in one isolate or in all. */
const deploy = ({ a, isolate }: Drawn): Command =>
  command("deploy", async (sim, counted) => {
    counted();
    sim.deploy(a % 3 === 0 ? 0 : 1, a % 2 === 0 ? undefined : isolate);
  });

/** Within what the clocks of a platform may differ. */
const setClock = ({ a, isolate }: Drawn): Command =>
  command("setClock", async (sim, counted) => {
    counted();
    const skews = [0, -MAX_SKEW_MS, MAX_SKEW_MS, a];
    sim.setSkew(isolate, skews[a % skews.length] ?? 0);
  });

const TTLS = [60, 300, 3_600, 2_592_000, 31_536_000] as const;

/** One credential obtained with another, up to three times, by whatever gives one. */
function derive(drawn: Drawn): Command {
  const { a, b, c } = drawn;
  const find = (sim: Simulation) => credentialOf(sim, CALLERS, a);
  return command(
    "derive",
    async (sim, counted) => {
      let caller = find(sim);
      for (let step = 0; step <= b % 3 && caller !== null; step++) {
        counted();
        const how = (c >> step) % 4;
        const contact = choose(sim.model.people, c);
        const attempt =
          how === 0
            ? creating(sim, caller, TTLS[(c + step) % TTLS.length] ?? 60)
            : how === 1 && step > 0 && contact !== null
              ? issuing(sim, caller, { contact, audience: null, ttl: 172_800, maxUses: 3 })
              : reading(sim, caller, "/rest/auth");
        caller = await obtain(sim, attempt, calm(drawn, step));
      }
    },
    (sim) => find(sim) !== null,
  );
}

const RENEWED_AFTER_MS = 80_000_000;

/** A JWT obtained with the one before each day, while what began the chain expires and its row is deleted. */
function renew(drawn: Drawn): Command {
  const find = (sim: Simulation) => credentialOf(sim, ["access"], drawn.a);
  return command(
    "renew",
    async (sim, counted) => {
      let jwt = find(sim);
      for (let day = 0; day < 4 && jwt !== null; day++) {
        counted();
        jwt = await obtain(sim, reading(sim, jwt, "/rest/auth"), calm(drawn, day));
        if (jwt === null) continue;
        await sim.pass(Math.min(RENEWED_AFTER_MS, jwt.expires.earliestMs - sim.nowMs() - 5_000));
        await sim.housekeeping(calm(drawn, day));
      }
    },
    (sim) => find(sim) !== null,
  );
}

const A_YEAR_SECONDS = 31_536_000;
/** Longer than the row of a token is kept after it expired. */
const ROW_GONE_MS = 260_000_000;

/** What was created with an API token whose expiry is then moved up, after that, and after its row is gone. */
function outlive(drawn: Drawn): Command {
  const { a, b } = drawn;
  const find = (sim: Simulation) => credentialOf(sim, ["password"], a);
  return command(
    "outlive",
    async (sim, counted) => {
      await sim.settle();
      const person = find(sim);
      if (person === null) return;
      let steps = 0;
      const make = async (attempt: Attempt) => {
        counted();
        return obtain(sim, attempt, calm(drawn, ++steps));
      };
      const parent = await make(creating(sim, person, A_YEAR_SECONDS));
      if (parent === null) return;
      const jwt = b % 2 === 0 ? parent : await make(reading(sim, parent, "/rest/auth"));
      const child = jwt && (await make(creating(sim, jwt, A_YEAR_SECONDS)));
      await make(changing(sim, parent, person, { ttl: 60, other: false }));
      for (const ms of [b % 3 === 0 ? 61_000 : ROW_GONE_MS, 61_000]) {
        checkDatabase(sim);
        await sim.pass(ms);
        await sim.housekeeping(calm(drawn, ++steps));
        if (child !== null) await make(reading(sim, child, "/rest/user"));
      }
    },
    (sim) => find(sim) !== null,
  );
}

/** Chooses the newest of what is still good. */
const NEWEST = 9;

/** What chance alone puts in this order too seldom; the last may go wrong. */
const STORIES = {
  passkey: ["createSession", "passkeyOptions", "addPasskey", "askPasskey", "logInByPasskey"],
  factor: ["createSession", "beginFactor", "confirmFactor", "createSession"],
  email: ["askEmailLogin", "logInByCode"],
  link: ["askEmailLogin", "logInByLink"],
  both: [
    "askEmailLogin",
    "logInByCode",
    "beginFactor",
    "confirmFactor",
    "askEmailLogin",
    "logInByLink",
    "completeHalf",
  ],
} as const;

function story(name: keyof typeof STORIES, drawn: Drawn): Command {
  const names: readonly string[] = STORIES[name];
  return command(`${name}Story`, async (sim, counted) => {
    for (const [step, each] of names.entries()) {
      const isAbout = step === 0 || each === "askEmailLogin";
      const choice = { a: isAbout ? drawn.a : NEWEST, b: NEWEST, c: drawn.c };
      const attempt = OPERATIONS[each]?.attempt(sim, choice) ?? null;
      if (attempt === null) continue;
      counted();
      await sim.perform(attempt, step === names.length - 1 ? drawn : calm(drawn, step));
    }
  });
}

const byte = fc.nat({ max: 255 });
const fault = fc.record({
  call: fc.nat({ max: 4 }),
  kind: fc.constantFrom(...FAULTS),
});

const drawn = fc.record({
  a: byte,
  b: byte,
  c: byte,
  isolate: fc.nat({ max: 3 }),
  salt: fc.nat(),
  faults: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fault, { minLength: 1, maxLength: 2 }) },
  ),
  lost: fc.integer({ min: 0, max: 15 }).map((draw) => draw === 15),
  pace: fc.oneof(
    { weight: 1, arbitrary: fc.constant(SETTLE) },
    { weight: 1, arbitrary: fc.nat({ max: 9 }) },
  ),
});

/** Weights in halves: fast-check takes whole ones. */
const one = fc.oneof(
  ...Object.entries(OPERATIONS).map(([name, { weight }]) => ({
    weight: weight * 2,
    arbitrary: drawn.map((each) => request(name, each)),
  })),
  { weight: 11, arbitrary: byte.map(pass) },
  { weight: 3, arbitrary: drawn.map(housekeeping) },
  { weight: 1, arbitrary: drawn.map(age) },
  { weight: 4, arbitrary: drawn.map(deploy) },
  { weight: 1, arbitrary: drawn.map(setClock) },
  { weight: 4, arbitrary: drawn.map(derive) },
  { weight: 1, arbitrary: drawn.map(renew) },
  { weight: 1, arbitrary: drawn.map(outlive) },
  { weight: 2, arbitrary: drawn.map((each) => story("passkey", each)) },
  { weight: 2, arbitrary: drawn.map((each) => story("factor", each)) },
  { weight: 2, arbitrary: drawn.map((each) => story("email", each)) },
  { weight: 1, arbitrary: drawn.map((each) => story("link", each)) },
  { weight: 2, arbitrary: drawn.map((each) => story("both", each)) },
);

const drawnLag = fc.constantFrom(0, 0, 5, 10, 10, 59, 60, 60, 300, 300, 86_400);

const drawnSetup: fc.Arbitrary<Setup> = fc.record({
  lags: fc.tuple(drawnLag, drawnLag),
  replicas: fc.tuple(fc.constantFrom(true, true, false), fc.constantFrom(true, true, false)),
  kvLagSeconds: fc.constantFrom(60, 60, 0, 10, 150),
  rotates: fc.boolean(),
  kvLimitsWrites: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 3),
  hasReceiver: fc.integer({ min: 0, max: 3 }).map((draw) => draw > 0),
  sendsMail: fc.integer({ min: 0, max: 3 }).map((draw) => draw > 0),
});

/** Requests in one scenario at the most. */
export const LONGEST_SCENARIO = 300;

export interface Told {
  readonly message: string;
  readonly scenario: readonly string[];
  readonly trace: readonly string[];
}

async function tell(setup: Setup, commands: Iterable<Command>, figures: Figures): Promise<Told> {
  const sim = simulation(setup, figures);
  const startMs = sim.nowMs();
  const told = (message: string): Told => ({
    message,
    scenario: [
      JSON.stringify(setup),
      ...sim.scenario,
      ...(message === "" ? [] : sim.edge.logged.slice(-3)),
    ],
    trace: sim.edge.scheduler.trace,
  });
  return withSimulated(sim.edge, async () => {
    try {
      await fc.asyncModelRun(() => ({ model: sim, real: sim }), commands);
      await sim.settle();
      await checkEnding(sim, 1 << 20);
      return told("");
    } catch (error) {
      const isViolation = error instanceof Violation;
      return told(isViolation ? error.message : `${error instanceof Error ? error.stack : error}`);
    } finally {
      figures.runs += 1;
      figures.virtualMs += sim.nowMs() - startMs;
    }
  });
}

/** Leaves out one stretch after the other, the last first, where the rest still fails. */
async function shorten(failed: Failed, figures: Figures, untilMs: number): Promise<Failed> {
  let best = failed;
  let size = Math.ceil(best.commands.length / 2);
  while (size >= 1) {
    const before = best.commands.length;
    for (let from = before - size; from > -size; from -= size) {
      if (Date.now() > untilMs) return best;
      const commands = best.commands.toSpliced(Math.max(0, from), size);
      const told = await tell(best.setup, commands, figures);
      if (told.message !== "") best = { ...best, commands, told };
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (best.commands.length === before) break;
  }
  return best;
}

interface Failed {
  readonly setup: Setup;
  readonly commands: readonly Command[];
  readonly told: Told;
}

/**
 * Tells one scenario, drawn from the seed, and shrinks it where it fails, for `shrinkMs` at the most:
 * fast-check, which also makes what is left simpler, and then {@link shorten}.
 * @param onTold hears of every scenario that fast-check told
 */
export async function run(
  seed: number,
  figures: Figures,
  shrinkMs: number,
  onTold: (told: Told) => void = () => undefined,
): Promise<Failure | null> {
  const failures: Failed[] = [];
  let giveUpMs = Number.POSITIVE_INFINITY;
  // What is told to shrink a failure is no part of the figures.
  const discarded = noFigures();
  const property = fc.asyncProperty(
    drawnSetup,
    fc.commands([one], { maxCommands: LONGEST_SCENARIO, size: "max" }),
    async (setup, drawnCommands) => {
      if (Date.now() > giveUpMs) return;
      const commands = [...drawnCommands];
      const told = await tell(setup, commands, failures.length > 0 ? discarded : figures);
      onTold(told);
      if (told.message === "") return;
      if (failures.length === 0) giveUpMs = Date.now() + shrinkMs / 2;
      failures.push({ setup, commands, told });
      throw new Violation(told.message);
    },
  );
  const { failed, counterexamplePath, numShrinks } = await fc.check(property, {
    seed,
    numRuns: 1,
    unbiased: true,
  });
  const last = failures.at(-1);
  if (!failed || last === undefined) return null;
  figures.violations += 1;
  const { told } = await shorten(last, discarded, Date.now() + shrinkMs / 2);
  const { message, scenario } = told;
  return {
    seed,
    path: counterexamplePath ?? "",
    message,
    scenario,
    shrinks: numShrinks,
  };
}
