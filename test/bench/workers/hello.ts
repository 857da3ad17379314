import { Hono } from "hono";

/** The baseline of all measurements. */
export default new Hono().get("/", (c) => c.text("hello"));
