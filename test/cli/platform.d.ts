// The types of bindings that commands share with the Worker. All globals of a Worker would hide Node's.
type D1Database = import("@cloudflare/workers-types/index.ts").D1Database;
type D1Meta = import("@cloudflare/workers-types/index.ts").D1Meta;
type KVNamespace = import("@cloudflare/workers-types/index.ts").KVNamespace;
type R2Bucket = import("@cloudflare/workers-types/index.ts").R2Bucket;
type R2Objects = import("@cloudflare/workers-types/index.ts").R2Objects;
