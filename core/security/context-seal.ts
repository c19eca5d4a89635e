/** Contexts are sealed with HMAC-SHA-256 (RFC 2104, RFC 6234), cut to 128 bits, under a key of the cluster. */
import { createHmac } from 'node:crypto';
import { type ContextSeal, sealBytes } from '../ports/context-seal.ts';
import { derivedKey } from './derived-key.ts';

export function contextSealOf(secret: Buffer): ContextSeal {
  const key = derivedKey(secret, 'coterie context 1');
  return { of: (bytes) => createHmac('sha256', key).update(bytes).digest().subarray(0, sealBytes) };
}
