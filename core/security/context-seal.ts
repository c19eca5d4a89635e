/** Contexts are sealed with HMAC-SHA-256 (RFC 2104, RFC 6234), cut to 128 bits, under a key of the cluster. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ContextSeal, sealBytes } from '../ports/context-seal.ts';
import type { Secrets } from './secrets.ts';

const purpose = 'coterie context 1';

export function contextSealOf(secrets: Secrets): ContextSeal {
  return {
    of: (bytes) => sealUnder(secrets.for(purpose).use, bytes),
    holds(bytes, given) {
      if (given.length !== sealBytes) return false;
      const { accepted, kept } = secrets.for(purpose);
      return [...accepted, ...kept].some((key) => timingSafeEqual(given, sealUnder(key, bytes)));
    },
  };
}

function sealUnder(key: Buffer, bytes: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes).digest().subarray(0, sealBytes);
}
