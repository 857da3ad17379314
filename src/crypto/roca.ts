import { base64url } from "jose";

/** The primes up to 167, as the paper's test has them. */
const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
  103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const GENERATOR = 65_537;

/**
 * Whether an RSA modulus carries the mark of Infineon's key generator (ROCA, CVE-2017-15361), whose
 * keys can be factored: modulo each small prime it is a power of 65537. Another modulus does so once
 * in 2^27.
 * @param modulus base64url
 */
export function hasRocaMark(modulus: string): boolean {
  const bytes = base64url.decode(modulus);
  return PRIMES.every((prime) => {
    const residue = bytes.reduce((rest, byte) => (rest * 256 + byte) % prime, 0);
    return isPowerOfGenerator(residue, prime);
  });
}

function isPowerOfGenerator(residue: number, prime: number): boolean {
  let power = 1;
  do {
    if (power === residue) return true;
    power = (power * GENERATOR) % prime;
  } while (power !== 1);
  return false;
}
