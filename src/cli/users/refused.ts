/** What the command does not do, and why. Its message is all that is shown. */
export class Refused extends Error {}
