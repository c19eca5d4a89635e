/** Reading the words of a command: option names, integers, times. Throws CommandError in Redis's words. */
import { integer64Max, integer64Min, parseInteger64, parseSafeInteger } from '../../wire/resp/integer.ts';
import { equalsIgnoringCase } from './command.ts';
import { CommandError, errorTexts, invalidExpire } from './errors.ts';

/** An option word in lower case, as bytes, for comparing without a string per word. */
export function word(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export function isWord(bytes: Buffer, expected: Buffer): boolean {
  return equalsIgnoringCase(bytes, expected);
}

/** A 64-bit integer; a number where it is exact, which is nearly always. */
export function readInteger(bytes: Buffer, errorText: string = errorTexts.notInteger): number | bigint {
  const value = parseSafeInteger(bytes, 0, bytes.length);
  if (!Number.isNaN(value)) return value;
  const big = parseInteger64(bytes);
  if (big === null) throw new CommandError(errorText);
  return big;
}

/** An integer that is used as a count or an offset: beyond 2^53 it is only compared, so the nearest number will do. */
export function readNumber(bytes: Buffer, errorText?: string): number {
  return Number(readInteger(bytes, errorText));
}

export interface ExpiryRule {
  readonly unit: 'seconds' | 'milliseconds';
  /** What a relative time counts from; 0 for absolute times. */
  readonly baseMs: number;
  /** SET, GETEX and SETEX refuse zero and less; EXPIRE takes them as the past. */
  readonly positive: boolean;
  readonly commandName: string;
}

/**
 * Milliseconds since 1970, with Redis's 64-bit overflow rules. Times past 2^53 ms (the year 287396) become that:
 * they never come.
 */
export function readExpiry(bytes: Buffer, rule: ExpiryRule): number {
  const value = readInteger(bytes);
  if (rule.positive && value <= 0) throw new CommandError(invalidExpire(rule.commandName));
  const small = 1e12;
  if (typeof value === 'number' && value < small && value > -small) {
    return (rule.unit === 'seconds' ? value * 1000 : value) + rule.baseMs;
  }
  let milliseconds = BigInt(value);
  if (rule.unit === 'seconds') {
    if (milliseconds > integer64Max / 1000n || milliseconds < integer64Min / 1000n) {
      throw new CommandError(invalidExpire(rule.commandName));
    }
    milliseconds *= 1000n;
  }
  const base = BigInt(Math.floor(rule.baseMs));
  if (milliseconds > integer64Max - base) throw new CommandError(invalidExpire(rule.commandName));
  milliseconds += base;
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  if (milliseconds > most) return Number.MAX_SAFE_INTEGER;
  if (milliseconds < -most) return -Number.MAX_SAFE_INTEGER;
  return Number(milliseconds);
}

/** For command and option names in messages and rarely used subcommands. */
export function lowerText(bytes: Buffer): string {
  return bytes.toString('latin1').toLowerCase();
}
