// Loaded into wrangler's process ahead of wrangler. A parent that was killed cannot pass a signal
// on, but its end closes the channel. `exit` runs the handlers by which wrangler ends workerd.
process.once("disconnect", () => process.exit());
