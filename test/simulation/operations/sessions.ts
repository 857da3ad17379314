import { createHash } from "node:crypto";
import {
  type Credential,
  type Revoker,
  MAX_SKEW_MS,
  type Person,
  revokedWith,
  type SentAt,
  type Span,
  Violation,
} from "../credential.ts";
import { checkLogin, codeFor, withCode } from "./second-factor.ts";
import {
  at,
  choose,
  conclude,
  credentialOf,
  localMs,
  type Operation,
  passwordOf,
  type World,
} from "./operation.ts";

const LIFE_MS = 3_600_000;
export const LONGEST_MS = 30 * 86_400_000;

/** A token's public id, which this contract does not show: uuidv8 of its SHA-256. */
export function idOf(secret: string): string {
  const bytes = createHash("sha256").update(secret).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const createSession: Operation = {
  weight: 5,
  attempt(world, { a, b, c }) {
    const person = choose(world.model.people, a);
    const password = person && passwordOf(world, person, b);
    if (person === null || password === null) return null;
    const code = codeFor(world, person, c);
    return {
      label: `new session by ${password.name} of ${person.name}${withCode(code)}`,
      sent: {
        method: "POST",
        path: "/tokens",
        json: { email_id: person.email, password: password.secret, otp: code?.otp },
      },
      statuses: [200, 400],
      once: code !== null,
      begin: (at) => code?.begin(at),
      end(answer, span) {
        const verdict = answer === null ? null : answer.status === 200 ? "yes" : "no";
        checkLogin(world, password, code, verdict, span);
        if (answer?.status === 200) newSession(world, person, at(answer, "data"), span);
      },
    };
  },
};

/** @param shown with its `token` and when it `expires` */
export function newSession(
  world: World,
  person: Person,
  shown: unknown,
  span: Span,
  except: Revoker | null = null,
): void {
  const { token, expires } = Object(shown);
  const [secret, earliestMs] = [String(token), Number(expires)];
  if (earliestMs !== localMs(span) + LIFE_MS) throw new Violation("a session of another length");
  const what = { kind: "session", person, secret, id: idOf(secret), earliestMs } as const;
  const session = world.model.create({ ...what, except }, span);
  world.actions.createdMs.set(session, localMs(span));
}

function checkEnd({ actions }: World, session: Credential, expiresMs: number): void {
  const createdMs = actions.createdMs.get(session) ?? 0;
  if (expiresMs > createdMs + LONGEST_MS) throw new Violation(`${session.name} outlives 30 days`);
}

const readSession: Operation = {
  weight: 7,
  attempt(world, { a, b }) {
    const session = credentialOf(world, ["session"], a);
    if (session === null) return null;
    const inHeader = b % 2 === 0;
    const knownMs = session.expires.earliestMs;
    return {
      label: `read ${session.name}`,
      sent: {
        method: "GET",
        path: inHeader ? "/tokens" : `/tokens?token=${session.secret}`,
        ...(inHeader && { headers: { "x-token": session.secret } }),
      },
      statuses: [200, 400],
      end(answer, span) {
        if (answer === null) return;
        world.model.check(session, answer.status === 200 ? "yes" : "no", span, false);
        if (answer.status !== 200) return;
        const expiresMs = Number(at(answer, "expires"));
        checkEnd(world, session, expiresMs);
        if (span.version.lagSeconds === 0 && expiresMs < knownMs) {
          throw new Violation(`an extension of ${session.name} was lost`);
        }
      },
    };
  },
};

const extendSession: Operation = {
  weight: 5,
  attempt(world, { a, b }) {
    const session = credentialOf(world, ["session"], a);
    if (session === null) return null;
    const inHeader = b % 2 === 0;
    const json = inHeader ? { extend: true } : { extend: true, token: session.secret };
    return {
      label: `extend ${session.name}`,
      sent: {
        method: "PUT",
        path: "/tokens",
        ...(inHeader && { headers: { "x-token": session.secret } }),
        json,
      },
      statuses: [200, 400],
      begin(at) {
        // From now on it may live for longer; what has expired is not revived.
        if (at.sentMs >= session.expires.latestMs + MAX_SKEW_MS) return;
        const createdMs = world.actions.createdMs.get(session) ?? at.sentMs;
        const toMs = Math.min(localMs(at) + LIFE_MS, createdMs + LONGEST_MS);
        const latestMs = Math.max(session.expires.latestMs, toMs);
        session.expires = { ...session.expires, latestMs };
      },
      end(answer, span) {
        if (answer === null) return;
        world.model.check(session, answer.status === 200 ? "yes" : "no", span, true);
        if (answer.status !== 200) return;
        const expiresMs = Number(at(answer, "__latest_data", "expires"));
        checkEnd(world, session, expiresMs);
        const createdMs = world.actions.createdMs.get(session) ?? 0;
        const owedMs = Math.min(localMs(span) + LIFE_MS, createdMs + LONGEST_MS);
        if (expiresMs < owedMs) throw new Violation(`${session.name} was extended by too little`);
        const { earliestMs, latestMs } = session.expires;
        // Never lost: whatever else happens, it lives until then.
        session.expires = {
          earliestMs: Math.max(earliestMs, expiresMs),
          latestMs: Math.max(latestMs, expiresMs),
        };
      },
    };
  },
};

const revokeSession: Operation = {
  weight: 3,
  attempt(world, { a }) {
    const session = credentialOf(world, ["session"], a);
    return session === null ? null : endingOf(world, session);
  },
};

function endingOf(world: World, session: Credential) {
  let revoker: Revoker | null = null;
  const { model } = world;
  return {
    label: `end ${session.name}`,
    sent: { method: "DELETE", path: `/tokens?token=${session.secret}` },
    statuses: [200, 400],
    begin(at: SentAt) {
      revoker = model.beginEnd(`end of ${session.name}`, session.person, at, revokedWith(session));
    },
    end(...[answer, span]: Parameters<NonNullable<ReturnType<Operation["attempt"]>>["end"]>) {
      conclude(world, revoker, answer, span);
      if (answer === null) return;
      model.check(session, answer.status === 200 ? "yes" : "no", span, true);
      if (answer.status === 200) model.won(session, span);
    },
  };
}

export const sessions = { createSession, readSession, extendSession, revokeSession };
