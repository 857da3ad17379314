import {
  createApiToken,
  generateActionToken,
  introspectToken,
  listApiTokens,
  obtainJwtPair,
  readUser,
  runActionToken,
} from "../dist/orval/latchkey.ts";
import type { Story } from "./story.ts";

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

export const orval: Story = async (_, login) => {
  const pair = await obtainJwtPair(login);
  if (pair.status !== 200) throw new Error(`logging in is ${pair.status}`);
  const own = as(pair.data.access);
  const user = await readUser(own);
  const id = user.status === 200 ? user.data.payload.uuid : "";
  const issued = await generateActionToken(
    { action: "addContact", payload: { contact_id: id }, max_uses: 2 },
    own,
  );
  const run = await runActionToken({
    token: issued.status === 200 ? issued.data.token.token : "",
  });
  const api = await createApiToken(
    { name: "generated", scopes: ["introspect", "tokens:read"] },
    own,
  );
  const secret = api.status === 200 ? api.data.payload.token : "";
  const list = await listApiTokens({ limit: 10 }, own);
  const seen = await introspectToken({ token: secret }, as(secret));
  return {
    id,
    refusal: run.status === 422 && "reason" in run.data ? run.data.reason : null,
    names: list.status === 200 ? list.data.payload.map(({ name }) => name) : [],
    kind: seen.status === 200 && seen.data.active ? seen.data.token_kind : null,
  };
};
