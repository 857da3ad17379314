import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { formatStream } from "./dev-terminal.ts";

// Loaded into wrangler's process before wrangler, with a pipe at fd 4 that the parent holds open.
// A parent that was killed cannot pass a signal on, but its end closes the pipe. `exit` runs the
// handlers with which wrangler ends workerd.
new Socket({ fd: 4 })
  .once("close", () => process.exit())
  .resume()
  .unref();

// Everyone with an account on this machine sees the arguments of its processes, and a statement may hold an
// email. So the statement comes in a file that only its owner can read, and joins the arguments in here.
const { LATCHKEY_COMMAND_FILE } = process.env;
if (LATCHKEY_COMMAND_FILE !== undefined) {
  process.argv.push(`--command=${readFileSync(LATCHKEY_COMMAND_FILE, "utf8")}`);
}

// In here, because wrangler keeps its colors and keys only if the terminal is its own.
if (process.env.LATCHKEY_TERMINAL !== undefined) {
  formatStream(process.stdout);
  formatStream(process.stderr);
}
