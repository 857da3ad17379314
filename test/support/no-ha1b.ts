import type { Platform } from "../../src/services.ts";

/** For a service whose settings leave HA1B off. */
export const noHa1b: Platform["ha1bHashes"] = () => {
  throw new Error("HA1B is off here");
};
