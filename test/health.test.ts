import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import packageText from "../package.json?raw";

const packageJson = JSON.parse(packageText);

it("answers that it serves", async () => {
  const response = await exports.default.fetch("https://latchkey.test/health");
  expect(response.status).toBe(200);
  const { version, ...rest } = packageJson;
  expect(rest.name).toBe("latchkey");
  expect(await response.json()).toMatchObject({ status: "ok", version });
});
