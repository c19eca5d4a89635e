/** Contexts are sealed with HMAC-SHA-256 (RFC 2104, RFC 6234), cut to 128 bits, under a key of the cluster. */
import { createHmac } from 'node:crypto';
import { type ContextSeal, sealBytes } from '../ports/context-seal.ts';

/** Keeps keys for different purposes apart, should the secret serve more than one. */
const purpose = 'coterie context 1';

export function contextSealOf(secret: Buffer): ContextSeal {
  const key = createHmac('sha256', secret).update(purpose).digest();
  return { of: (bytes) => createHmac('sha256', key).update(bytes).digest().subarray(0, sealBytes) };
}
