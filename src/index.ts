import { createLatchkey } from "./latchkey.ts";

export default createLatchkey();
