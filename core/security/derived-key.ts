/** A key for one purpose from the cluster's secret: HMAC-SHA-256 of the purpose (as HKDF's expansion, RFC 5869, of one block). */
import { createHmac } from 'node:crypto';

/** 32 bytes. Keys of different purposes say nothing about each other, nor about the secret. */
export function derivedKey(secret: Buffer, purpose: string): Buffer {
  return createHmac('sha256', secret).update(purpose).digest();
}
