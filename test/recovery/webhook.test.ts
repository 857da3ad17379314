import { beforeEach, describe, expect, it, vi } from "vitest";
import { mailbox, only, SECRET, serve } from "./mailbox.ts";

const URL = "https://mail.test/hook";
let warnings: string[];

beforeEach(() => {
  warnings = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void warnings.push(String(line)));
  // Waits, shortened.
  const real = setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((...[run, ms = 0, ...args]) =>
    real(run, ms / 50, ...args),
  );
});

async function asked(settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const place = serve({ settings });
  const { email } = await place.newUser();
  const { status } = await place.askReset(email);
  expect(status).toBe(200);
  return email;
}

/** One line that says what failed, and nothing of whom or with what. */
function expectWarning(cause: string): void {
  expect(JSON.parse(only(warnings))).toEqual({
    level: "warn",
    request_id: expect.any(String),
    failed: "send a password reset",
    cause: `Error: ${cause}`,
  });
}

describe("a webhook", () => {
  it("that fails for a moment is asked again, with the same id and a new signature", async () => {
    const post = mailbox((attempt) => {
      vi.setSystemTime(Date.now() + 1_000);
      return new Response(null, { status: attempt < 3 ? 503 : 200 });
    });
    vi.useFakeTimers({ toFake: ["Date"] });
    await asked();
    const { deliveries } = post;
    expect(deliveries).toHaveLength(3);
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(1);
    expect(new Set(deliveries.map(({ timestamp }) => timestamp)).size).toBe(3);
    expect(new Set(deliveries.map(({ event }) => JSON.stringify(event))).size).toBe(1);
    expect(warnings).toEqual([]);
  });

  it.each([
    [500, 3],
    [429, 3],
    [408, 3],
    [400, 1],
    [401, 1],
    [410, 1],
    [302, 1],
  ])("that answers %i is asked %i times", async (status, times) => {
    const headers = { location: "https://elsewhere.test/" };
    // Only so the platform gives a 302 back, and does not send the token on.
    const post = mailbox((_, { redirect }) => {
      expect(redirect).toBe("manual");
      return new Response(null, { status, headers });
    });
    await asked();
    expect(post.deliveries).toHaveLength(times);
    expectWarning(`the mail webhook answered ${status}`);
  });

  it("that cannot be reached is asked three times, and its URL is not logged", async () => {
    const post = mailbox(() => Promise.reject(new TypeError(`cannot connect to ${URL}`)));
    await asked();
    expect(post.deliveries).toHaveLength(3);
    expectWarning("the mail webhook could not be reached in time");
  });

  it("that hangs is left after five seconds", async () => {
    const patience: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      patience.push(ms);
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      return controller.signal;
    });
    const post = mailbox(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
        }),
    );
    await asked();
    expect(patience).toEqual([5_000, 5_000, 5_000]);
    expect(post.deliveries).toHaveLength(3);
    expectWarning("the mail webhook could not be reached in time");
  });
});

describe("its secret is rotated without a gap", () => {
  const OLD = SECRET;
  const NEW = "whsec_bmV3IHNlY3JldCBvZiB0aGUgd2ViaG9vayBmb3IgYSB0ZXN0";

  it.each([
    ["before it", OLD, OLD, 1],
    ["while it goes on, a receiver with the old one", `${NEW} ${OLD}`, OLD, 2],
    ["while it goes on, a receiver with the new one", `${NEW} ${OLD}`, NEW, 2],
    ["with a comma and a line break between", `${NEW},\n${OLD}`, OLD, 2],
    ["after it", NEW, NEW, 1],
  ])("%s", async (_, sent, received, signatures) => {
    const post = mailbox(undefined, received);
    await asked({ MAIL_WEBHOOK_SECRET: sent });
    expect(post.deliveries).toEqual([expect.objectContaining({ signatures })]);
    expect(warnings).toEqual([]);
  });

  it("and one that is neither of the two is not signed with", async () => {
    const post = mailbox(undefined, "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc29tZWJvZHkgZWxzZQ==");
    await asked({ MAIL_WEBHOOK_SECRET: `${NEW} ${OLD}` });
    expect(post.deliveries).toEqual([]);
    expectWarning("the mail webhook could not be reached in time");
  });
});

it("without any, a line in the log says that no mail went out", async () => {
  const post = mailbox();
  await asked({ MAIL_WEBHOOK_URL: "", MAIL_WEBHOOK_SECRET: "" });
  expect(post.deliveries).toEqual([]);
  expectWarning("no mail went out: MAIL_WEBHOOK_URL is not set");
});

it("the outbox prints an email in a frame, with its link and how long it works, on a loopback issuer", async () => {
  const post = mailbox();
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
  const ISSUER = "http://localhost:8787";
  const email = await asked({
    ISSUER,
    MAIL_OUTBOX: "on",
    MAIL_WEBHOOK_URL: "",
    MAIL_WEBHOOK_SECRET: "",
  });
  expect(only(lines)).toMatch(
    new RegExp(
      `^\n─+\n✉ Reset your password → ${email}\n  ${ISSUER}/a/lk_act_\\w{49}\n  expires in 10 min\n─+\n$`,
    ),
  );
  // Where there is a webhook, mails go there.
  await asked({ ISSUER, MAIL_OUTBOX: "on" });
  expect(lines).toHaveLength(1);
  expect(post.deliveries).toHaveLength(1);
});
