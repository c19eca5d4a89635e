/**
 * A 64-bit hash of bytes in 32-bit arithmetic: two MurmurHash3 (x86, 32-bit, Austin Appleby, public domain algorithm)
 * lanes with different seeds, each finalised with the other's state mixed in. It spreads keys; it is not a checksum
 * and not a defence against chosen keys.
 */
export interface Hash64 {
  high: number;
  low: number;
}

// One result object for all calls: this runs once per request, and callers read both halves at once.
const result: Hash64 = { high: 0, low: 0 };

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The returned object is reused by the next call: read it before anything else runs. */
export function hash64(bytes: Uint8Array): Readonly<Hash64> {
  const length = bytes.length;
  let a = 0x9747b28c;
  let b = 0x2c1b3c6d;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    const word = bytes[index] | (bytes[index + 1] << 8) | (bytes[index + 2] << 16) | (bytes[index + 3] << 24);
    a = mix(a, word);
    b = mix(b, word ^ 0x5bd1e995);
  }
  let tail = 0;
  for (let shift = 0; index < length; index++, shift += 8) tail |= bytes[index] << shift;
  a = mix(a, tail) ^ length;
  b = mix(b, tail ^ 0x5bd1e995) ^ length;
  a = (a + b) | 0;
  b = (b + a) | 0;
  result.high = finish(a);
  result.low = finish(b ^ result.high);
  return result;
}
