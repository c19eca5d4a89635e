/**
 * Integers as RESP spells them: decimal, no plus sign, no leading zero, no space (Redis's string2ll). Owns only the
 * reading of bytes into numbers; what range a command accepts is the command's business.
 */

const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;

/** NaN when the bytes are no integer in that spelling or lie outside what a number holds exactly. */
export function parseSafeInteger(bytes: Uint8Array, start: number, end: number): number {
  let index = start;
  const negative = bytes[index] === minus;
  if (negative) index += 1;
  const digitCount = end - index;
  if (digitCount < 1 || digitCount > 16 || index >= end) return Number.NaN;
  if (bytes[index] === zero) return digitCount === 1 && !negative ? 0 : Number.NaN;
  let value = 0;
  for (; index < end; index++) {
    const byte = bytes[index];
    if (byte < zero || byte > nine) return Number.NaN;
    value = value * 10 + (byte - zero);
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -value : value;
}

export const integer64Max = 9_223_372_036_854_775_807n;
export const integer64Min = -9_223_372_036_854_775_808n;

/** Any signed 64-bit integer; null otherwise. Slow path: callers try `parseSafeInteger` first. */
export function parseInteger64(bytes: Buffer): bigint | null {
  if (bytes.length === 0 || bytes.length > 20) return null;
  const text = bytes.toString('latin1');
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value >= integer64Min && value <= integer64Max ? value : null;
}
