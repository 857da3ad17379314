import { createServer, type IncomingMessage } from "node:http";
import { buffer, text } from "node:stream/consumers";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { onTestFinished } from "vitest";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";

const JSON_TYPE = { "content-type": "application/json" };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const ACCOUNT = "0123456789abcdef0123456789abcdef";

/** An uploaded Worker. */
interface Uploaded {
  readonly main: string;
  readonly modules: readonly {
    readonly name: string;
    readonly type: string;
    readonly bytes: Buffer;
  }[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly bindings: readonly Binding[];
}

interface Binding {
  readonly name: string;
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly namespace_id?: string;
}

class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Database {
  readonly uuid: string;
  readonly location?: string;
  readonly read_replication?: object;
}

/**
 * The part of Cloudflare's API that wrangler uses in `npm run deploy`, on loopback. The uploaded Worker runs in
 * workerd, on the D1 and KV created here.
 */
export async function fakeCloudflare() {
  const databases = new Map<string, Database>();
  const namespaces = new Map<string, string>();
  const secrets = new Map<string, string>();
  const calls: string[] = [];
  let uploaded: Uploaded | null = null;
  let versions = 0;
  let failOn: RegExp | null = null;
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default { fetch: () => new Response(null, { status: 404 }) }",
      d1Databases: { DB: "db-1" },
      kvNamespaces: { KV: "kv-1" },
    }),
  );

  const worker = () => {
    if (uploaded === null)
      throw new Refusal(404, 10007, "This Worker does not exist on your account.");
    return uploaded;
  };

  async function answer(method: string, path: string, request: IncomingMessage): Promise<unknown> {
    const [area = "", ...rest] = path.split("/");
    const what = `${method} ${area} ${rest.filter((part) => !/^[0-9a-f-]{36}$/.test(part)).join("/")}`;
    if (area === "d1") return d1(method, rest.slice(1), request);
    if (path === "storage/kv/namespaces") {
      // wrangler requests pages until one is empty.
      const isFirst = !/[?&]page=(?!1(?:&|$))/.test(request.url ?? "");
      if (method === "GET" && !isFirst) return [];
      if (method === "GET") return Array.from(namespaces, ([title, id]) => ({ title, id }));
      const { title } = JSON.parse(await text(request));
      if (namespaces.has(title))
        throw new Refusal(400, 10014, "a namespace with this title exists");
      namespaces.set(title, `kv-${namespaces.size + 1}`);
      return { id: namespaces.get(title), title };
    }
    if (path === "workers/subdomain") return { subdomain: "test" };
    const [, kind, name, ...more] = path.split("/");
    if (kind === "services") {
      worker();
      return {
        default_environment: { environment: "production", script: { tag: "tag", tags: [] } },
      };
    }
    if (kind === "workers") return { name, subdomain: { enabled: true, previews_enabled: false } };
    switch (`${method} ${more.join("/")}`) {
      case "GET secrets":
        worker();
        return Array.from(secrets.keys(), (each) => ({ name: each, type: "secret_text" }));
      case "GET settings":
        return { bindings: worker().bindings };
      case "GET deployments":
        worker();
        return {
          deployments: [{ id: "d", versions: [{ version_id: versionId(), percentage: 100 }] }],
        };
      case "GET subdomain":
      case "POST subdomain":
        return { enabled: true, previews_enabled: false };
      case "PUT schedules":
        return {};
      case "PATCH script-settings":
        return {};
      case "POST deployments":
        return { id: "d" };
      case "PUT ":
      case "POST versions":
        await upload(request);
        return {
          id: versionId(),
          deployment_id: versionId(),
          startup_time_ms: 5,
          resources: { script: { etag: "e" } },
        };
    }
    throw new Refusal(404, 7003, `the test's Cloudflare has no ${what}`);
  }

  const versionId = () => `00000000-0000-4000-8000-${String(versions).padStart(12, "0")}`;

  async function d1(
    method: string,
    [id = "", action = ""]: readonly string[],
    request: IncomingMessage,
  ) {
    if (method === "POST" && id === "") {
      const { name, primary_location_hint: location } = JSON.parse(await text(request));
      databases.set(name, { uuid: `db-${databases.size + 1}`, location });
      return { uuid: databases.get(name)?.uuid, name };
    }
    const [name, found] =
      [...databases].find(([each, { uuid }]) => each === id || uuid === id) ?? [];
    if (found === undefined) throw new Refusal(404, 7404, "The database could not be found");
    if (method === "PUT" && name !== undefined) {
      databases.set(name, { ...found, ...JSON.parse(await text(request)) });
    }
    if (action !== "query") return { ...found, name };
    const { sql } = JSON.parse(await text(request));
    const database = await runtime.getD1Database("DB");
    const statements = splitSqlQuery(String(sql));
    const results = await database.batch(statements.map((each) => database.prepare(each)));
    return results.map(({ results: rows }) => ({
      results: rows,
      success: true,
      meta: { duration: 1 },
    }));
  }

  async function upload(request: IncomingMessage): Promise<void> {
    const body = new Uint8Array(await buffer(request));
    const type = request.headers["content-type"] ?? "";
    const form = await new Response(body, { headers: { "content-type": type } }).formData();
    const metadata = JSON.parse(String(form.get("metadata")));
    const modules = [];
    for (const [name, part] of form) {
      if (typeof part === "string" || part.type === "application/source-map") continue;
      modules.push({ name, type: part.type, bytes: Buffer.from(await part.arrayBuffer()) });
    }
    const bindings: Binding[] = metadata.bindings;
    for (const { name, type, text } of bindings) {
      if (type === "secret_text" && text !== undefined) secrets.set(name, text);
    }
    const variables = Object.fromEntries(
      bindings.flatMap(({ name, type, text }) =>
        type === "plain_text" ? [[name, text ?? ""]] : [],
      ),
    );
    // Like Cloudflare, rejects a Worker that does not start.
    const next: Uploaded = {
      main: metadata.main_module,
      modules,
      compatibilityDate: metadata.compatibility_date,
      compatibilityFlags: metadata.compatibility_flags,
      variables,
      bindings,
    };
    await start(next);
    uploaded = next;
    versions++;
  }

  async function start(next: Uploaded): Promise<void> {
    const order = [...next.modules].sort(({ name }) => (name === next.main ? -1 : 1));
    await runtime.setOptions(
      convertV4MiniflareOptions({
        modules: order.map(({ name, type, bytes }) => ({
          type: type.includes("wasm")
            ? "CompiledWasm"
            : type.startsWith("text")
              ? "Text"
              : "ESModule",
          path: name,
          contents: type.includes("wasm") ? bytes : bytes.toString(),
        })),
        compatibilityDate: next.compatibilityDate,
        compatibilityFlags: [...next.compatibilityFlags],
        bindings: { ...next.variables, ...Object.fromEntries(secrets) },
        d1Databases: { DB: "db-1" },
        kvNamespaces: { KV: "kv-1" },
        ratelimits: {
          LOGIN_LIMIT: { namespace_id: "7301", simple: { limit: 300, period: 60 } },
          SIGN_UP_LIMIT: { namespace_id: "7302", simple: { limit: 30, period: 60 } },
          TOKEN_LIMIT: { namespace_id: "7303", simple: { limit: 3000, period: 60 } },
        },
      }),
    );
    await runtime.ready;
  }

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = pathname.replace(`/accounts/${ACCOUNT}/`, "");
    const call = `${request.method} ${path}`;
    calls.push(call);
    let status = 200;
    let body: object;
    try {
      if (failOn?.test(call)) throw new Refusal(500, 10013, "an internal error of the test");
      if (request.headers.authorization !== "Bearer a-token-of-the-test") {
        throw new Refusal(403, 10000, "Authentication error");
      }
      const result = await answer(request.method ?? "", path, request);
      body = { success: true, errors: [], messages: [], result };
    } catch (error) {
      const { code, message } =
        error instanceof Refusal ? error : { code: 10021, message: String(error) };
      status = error instanceof Refusal ? error.status : 400;
      body = { success: false, errors: [{ code, message }], messages: [], result: null };
    }
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await runtime.dispose();
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;

  return {
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`,
      CLOUDFLARE_API_TOKEN: "a-token-of-the-test",
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    },
    calls,
    secrets,
    namespaces,
    databases,
    worker,
    failOn: (pattern: RegExp | null) => {
      failOn = pattern;
    },
    /** The deployed Worker's answer. */
    fetch: (async (url, { method = "GET", body }) => {
      const sent = typeof body === "string" ? { method, body, headers: JSON_TYPE } : { method };
      const answered = await runtime.dispatchFetch(url, { ...sent, redirect: "manual" });
      return new Response(await answered.text(), { status: answered.status });
    }) satisfies Fetch,
    sql: async (statement: string) =>
      (await (await runtime.getD1Database("DB")).prepare(statement).all()).results,
  };
}
