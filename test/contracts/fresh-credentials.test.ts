import { expect, it, vi } from "vitest";
import {
  at,
  newApiToken,
  newCaller,
  newSession,
  PASSWORD,
  type Send,
  textAt,
} from "../support/client.ts";
import { service } from "../support/service.ts";

const NEW_PASSWORD = "an entirely new password";

for (const lag of ["0", "300"]) {
  const call = service({ REVOCATION_LAG_SECONDS: lag });
  const statusOf = async (send: Send) => (await call("GET", "/rest/user", send)).status;
  const change = (send: Send) =>
    call("PATCH", "/rest/user", {
      ...send,
      json: { password: NEW_PASSWORD, current_password: PASSWORD },
    });

  it.each(["JWT", "JWT of GET /rest/auth", "password"])(
    `a new password brings a fresh JWT to who asked by %s, and all that is older is dead, at ${lag}`,
    async (by) => {
      const user = await newCaller();
      const auth = textAt(
        await call("GET", "/rest/auth", { bearer: user.access }),
        "payload",
        "token",
      );
      const session = await newSession(user);
      const { secret } = await newApiToken(user.access);
      const asking: Send =
        by === "password" ? { basic: user } : { bearer: by === "JWT" ? user.access : auth };

      const answer = await change(asking);
      expect(answer.status).toBe(200);
      const token = textAt(answer, "payload", "token");
      // What was ended is refused within the revocation lag: a JWT of five minutes is not asked about at 300.
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + Number(lag) * 1000 });

      for (const older of [
        { bearer: user.access },
        { bearer: auth },
        { bearer: secret },
        { xToken: session },
        { basic: user },
      ]) {
        expect([older, await statusOf(older)]).toEqual([older, 401]);
      }
      const refresh = { json: { refresh: user.refresh } };
      expect((await call("POST", "/api/token/refresh/", refresh)).status).toBe(401);

      // It reads, writes, and gets more of its kind.
      expect(await statusOf({ bearer: token })).toBe(200);
      const renamed = await call("PATCH", "/rest/user", {
        bearer: token,
        json: { first_name: "Ada" },
      });
      expect(renamed.status).toBe(200);
      const next = await call("GET", "/rest/auth", { bearer: token });
      expect(await statusOf({ bearer: textAt(next, "payload", "token") })).toBe(200);
    },
  );

  it(`a session that asked is carried over and gets none, at ${lag}`, async () => {
    const user = await newCaller();
    const xToken = await newSession(user);
    const answer = await change({ xToken });
    expect(Object.keys(Object(at(answer, "payload")))).not.toContain("token");
    expect(await statusOf({ xToken })).toBe(200);
  });

  it(`the fresh JWT may do no more than the one that asked, at ${lag}`, async () => {
    const user = await newCaller();
    const scopes = ["account:read", "account:write"];
    const { secret } = await newApiToken(user.access, "narrow", 600, scopes);
    const narrow = textAt(await call("GET", "/rest/auth", { bearer: secret }), "payload", "token");
    const token = textAt(await change({ bearer: narrow }), "payload", "token");
    expect(await statusOf({ bearer: token })).toBe(200);
    expect((await call("GET", "/rest/token/list", { bearer: token })).status).toBe(403);
  });

  it(`nothing fresh comes of a change that ends nothing, at ${lag}`, async () => {
    const user = await newCaller();
    const json = { email: `moved-${user.email}`, current_password: PASSWORD };
    const answer = await call("PATCH", "/rest/user", { bearer: user.access, json });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('"token"');
  });
}
