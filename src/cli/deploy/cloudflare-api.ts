import * as v from "valibot";
import { CliError } from "../cli-error.ts";
import type { Project } from "./project.ts";

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
const Subdomain = json(v.object({ subdomain: v.string() }));
const Database = json(
  v.object({
    uuid: v.string(),
    read_replication: v.nullish(v.object({ mode: v.string() })),
  }),
);

/** Cloudflare's API, for what wrangler has no command for. */
export interface CloudflareApi {
  /** @returns where the project's Worker is without a domain */
  workersDevOrigin(): Promise<string>;
  /** Switches the read replication of the project's database on. @returns whether it was off */
  replicate(): Promise<boolean>;
}

/**
 * @param login what `wrangler auth token --json` prints
 * @throws CliError that says what Cloudflare answered, from here and from each call
 */
export async function cloudflareApi(
  { worker, database, accountId }: Project,
  login: string,
  stop: AbortSignal,
): Promise<CloudflareApi> {
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
    throw new CliError(
      `Cloudflare answers ${answer.status} to ${path}. Its token needs Edit Cloudflare Workers and D1: Edit`,
    );
  };
  const named = process.env.CLOUDFLARE_ACCOUNT_ID ?? accountId;
  const accounts = named === undefined ? (await ask(Accounts, "accounts")).result : [{ id: named }];
  if (accounts.length !== 1) {
    throw new CliError("There is more than one account. Name one: export CLOUDFLARE_ACCOUNT_ID=…");
  }
  const account = `accounts/${accounts[0]?.id}`;
  return {
    async workersDevOrigin() {
      const { result } = await ask(Subdomain, `${account}/workers/subdomain`);
      return `https://${worker}.${result.subdomain}.workers.dev`;
    },

    async replicate() {
      const { result } = await ask(Database, `${account}/d1/database/${database}`);
      if (result.read_replication?.mode === "auto") return false;
      const path = `${account}/d1/database/${result.uuid}`;
      await ask(Database, path, { read_replication: { mode: "auto" } });
      return true;
    },
  };
}
