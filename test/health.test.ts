import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";

it("answers that it serves", async () => {
  const response = await exports.default.fetch("https://latchkey.test/health");
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: "ok" });
});
