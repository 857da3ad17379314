import { createLatchkey } from "./latchkey.ts";

export { LatchkeyService } from "./latchkey.ts";

export default createLatchkey();
