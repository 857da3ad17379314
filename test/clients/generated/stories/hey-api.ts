import { createClient } from "../dist/hey-api/client/index.ts";
import {
  createApiToken,
  generateActionToken,
  introspectToken,
  listApiTokens,
  obtainJwtPair,
  readUser,
  runActionToken,
} from "../dist/hey-api/sdk.gen.ts";
import type { Story } from "./story.ts";

export const heyApi: Story = async (baseUrl, login) => {
  const anonymous = createClient({ baseUrl });
  const pair = await obtainJwtPair({ client: anonymous, body: login });
  const access = pair.data?.access ?? "";
  // The generated client sends it in every scheme that an operation lists.
  const client = createClient({ baseUrl, auth: () => access });
  const user = await readUser({ client });
  const id = user.data?.payload.uuid ?? "";
  const issued = await generateActionToken({
    client,
    body: { action: "addContact", payload: { contact_id: id }, max_uses: 2 },
  });
  const run = await runActionToken({
    client: anonymous,
    body: { token: issued.data?.token.token ?? "" },
  });
  const api = await createApiToken({
    client,
    body: { name: "generated", scopes: ["introspect", "tokens:read"] },
  });
  const list = await listApiTokens({ client, query: { limit: 10 } });
  const secret = api.data?.payload.token ?? "";
  const seen = await introspectToken({
    client: createClient({ baseUrl, auth: () => secret }),
    body: { token: secret },
  });
  return {
    id,
    refusal: run.error !== undefined && "reason" in run.error ? run.error.reason : null,
    names: list.data?.payload.map(({ name }) => name) ?? [],
    kind: seen.data?.active ? seen.data.token_kind : null,
  };
};
