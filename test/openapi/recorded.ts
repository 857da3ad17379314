import { type Example, toExample } from "../../src/openapi/examples.ts";
import { type Answered, init, type Send } from "../support/client.ts";

const SENT = [
  "authorization",
  "x-auth-token",
  "x-token",
  "x-auth-acme-token",
  "idempotency-key",
  "if-none-match",
];
const ANSWERED = [
  "allow",
  "cache-control",
  "content-type",
  "etag",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-auth-user",
  "x-request-id",
];

interface Exchanged {
  readonly surface: string;
  readonly operation: string;
  readonly as: string;
  readonly path: string;
  readonly send: Send;
  readonly answer: Answered;
}

/** What was sent and answered, as the document shows it: nothing in it is a secret any more. */
export function recorded({ surface, operation, as, path, send, answer }: Exchanged): Example {
  const { headers } = init(send);
  const body = send.json ?? send.form ?? null;
  return toExample(
    withoutSecrets({
      surface,
      operation,
      as,
      status: answer.status,
      request: {
        path,
        headers: pick(headers, SENT),
        mediaType:
          body === null
            ? null
            : send.form === undefined
              ? "application/json"
              : "application/x-www-form-urlencoded",
        body,
      },
      answer: {
        headers: pick(answer.headers, ANSWERED),
        body: answer.text === "" ? null : (answer.json ?? answer.text),
      },
    }),
  );
}

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => names.includes(name)));
}

/**
 * They were secrets of a database that is gone. A scanner for leaked ones in files would report
 * them all the same, so the part that nobody can guess is replaced.
 */
const SECRETS: readonly (readonly [form: RegExp, instead: string])[] = [
  [/(lk_(?:ses|api|act)_)\w{20,}/g, "$1EXAMPLE"],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "HEADER.CLAIMS.SIGNATURE"],
  [/^Basic .+/g, "Basic BASE64"],
  // A passkey's client data is JSON too, and looks like the beginning of a JWT.
  [/^eyJ[\w-]+$/g, "CLIENT_DATA"],
];

function withoutSecrets(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === "string"
      ? SECRETS.reduce((text, [form, instead]) => text.replaceAll(form, instead), each)
      : each,
  );
}
