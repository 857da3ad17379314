/** A reason not to start that a person can mend. Its message is all that is shown. */
export class CannotStart extends Error {}
