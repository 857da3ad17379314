import type { Fault } from "../core/fault.ts";
import { type Answer, ok } from "../http/answer.ts";
import type { RequestFault } from "../http/request-fault.ts";
import type { RefusalContext, Surface } from "../http/surface.ts";

/** What belongs to no contract, and every path that nobody else owns; errors are RFC 9457 problems. */
export const service: Surface = {
  name: "service",
  owns: () => true,
  refuse: refusal,
  routes: [
    {
      method: "GET",
      path: "/health",
      access: "open",
      handle: async () => ok({ status: "ok" }),
    },
  ],
};

function refusal(fault: Fault | RequestFault, { requestId }: RefusalContext): Answer {
  const problem = (status: number, title: string, headers?: Record<string, string>): Answer => ({
    status,
    body: { type: "about:blank", title, status, ...(status >= 500 && { request_id: requestId }) },
    headers: { "content-type": "application/problem+json", ...headers },
  });
  switch (fault.code) {
    case "path_not_found":
      return problem(404, "Not Found");
    case "method_not_allowed":
      return problem(405, "Method Not Allowed", { allow: fault.allow.join(", ") });
    // Its routes read nothing and ask nobody.
    default:
      return problem(500, "Internal Server Error");
  }
}
