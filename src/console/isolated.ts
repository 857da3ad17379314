/** Marks a name inside a sentence with Unicode isolates (U+2068, U+2069), which `Sentence` turns into `bdi`. */
export const isolated = (name: string): string =>
  `\u2068${name.replaceAll(/[\u2066-\u2069]/g, "")}\u2069`;
