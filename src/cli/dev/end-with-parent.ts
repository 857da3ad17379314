import { Socket } from "node:net";

// Loaded into wrangler's process ahead of wrangler, with a pipe at fd 4 that the parent holds open.
// A parent that was killed cannot pass a signal on, but its end closes the pipe. `exit` runs the
// handlers by which wrangler ends workerd.
new Socket({ fd: 4 })
  .once("close", () => process.exit())
  .resume()
  .unref();
