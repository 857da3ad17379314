import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { newUser } from "../support/client.ts";
import {
  type Credentials,
  changePassword,
  credentialsOf,
  deleteAccount,
  endEach,
  type Kind,
  tampered,
} from "./credential-kinds.ts";
import { flaws } from "./flaws.ts";
import { LOGS_IN, POSITIONS, type Place } from "./places.ts";
import { run } from "./probe.ts";
import { ROUTE_KEYS, ownerOf, pathOf } from "./routes.ts";
import { DB } from "../support/database.ts";

const KINDS: readonly Kind[] = [
  "password",
  "session",
  "access",
  "refresh",
  "auth",
  "api",
  "action",
];
const TOKENS = KINDS.filter((kind) => kind !== "password");

const sets = new Map<string, Credentials>();

function setOf(name: string): Credentials {
  const set = sets.get(name);
  if (set === undefined) throw new Error(`no credentials ${name}`);
  return set;
}

beforeAll(async () => {
  const { id } = await newUser();
  for (const name of ["valid", "ended", "of a changed password", "of a deleted account"]) {
    sets.set(name, await credentialsOf(await newUser(), id));
  }
  await endEach(setOf("ended"));
  await changePassword(setOf("of a changed password"));
  await deleteAccount(setOf("of a deleted account"));
});

/** @returns what is wrong with the answer to a secret that is for some other place, or for none any more */
async function refused(place: Place, secret: string, whose: Credentials): Promise<string[]> {
  // Wrong passwords are counted, and their limit is another test's.
  await DB.prepare("DELETE FROM login_attempts").run();
  const answer = await place.show(secret, whose);
  const found = flaws(ownerOf(place.path), place.method, answer);
  // The caller may have ended with what they show.
  if (answer.status !== place.refusal && answer.status !== 401) found.push(`${answer.status}`);
  if (answer.text.includes(secret)) found.push("repeats the secret");
  return found;
}

describe("what one kind is for, no other kind can do", () => {
  it.each(POSITIONS)("$name takes $takes and nothing else", async (place) => {
    const whose = setOf("valid");
    const wrong: string[] = [];
    for (const kind of KINDS) {
      const secret = whose.secrets[kind];
      if (place.takes.includes(kind)) continue;
      for (const flaw of await refused(place, secret, whose)) wrong.push(`${kind}: ${flaw}`);
    }
    // Last, since some places end what they are shown.
    for (const kind of place.takes) {
      for (const other of tampered(whose.secrets[kind])) {
        for (const flaw of await refused(place, other, whose))
          wrong.push(`${kind}, changed: ${flaw}`);
      }
      const { status, text } = await place.show(whose.secrets[kind], whose);
      if (status !== 200) wrong.push(`${kind}: refused (${status} ${text})`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(ROUTE_KEYS.filter(({ route }) => route.access !== "open"))(
    "$name lets nobody in by a kind that logs nobody in",
    async ({ surface, route }) => {
      const { secrets } = setOf("valid");
      const own = surface.ownHeaders ?? [];
      const probes = TOKENS.flatMap((kind) =>
        [
          ...(LOGS_IN.includes(kind) ? [] : ["authorization", "x-auth-token"]),
          ...(kind === "session" || own.includes("X-Token") ? [] : ["x-token"]),
        ].map((header) => ({
          name: `${kind} in ${header}`,
          method: route.method,
          path: pathOf(route),
          send: {
            headers: { [header]: (header === "authorization" ? "Bearer " : "") + secrets[kind] },
          },
          statuses: [401],
        })),
      );
      expect(await run(surface, probes)).toEqual([]);
    },
  );
});

const OPENED_BY_SOME = POSITIONS.filter(({ takes }) => takes.length > 0);

describe.each(["ended", "of a changed password", "of a deleted account"])("what is %s", (name) => {
  it.each(OPENED_BY_SOME)("opens nothing: $name", async (place) => {
    const whose = setOf(name);
    const wrong: string[] = [];
    for (const kind of place.takes) {
      // A password lives on when the tokens beside it are ended.
      if (name === "ended" && kind === "password") continue;
      for (const flaw of await refused(place, whose.secrets[kind], whose)) {
        wrong.push(`${kind}: ${flaw}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("a token that has expired", () => {
  let whose: Credentials;

  beforeAll(async () => {
    whose = await credentialsOf(await newUser(), setOf("valid").user.id);
  });
  beforeEach(() => void vi.setSystemTime(Date.now() + 31 * 86_400_000));

  it.each(OPENED_BY_SOME)("opens nothing: $name", async (place) => {
    const wrong: string[] = [];
    for (const kind of place.takes) {
      if (kind === "password") continue;
      for (const flaw of await refused(place, whose.secrets[kind], whose)) {
        wrong.push(`${kind}: ${flaw}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
