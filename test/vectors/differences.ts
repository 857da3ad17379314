/** Tests whose verdict differs from the file's, by their tcId, and why. */
export interface Difference {
  readonly why: string;
  readonly tests: readonly number[];
}

const through = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** What the file calls valid and the service refuses. Nothing that it calls invalid is accepted. */
export const OURS: readonly Difference[] = [
  { why: "an empty payload is no JWT", tests: [259] },
  { why: "RS384 and RS512 are not among our algorithms", tests: through(264, 271) },
  {
    why: "PS256, PS384 and PS512 are not among our algorithms",
    tests: [...through(272, 275), 287, 288, ...through(320, 323), ...through(325, 328)],
  },
  {
    why: "the key says PS256 and the header PS384; neither is among our algorithms",
    tests: [346, 350],
  },
  {
    why: "the key says ES521, which is no algorithm, and the header ES512; P-521 is not ours",
    tests: [347, 351],
  },
  { why: "the private key's key_ops is one word, `sign, verify`", tests: [349] },
  {
    why: "the header begins with kid, and ours with alg; the file has 357 byte for byte once more as 367 and 370, and calls those invalid",
    tests: [357, 358, 359],
  },
  { why: "has a `?` in its base64url, which the file forgives here alone", tests: [372, 373] },
  { why: "white space in the header: ours are written without", tests: [376, 377] },
];

/** The same for the file of key sets. */
export const OUR_KEYS: readonly Difference[] = [
  { why: "HS384 and HS512 are not among our algorithms", tests: [14, 15] },
];

/** Where jose alone, given the key and its algorithm, says something else than the file. */
export const JOSE: readonly Difference[] = [
  { why: "the key names another algorithm than the header", tests: [346, 347, 350, 351] },
  { why: "refuses a `?` that the file forgives", tests: [372, 373] },
  {
    why: "takes a key for encryption: `use` is lost at the import",
    tests: [353, 354],
  },
  { why: "takes white space in base64url", tests: [360, 365, 368] },
  { why: "these are 357 once more, byte for byte", tests: [367, 370] },
  { why: "takes bits past the last byte", tests: [375] },
];
