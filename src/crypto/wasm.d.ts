// wrangler and its Vitest plugin compile .wasm files at deployment, because Workers forbid it at run time.
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

// The package has types for its asynchronous set-up only. This is the function below it.
declare module "argon2id/lib/argon2id.js" {
  import type { Argon2idParams } from "argon2id/lib/setup.js";
  export default function argon2id(
    params: Argon2idParams,
    wasm: { readonly memory: WebAssembly.Memory; readonly instance: WebAssembly.Instance },
  ): Uint8Array;
}
