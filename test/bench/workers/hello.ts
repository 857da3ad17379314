import { Hono } from "hono";

/** What everything is measured against. */
export default new Hono().get("/", (c) => c.text("hello"));
