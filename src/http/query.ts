import type { HonoRequest } from "hono";
import { refuseRequest } from "./request-fault.ts";

const MAX_PARAMETERS = 100;

/** The first value of this name in the address; undefined for none. @throws RequestFaultError `fields_invalid` */
export function queryValue(request: HonoRequest, name: string): string | undefined {
  return queryValues(request, name)[0];
}

/** All values of this name. Hono's search goes through the rest of the address for each parameter. */
export function queryValues(request: HonoRequest, name: string): readonly string[] {
  const { url } = request;
  let count = 0;
  for (let at = url.indexOf("&"); at !== -1; at = url.indexOf("&", at + 1)) {
    if (++count < MAX_PARAMETERS) continue;
    const message = `must have at most ${MAX_PARAMETERS} parameters`;
    refuseRequest({ code: "fields_invalid", problems: [{ path: "query", message }] });
  }
  return request.queries(name) ?? [];
}
