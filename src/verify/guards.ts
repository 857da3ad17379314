import { VerifyError } from "./verify-error.ts";
import type { Needed, VerifiedToken, Verifier } from "./verify.ts";

const answered = (error: unknown): VerifyError => {
  if (error instanceof VerifyError) return error;
  throw error;
};
const bodyOf = ({ code }: VerifyError) => ({ error: code });

/** For plain `fetch` handlers: `handle` is called with the token, or the answer is 401, 403 or 503. */
export const guarded =
  <A extends unknown[]>(
    verifier: Verifier,
    needed: Needed,
    handle: (request: Request, token: VerifiedToken, ...rest: A) => Response | Promise<Response>,
  ) =>
  async (request: Request, ...rest: A): Promise<Response> => {
    let token: VerifiedToken;
    try {
      token = await verifier.verifyHeader(request.headers.get("authorization"), needed);
    } catch (error) {
      const refused = answered(error);
      const { status, headers } = refused;
      return Response.json(bodyOf(refused), { status, headers });
    }
    return handle(request, token, ...rest);
  };

/** What is used of Hono's context. */
interface HonoLike {
  readonly req: { header(name: string): string | undefined };
  set(key: "token", token: VerifiedToken): void;
}

/** Middleware for Hono: `c.get("token")` is the token. */
export const honoGuard =
  (verifier: Verifier, needed: Needed = {}) =>
  async (c: HonoLike, next: () => Promise<void>): Promise<Response | undefined> => {
    try {
      c.set("token", await verifier.verifyHeader(c.req.header("authorization"), needed));
    } catch (error) {
      const refused = answered(error);
      const { status, headers } = refused;
      return Response.json(bodyOf(refused), { status, headers });
    }
    await next();
    return undefined;
  };

/** What is used of Express's request and response. */
interface ExpressRequest {
  readonly headers: { readonly authorization?: string | undefined };
  token?: VerifiedToken;
}
interface ExpressResponse {
  status(status: number): this;
  set(headers: Readonly<Record<string, string>>): this;
  json(body: unknown): unknown;
}

/** Middleware for Express: `req.token` is the token. */
export const expressGuard =
  (verifier: Verifier, needed: Needed = {}) =>
  async (
    req: ExpressRequest,
    res: ExpressResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    try {
      req.token = await verifier.verifyHeader(req.headers.authorization, needed);
    } catch (error) {
      if (!(error instanceof VerifyError)) return next(error);
      res.status(error.status).set(error.headers).json(bodyOf(error));
      return;
    }
    next();
  };
