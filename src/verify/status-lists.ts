import { base64url } from "jose";
import { type Fetched, remote, timeout } from "./remote.ts";
import { isMembers, isTime, type Members, type Signatures } from "./signatures.ts";
import { VerifyError } from "./verify-error.ts";

/** In characters, and in bytes once it is unpacked: 32,768 log-ins are 4 KiB. */
const MAX_JWT = 65_536;
const MAX_BYTES = 65_536;
/** Each has 4 KiB at most. */
const MAX_LISTS = 1_024;
/** A list that was old when it came is fetched again no sooner. */
const MIN_FRESH_MS = 5_000;

interface Deps {
  readonly issuer: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
  readonly verified: Signatures;
}

/** Token Status Lists (draft-ietf-oauth-status-list), each kept for its own `ttl`. */
export function statusLists({ issuer, fetch, now, verified }: Deps) {
  const path = `${issuer}/status-lists/`;
  const isList = (uri: string) => uri.startsWith(path) && /^\d{1,9}$/.test(uri.slice(path.length));
  const lists = new Map<string, () => Promise<Uint8Array>>();

  async function load(uri: string): Promise<Fetched<Uint8Array>> {
    const response = await fetch(uri, { redirect: "manual", signal: timeout() });
    if (!response.ok) throw new Error(`${uri} answered ${response.status}`);
    const list = await verified(await textOf(response), "statuslist+jwt", MAX_JWT);
    const { iss, sub, iat, exp, ttl, status_list: status } = list ?? {};
    // guard: verifier-takes-the-list-it-asked-for
    if (iss !== issuer || sub !== uri || !isMembers(status) || status.bits !== 1) {
      throw new Error(`${uri} is no status list of the service`);
    }
    if (!isTime(iat) || !isTime(exp) || !isTime(ttl) || exp * 1000 <= now()) {
      throw new Error(`${uri} has expired`);
    }
    const value = await inflate(String(status.lst));
    const freshUntilMs = Math.max((iat + ttl) * 1000, now() + MIN_FRESH_MS);
    return { value, freshUntilMs: Math.min(freshUntilMs, exp * 1000) };
  }

  function listAt(uri: string): Promise<Uint8Array> {
    const known = lists.get(uri);
    if (known !== undefined) return known();
    const [oldest] = lists.keys();
    if (lists.size >= MAX_LISTS && oldest !== undefined) lists.delete(oldest);
    const list = remote(() => load(uri), now);
    lists.set(uri, list);
    return list();
  }

  return {
    isListed: (claims: Members) => claims.status !== undefined,

    /**
     * Whether the log-in of a JWT was revoked, by its list.
     * @throws VerifyError `unavailable`; `token_invalid` where it names no list of the service
     */
    async isRevoked({ status }: Members): Promise<boolean> {
      const { idx, uri } =
        isMembers(status) && isMembers(status.status_list) ? status.status_list : {};
      // The signature was checked, but still: ask no other host.
      // guard: verifier-asks-no-other-host
      if (!isTime(idx) || typeof uri !== "string" || !isList(uri)) {
        throw new VerifyError("token_invalid");
      }
      const byte = (await listAt(uri))[idx >> 3];
      if (byte === undefined) throw new VerifyError("unavailable");
      return ((byte >> (idx & 7)) & 1) === 1;
    },
  };
}

/** By hand, because workerd warns of `.text()` where the media type is not text. */
const textOf = async (response: Response) => new TextDecoder().decode(await response.arrayBuffer());

/** @throws for more than `MAX_BYTES`, which a few bytes can unpack to */
async function inflate(packed: string): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(base64url.decode(packed))])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const bytes = new Uint8Array(MAX_BYTES);
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes.slice(0, length);
    if (length + value.length > MAX_BYTES) throw new Error("the status list is too long");
    bytes.set(value, length);
    length += value.length;
  }
}
