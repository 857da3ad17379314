import { expectTypeOf, it } from "vitest";
import { latchkey, type paths } from "../../src/client/latchkey.ts";

type Body<B> = { content: { "application/json": B } };

/** As `client-types` writes them for a deployment with an action of its own. */
interface OwnPaths extends Omit<paths, "/api/run-action-token"> {
  "/api/run-action-token": {
    post: {
      parameters: { header?: { "Idempotency-Key"?: string } };
      requestBody: Body<{ token: string; input?: { pin: string } | null }>;
      responses: { 200: Body<{ action: "redeemCoupon"; data: { code: string } }> };
    };
  };
}

it("calls are typed by the document of the deployment", () => {
  const options = { baseUrl: "https://auth.example.com", token: "x" };
  const own = latchkey<OwnPaths>(options);
  type Data = NonNullable<Awaited<ReturnType<typeof own.runAction>>["data"]>;
  expectTypeOf<Data["data"]>().toEqualTypeOf<{ code: string }>();
  expectTypeOf(own.runAction)
    .parameter(0)
    .toEqualTypeOf<{ token: string; input?: { pin: string } | null }>();
  const usual = latchkey(options);
  expectTypeOf(usual.runAction).parameter(0).toHaveProperty("token");
  expectTypeOf(latchkey<OwnPaths>({ baseUrl: options.baseUrl }).signUp).toBeFunction();
});
