import type { AuditLog } from "../core/audit.ts";
import { type Fault, FaultError } from "../core/fault.ts";
import { type RequestFault, RequestFaultError } from "./request-fault.ts";

export function faultOf(error: unknown): Fault | RequestFault {
  return error instanceof FaultError || error instanceof RequestFaultError
    ? error.fault
    : { code: "internal" };
}

/** Tells whoever wants to know of a failure to say who one is: in one place for every surface. */
export function noteRefused(fault: Fault | RequestFault, refused: AuditLog["refused"]): void {
  if (!("named" in fault) || fault.named === undefined) return;
  const isLogin =
    fault.code === "credentials_wrong" ||
    (fault.code === "caller_refused" && fault.shown === "password");
  refused(isLogin ? "login.failed" : "credential.refused", fault.named);
}
