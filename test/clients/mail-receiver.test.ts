import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type RunningServer, startServer } from "./server.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

interface Mail {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly to: string; readonly token: string; readonly link: string };
}

/** What a deployment writes: an endpoint that takes only what the service has signed, a moment ago. */
const mails: Mail[] = [];
const refused: string[] = [];
const receiver = createServer(async (request, response) => {
  const mail = await readMail(request);
  response.writeHead(mail === null ? 401 : 204).end();
  if (mail === null) refused.push(request.url ?? "");
  else mails.push(mail);
});

async function readMail(request: IncomingMessage): Promise<Mail | null> {
  const header = (name: string) => String(request.headers[name] ?? "");
  const [id, timestamp] = [header("webhook-id"), header("webhook-timestamp")];
  const body = await text(request);
  const secret = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const wanted = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest();
  const isRight = header("webhook-signature")
    .split(" ")
    .filter((each) => each.startsWith("v1,"))
    .map((each) => Buffer.from(each.slice(3), "base64"))
    .some((shown) => shown.length === wanted.length && timingSafeEqual(shown, wanted));
  const isNow = Math.abs(Date.now() / 1000 - Number(timestamp)) < 300;
  return isRight && isNow ? { id, ...JSON.parse(body) } : null;
}

let server: RunningServer;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = receiver.address();
  const port = typeof address === "object" ? address?.port : undefined;
  server = await startServer({
    MAIL_WEBHOOK_URL: `http://127.0.0.1:${port}/mails`,
    MAIL_WEBHOOK_SECRET: SECRET,
  });
}, 60_000);
afterAll(async () => {
  receiver.close();
  await server?.close();
});

async function post(path: string, body: unknown): Promise<number> {
  const headers = { "content-type": "application/json" };
  const url = server.origin + path;
  return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status;
}
const logIn = (email: string, password: string) => post("/api/token/", { email, password });

it("a mail goes over the network to who checks its signature, and brings the owner back in", async () => {
  const email = "owner@example.com";
  expect(await post("/rest/user", { email, password: "the old password" })).toBe(201);
  for (const each of ["nobody@example.com", email, email]) {
    expect(await post("/rest/user/password_reset", { email: each })).toBe(200);
  }
  const mail = await vi.waitFor(() => mails[0] ?? Promise.reject(new Error("no mail")), 10_000);
  expect(mail).toMatchObject({ type: "password_reset", data: { to: email } });
  const { token, link } = mail.data;
  expect(link).toBe(`${server.origin}/a/${token}`);
  // As a scanner does: it is a page, and burns nothing.
  expect((await fetch(link)).status).toBe(200);
  const input = { password: "the new password" };
  expect(await post("/api/run-action-token", { token, input })).toBe(200);
  expect(await post("/api/run-action-token", { token, input })).toBe(422);
  expect(await logIn(email, "the old password")).toBe(401);
  expect(await logIn(email, "the new password")).toBe(200);
  expect([mails.length, refused.length]).toEqual([1, 0]);
});
