import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { textAt } from "../support/client.ts";
import { rules } from "../support/guard.ts";
import { isolate } from "../support/service.ts";

const from = (ip: string) => ({ headers: { "cf-connecting-ip": ip } });
const IP = "192.0.2.7";

describe.each([60, 300])("at a lag of %i s", (lag) => {
  const settings = { REVOCATION_LAG_SECONDS: String(lag) };

  it("each check of a restricted or disabled token asks D1, and KV has no copy", async () => {
    const [here, there] = [isolate(settings), isolate(settings)];
    const { access } = await here.newCaller();
    const created = await here.send("POST", "/rest/token", {
      bearer: access,
      json: { name: "guard", allowed_ips: [IP] },
    });
    const [bearer, uuid] = ["token", "uuid"].map((name) => textAt(created, "payload", name));
    const use = async () =>
      (await there.send("GET", "/rest/user", { bearer: bearer ?? "", ...from(IP) })).status;
    const patch = (json: unknown) =>
      here.send("PATCH", `/rest/token/${uuid}`, { bearer: access, json });
    for (const [json, status] of [
      [{}, 200],
      [{ allowed_ips: ["192.0.2.8"] }, 401],
      [{ allowed_ips: null, remaining: 1 }, 200],
      [{ enabled: false }, 401],
      [{ enabled: true }, 200],
    ] as const) {
      if (Object.keys(json).length > 0) await patch(json);
      expect(await use(), JSON.stringify(json)).toBe(status);
      expect(await env.KV.get(`token:${uuid}`)).toBeNull();
    }
  });

  it("a copy from before, and what was derived, asks D1 from then on", async () => {
    // KV shows both the copies and the tombstones at once here, so only an isolate without a cache can tell.
    const cold = () => isolate(settings);
    const here = cold();
    const { access } = await here.newCaller();
    const { secret, uuid } = await here.newApiToken(access);
    const child = await here.newApiToken(secret);
    const auth = await here.text("payload.token", "GET", "/rest/auth", { bearer: secret });
    const uses = () =>
      Promise.all(
        [secret, child.secret, auth].map(
          async (bearer) => (await cold().send("GET", "/rest/user", { bearer })).status,
        ),
      );
    const patch = (json: unknown) =>
      here.send("PATCH", `/rest/token/${uuid}`, { bearer: access, json });
    const copy = await env.KV.get(`token:${uuid}`);
    expect(await uses()).toEqual([200, 200, 200]);
    // As where KV still shows what was there before.
    const disable = async () => {
      await patch({ enabled: false });
      rules.secondPasses();
      await env.KV.put(`token:${uuid}`, copy ?? "");
    };
    await disable();
    expect(await uses()).toEqual([401, 401, 401]);
    await patch({ enabled: true });
    expect(await uses()).toEqual([200, 200, 200]);
    await disable();
    expect(await uses()).toEqual([401, 401, 401]);
  });
});
