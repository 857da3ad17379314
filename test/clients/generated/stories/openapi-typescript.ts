import createClient from "openapi-fetch";
import type { paths } from "../dist/openapi-typescript/schema.ts";
import type { Story } from "./story.ts";

export const openapiTypescript: Story = async (baseUrl, login) => {
  const anonymous = createClient<paths>({ baseUrl });
  const pair = await anonymous.POST("/api/token", { body: login });
  const headers = { authorization: `Bearer ${pair.data?.access}` };
  const client = createClient<paths>({ baseUrl, headers });
  const user = await client.GET("/rest/user");
  const id = user.data?.payload.uuid ?? "";
  const issued = await client.POST("/api/generate-action-token", {
    body: { action: "addContact", payload: { contact_id: id }, max_uses: 2 },
  });
  const run = await anonymous.POST("/api/run-action-token", {
    body: { token: issued.data?.token.token ?? "" },
  });
  const api = await client.POST("/rest/token", {
    body: { name: "generated", scopes: ["introspect", "tokens:read"] },
  });
  const list = await client.GET("/rest/token/list", { params: { query: { limit: 10 } } });
  const secret = api.data?.payload.token ?? "";
  const seen = await createClient<paths>({
    baseUrl,
    headers: { authorization: `Bearer ${secret}` },
  }).POST("/oauth/introspect", { body: { token: secret } });
  return {
    id,
    refusal: run.error !== undefined && "reason" in run.error ? run.error.reason : null,
    names: list.data?.payload.map(({ name }) => name) ?? [],
    kind: seen.data?.active ? seen.data.token_kind : null,
  };
};
