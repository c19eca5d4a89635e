/**
 * 32 bits that stand for a key in the index, under a key of the store's own: HalfSipHash-1-3 (Aumasson and Bernstein, "SipHash:
 * a fast short-input PRF", 2012; the variant with 32-bit words and these rounds is the Linux kernel's hsiphash). Nobody who
 * does not know the key can make two names that share a fingerprint, so nobody can fill the index with keys that have to be
 * told apart by reading them. Where it happens by chance it costs time (key-names.ts).
 */
export type Fingerprint = (key: Buffer) => number;

export function keyedFingerprint(secret: Uint8Array): Fingerprint {
  const view = new DataView(secret.buffer, secret.byteOffset, secret.byteLength);
  const low = view.getInt32(0, true);
  const high = view.getInt32(4, true);
  return (key) => halfSipHash(key, low, high);
}

/** Written out: a call for each round costs more than the round. */
function halfSipHash(key: Buffer, low: number, high: number): number {
  let v0 = low;
  let v1 = high;
  let v2 = low ^ 0x6c796765;
  let v3 = high ^ 0x74656462;
  const { length } = key;
  const whole = length & ~3;
  for (let at = 0; at <= whole; at += 4) {
    const word =
      at < whole
        ? key[at] | (key[at + 1] << 8) | (key[at + 2] << 16) | (key[at + 3] << 24)
        : lastWord(key, whole);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return (v1 ^ v3) >>> 0;
}

/** The bytes that are left, and the length in the top byte. */
function lastWord(key: Buffer, whole: number): number {
  let word = key.length << 24;
  for (let at = whole, shift = 0; at < key.length; at++, shift += 8) word |= key[at] << shift;
  return word;
}
