import * as v from "valibot";
import { createLatchkey, defineAction } from "latchkey";

export const joinBeta = defineAction({
  name: "joinBeta",
  payload: v.object({}),
  tables: [{ name: "beta_users", userColumn: "user_id" }],
  run: ({ runner, nowMs, once, sql, uuid }) => ({
    writes: once(sql`INSERT OR IGNORE INTO beta_users VALUES (${uuid(runner)}, ${nowMs})`),
    answer: null,
  }),
});

export default createLatchkey({ actions: [joinBeta] });
