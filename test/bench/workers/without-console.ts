import createLatchkey, { LatchkeyService } from "../../../src/without-console.ts";

export { LatchkeyService };
export default createLatchkey();
