import type { Argon2idParams } from "argon2id/lib/setup.js";

/** Published Argon2id vectors (version 19), run in workerd and in Node alike. */
export interface Vector {
  readonly name: string;
  readonly params: Argon2idParams;
  readonly tag: string;
}

/** RFC 9106, section 5.3. The package takes the secret and the associated data, so it runs whole. */
const RFC_9106: Vector = {
  name: "RFC 9106 section 5.3",
  params: {
    password: new Uint8Array(32).fill(1),
    salt: new Uint8Array(16).fill(2),
    secret: new Uint8Array(8).fill(3),
    ad: new Uint8Array(12).fill(4),
    passes: 3,
    memorySize: 32,
    parallelism: 4,
    tagLength: 32,
  },
  tag: "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
};

/** From src/test.c of the reference implementation, without those of 256 MiB: t, m, p, tag. */
const REFERENCE: readonly (readonly [number, number, number, string])[] = [
  [2, 65536, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"],
  [2, 256, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
  [2, 256, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
  [1, 65536, 1, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"],
];

export const VECTORS: readonly Vector[] = [
  RFC_9106,
  ...REFERENCE.map(([passes, memorySize, parallelism, tag]) => ({
    name: `reference t=${passes} m=${memorySize} p=${parallelism}`,
    params: {
      password: new TextEncoder().encode("password"),
      salt: new TextEncoder().encode("somesalt"),
      passes,
      memorySize,
      parallelism,
      tagLength: 32,
    },
    tag,
  })),
];

/** What Node 24's `argon2Sync` makes of these; a test in Node makes each again. */
export const STORED: readonly {
  readonly name: string;
  readonly password: string;
  readonly phc: string;
}[] = [
  {
    name: "today's cost",
    password: "correct horse battery staple",
    phc: "$argon2id$v=19$m=19456,t=2,p=1$04Sh6K4qcG9SCMwvIRYU6g$Lxl7iNTR2JFKgKY9uvBGH0SjIZj32yG+ETj2x5KqQ88",
  },
  {
    name: "an empty password",
    password: "",
    phc: "$argon2id$v=19$m=19456,t=2,p=1$rGiI+35qJP2KfFSQYoID5A$QyI7d6Tacq2slyXBJkPuVOEO/VSst1ySpw6fopgbync",
  },
  {
    name: "Cyrillic and an emoji",
    password: "пароль🔑ключ",
    phc: "$argon2id$v=19$m=256,t=2,p=1$ixGAH+n/R1XQmescf5J6ag$N/a5+kal97GNizftFV4aw8rJBM2fQlcxm1DeNjJHePM",
  },
  {
    name: "an accent in one code point",
    password: "caf\u00e9 au lait",
    phc: "$argon2id$v=19$m=256,t=2,p=1$ZXF13tyP+F7+jifkiF7EsQ$EA0m6u45zUe8bvb6/z0R0DPbcpKRrB2zyQRNslI+AnU",
  },
  {
    name: "an accent in two code points",
    password: "cafe\u0301 au lait",
    phc: "$argon2id$v=19$m=256,t=2,p=1$95nhSlkqH+iYptq08dxs0A$LtAkDDMkR1NraUSSIW2aWIROpBwnQ2fHJdpD/9hTLCg",
  },
  {
    name: "spaces at both ends",
    password: "  two spaces  ",
    phc: "$argon2id$v=19$m=256,t=2,p=1$dOiw8nqMCOoSFHNHlOrPcQ$7TClWjJfbuyOtfDVKCcmh4AAHUNd5NE/MrBZPbnO0Xg",
  },
  {
    name: "a NUL inside",
    password: "nul\0inside",
    phc: "$argon2id$v=19$m=256,t=2,p=1$QNvFHX5pUo9at1VGIE99OQ$gDbEOQL7LlGlcDh7Lq4nQSXaUN2kcEHhFmyCXpg46wk",
  },
  {
    name: "one control character, which the package refuses",
    password: "\u0001",
    phc: "$argon2id$v=19$m=256,t=2,p=1$Nh7vZS5PhN2lh7oWKW10oQ$hnSfEXLsge/Du0h2QVJYKx+V/7CjdICDw7RLO2tYpzU",
  },
  {
    name: "255 characters, and the most that may be asked for",
    password: "x".repeat(255),
    phc: "$argon2id$v=19$m=32768,t=4,p=1$q/7tUwC6l4UCFtl0UWnW8g$bAICYsxciJatb0rLRrTiK0Y+xSahdGA6bh5EpO6EfNk",
  },
  {
    name: "255 characters in 510 bytes",
    password: "é".repeat(255),
    phc: "$argon2id$v=19$m=256,t=3,p=1$EFd+oKDROuD+zg9jCeOM0A$2eJP+u7T3CuoojXVPih7bshnQmKnLfpfHhu4l+f12dE",
  },
  {
    name: "4 KiB, and the least that may be asked for",
    password: "long".repeat(1024),
    phc: "$argon2id$v=19$m=8,t=1,p=1$nbk02o2i+4mgLCHPW8HG6w$vffhA3asel0Gm4XxE3iJa8JBL9hZtxIAqXEP/A1JjeA",
  },
];
