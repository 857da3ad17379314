import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";

interface Answer {
  readonly token: { readonly token: string };
}

/** Sends JSON, as the user whose email and password these are. */
async function post(path: string, body: object, user?: string) {
  const headers = new Headers({ "content-type": "application/json" });
  if (user !== undefined) headers.set("authorization", `Basic ${btoa(user)}`);
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await exports.default.fetch(new Request(`https://auth.test${path}`, init));
  return { status: response.status, body: await response.json<Answer>() };
}

it("redeems a coupon once", async () => {
  await post("/rest/user", { email: "ann@example.com", password: "correct horse battery" });
  const ann = "ann@example.com:correct horse battery";

  const issue = { action: "redeemCoupon", payload: { code: "WELCOME" }, max_uses: 2 };
  const { body } = await post("/api/generate-action-token", issue, ann);
  const run = { token: body.token.token };

  const first = await post("/api/run-action-token", run, ann);
  expect(first).toMatchObject({ status: 200, body: { data: { code: "WELCOME" } } });
  const second = await post("/api/run-action-token", run, ann);
  expect(second.status).toBe(422);
  expect(JSON.stringify(second.body)).toContain("You have used this coupon already.");
});
