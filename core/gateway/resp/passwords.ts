/** Comparison of passwords in a time that depends neither on their content nor on which one matches. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

export function passwordMatches(accepted: readonly string[], given: Buffer): boolean {
  // Hashing first makes the lengths equal, which the comparison needs and which hides the length itself.
  const givenDigest = digest(given);
  let matches = false;
  for (const password of accepted) {
    if (timingSafeEqual(digest(Buffer.from(password, 'utf8')), givenDigest)) matches = true;
  }
  return matches;
}
