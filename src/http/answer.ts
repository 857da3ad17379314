import type { Json } from "../core/token.ts";

/** An HTTP answer as data; `toResponse` makes the Response, with the headers that all have. */
export interface HttpResult {
  readonly status: number;
  /** null for an answer without a body. */
  readonly body: Json;
  /** Instead of a body: text of a type that `headers` names. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further `Set-Cookie` lines: of that header alone there may be several. */
  readonly cookies?: readonly string[];
}

export const ok = (body: Json): HttpResult => ({ status: 200, body });
