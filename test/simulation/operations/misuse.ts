import { type Kind, Violation } from "../credential.ts";
import type { Sent } from "../edge.ts";
import { choose, type Operation } from "./operation.ts";

const post = (path: string, json: unknown): Sent => ({ method: "POST", path, json });

const TOKENS: readonly Kind[] = ["session", "api", "access", "refresh", "action"];

/** Jobs, and the kinds of credential that can do each; every other kind must be refused. */
const JOBS: readonly {
  readonly name: string;
  readonly fits: readonly string[];
  readonly sent: (secret: string) => Sent;
}[] = [
  {
    name: "refresh",
    fits: ["refresh"],
    sent: (refresh) => post("/api/token/refresh/", { refresh }),
  },
  {
    name: "verify",
    fits: ["refresh", "access"],
    sent: (token) => post("/api/token/verify/", { token }),
  },
  { name: "run", fits: ["action"], sent: (token) => post("/api/run-action-token", { token }) },
  {
    name: "bearer",
    fits: ["api", "access"],
    sent: (secret) => ({
      method: "GET",
      path: "/rest/user",
      headers: { authorization: `Bearer ${secret}` },
    }),
  },
  {
    name: "x-token",
    fits: ["session"],
    sent: (secret) => ({ method: "GET", path: "/rest/auth", headers: { "x-token": secret } }),
  },
  {
    name: "session",
    fits: ["session"],
    sent: (secret) => ({ method: "GET", path: "/tokens", headers: { "x-token": secret } }),
  },
  {
    name: "extend",
    fits: ["session"],
    sent: (token) => ({ method: "PUT", path: "/tokens", json: { token, extend: true } }),
  },
];

/** One kind of token never does another's job. */
const misuse: Operation = {
  weight: 3,
  attempt({ model }, { a, b }) {
    const job = JOBS[b % JOBS.length];
    const others = model.credentials.filter(
      ({ kind }) => TOKENS.includes(kind) && !job?.fits.includes(kind),
    );
    const credential = choose(others, a);
    if (job === undefined || credential === null) return null;
    return {
      label: `${credential.name} where ${job.name} is asked`,
      sent: job.sent(credential.secret),
      statuses: [200, 400, 401, 422],
      end(answer) {
        if (answer?.status === 200)
          throw new Violation(`${credential.name} did the job of ${job.name}`);
      },
    };
  },
};

export const misuses = { misuse };
