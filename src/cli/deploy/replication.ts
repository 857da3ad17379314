import * as v from "valibot";
import { CliError } from "../cli-error.ts";

const json = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(v.string(), v.parseJson(), v.object({ result: schema }));

const Login = v.pipe(
  v.string(),
  v.parseJson(),
  v.union([
    v.pipe(
      v.object({ token: v.string() }),
      v.transform(({ token }) => ({ authorization: `Bearer ${token}` })),
    ),
    v.pipe(
      v.object({ email: v.string(), key: v.string() }),
      v.transform(({ email, key }) => ({ "x-auth-email": email, "x-auth-key": key })),
    ),
  ]),
);
const Accounts = json(v.array(v.object({ id: v.string() })));
const Database = json(
  v.object({
    uuid: v.string(),
    read_replication: v.nullish(v.object({ mode: v.string() })),
  }),
);

/**
 * Switches a database's read replication on, for which wrangler has no command.
 * @param login what `wrangler auth token --json` prints
 * @param account the id of the account, if it is set; otherwise there must be only one
 * @returns whether it was off
 * @throws CliError that says what Cloudflare answered
 */
export async function replicate(
  database: string,
  login: string,
  account: string | undefined,
  stop: AbortSignal,
): Promise<boolean> {
  const base = process.env.CLOUDFLARE_API_BASE_URL ?? "https://api.cloudflare.com/client/v4";
  const parsed = v.safeParse(Login, login.slice(Math.max(0, login.search(/^\{/m))));
  if (!parsed.success) throw new CliError("wrangler auth token --json says no login.");
  const ask = async <S extends v.GenericSchema>(schema: S, path: string, body?: object) => {
    const answer = await fetch(`${base}/${path}`, {
      method: body === undefined ? "GET" : "PUT",
      headers: { ...parsed.output, "content-type": "application/json" },
      signal: AbortSignal.any([stop, AbortSignal.timeout(30_000)]),
      ...(body && { body: JSON.stringify(body) }),
    });
    const result = v.safeParse(schema, await answer.text());
    if (answer.ok && result.success) return result.output;
    throw new CliError(`Cloudflare answers ${answer.status} to ${path}. Its token needs D1: Edit`);
  };
  const accounts = account === undefined ? (await ask(Accounts, "accounts")).result : [];
  const id = account ?? (accounts.length === 1 ? accounts[0]?.id : undefined);
  if (id === undefined) {
    throw new CliError("There is more than one account. Name one: export CLOUDFLARE_ACCOUNT_ID=…");
  }
  const { result } = await ask(Database, `accounts/${id}/d1/database/${database}`);
  if (result.read_replication?.mode === "auto") return false;
  const path = `accounts/${id}/d1/database/${result.uuid}`;
  await ask(Database, path, { read_replication: { mode: "auto" } });
  return true;
}
