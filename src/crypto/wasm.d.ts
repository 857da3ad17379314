// wrangler and its Vitest plugin compile a .wasm file at deployment: Workers forbid it at run time.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

// The package types its asynchronous set-up only. This is the function beneath it.
declare module "argon2id/lib/argon2id.js" {
  import type { Argon2idParams } from "argon2id/lib/setup.js";
  export default function argon2id(
    params: Argon2idParams,
    wasm: { readonly memory: WebAssembly.Memory; readonly instance: WebAssembly.Instance },
  ): Uint8Array;
}
