/** What the command does not do, and what to do instead. Its message is all that is shown. */
export class Refused extends Error {}
