type ForeignCase = readonly [what: string, password: string, stored: string];

/** As many rounds as are accepted: seconds of work, so only test/cli/users/import.test.ts logs in with it. */
export const DJANGO_6: ForeignCase = [
  "Django 6.0, PBKDF2",
  "пароль🔑",
  "pbkdf2_sha256$1200000$SSSSSSSSSSSSSSSSSSSSSS$xPVWnvMweNxhYzZxEzTa59MsrvWi1IAWhABHhZRG02I=",
];

/**
 * Stored hashes of other systems. PBKDF2 was computed by Python's hashlib as Django does, bcrypt by
 * the crypt(3) of libxcrypt, Argon2 by Node's argon2Sync; "U*U" and "" are of Openwall's own tests. The last are of a
 * real Django site, and of Node's scrypt as better-auth calls it.
 */
export const FOREIGN: readonly ForeignCase[] = [
  [
    "Django 1.7, PBKDF2",
    "correct horse",
    "pbkdf2_sha256$15000$seasalt$0uMCZQcyePdnshUflY8MLryBI9RdkiznuFoUgM+sJ2o=",
  ],
  [
    "PBKDF2 of one iteration and a password longer than a block",
    "y".repeat(255),
    "pbkdf2_sha256$1$salt$FGfvDmZEE4noSPlKbqcqoVPV6ZFYKtqi+XcioZYteGU=",
  ],
  ["bcrypt $2b$", "correct horse", "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"],
  ["bcrypt $2y$", "пароль🔑", "$2y$04$abcdefghijklmnopqrstuupOgq3f75lN4OMRrRajAyw6TcIjuzu5K"],
  ["bcrypt $2a$", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  ["bcrypt of nothing", "", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"],
  [
    "bcrypt of the highest cost",
    "correct horse",
    "$2b$13$abcdefghijklmnopqrstuufJyGQz74MaXA58G4n4SAlu8WLjGODFe",
  ],
  [
    "Django, bcrypt_sha256",
    "correct horse",
    "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuurByPinJWI/V/0c5apkEb2KJQv7f.gZO",
  ],
  [
    "argon2-cffi, Argon2id of 64 MiB in 4 lanes",
    "correct horse",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$B/amrRUxAwSCPRgKPr7MsU9bSHzgXripXVHqfXK0H2I",
  ],
  [
    "Django, Argon2id",
    "correct horse",
    "argon2$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQxMjM0NTY3OA$LmPfpR6pOrKoS9Qt6gCxP+LLjF8wY42pEVYW+qzkRRg",
  ],
  [
    "Argon2id of 8 lanes, a long tag and no password",
    "",
    "$argon2id$v=19$m=1024,t=1,p=8$c29tZXNhbHQxMjM0NTY3ODkwMQ$n7sW2X3Yl6mXaOcJGYpmZeS0seMCluYKKHJ2kOXDttZZc3Z2EZtY/YOVyedONiu4dUF9jS1WyyUDaLEOaNc/5g",
  ],
  [
    "Django 3.1, Argon2i",
    "correct horse",
    "argon2$argon2i$v=19$m=512,t=2,p=2$YWJjZGVmZ2hpamts$uIH13wSY9p0fhnvlvdL5eg",
  ],
  [
    "Argon2i of the highest cost",
    "пароль",
    "$argon2i$v=19$m=16384,t=2,p=1$c29tZXNhbHQ$oKDC5fzjLvjZlqT762G70T+BHFxz1Nmef9Kwkat11ow",
  ],
  [
    "Django, scrypt",
    "scrypt pw 123",
    "scrypt$16384$saltsaltsalt$8$1$Gq77mBIOcmi+CT0Y547S/yTWigWkCvNljBvLTwDCAXoK+g92KHYnG3Jdf86EBGOUd1pWoWFDU+gRHsBCirAUyg==",
  ],
  [
    "Django, PBKDF2 with SHA-1",
    "correct horse",
    "pbkdf2_sha1$1000$salt$um5PLH8ivEcrRJVasTZXh8+vxX0=",
  ],
  ["Django, salted MD5", "md5 pw 123", "md5$salt$b76ea7143082adfc5c4721e05949e2ad"],
  ["Django, salted SHA-1", "sha1 pw 123", "sha1$salt$db1922e6ce1bf23fdc6a6108ba7eb47fce6a5c60"],
  ["Django, MD5 without a salt", "correct horse", "3cb4e732631f47e6eb961f34554b7cde"],
  [
    "Django, SHA-1 without a salt",
    "correct horse",
    "sha1$$2f9e53523b62abc141a2b4d6019d23cba835dbd0",
  ],
  [
    "better-auth, scrypt of a password that NFKC changes",
    "pa\u017f\ufb01 \u00fc",
    "00112233445566778899aabbccddeeff:641d2d844fe331e29f89486301e3c52c9280b40882ef0d5bebd56e8c2a7dfba7d40dc161d5552778d38719b086cdd89b346af61ec9e740ffeea9d94df66b6a45",
  ],
];
