/**
 * Exact decimal addition for INCRBYFLOAT. Redis adds in 80-bit floating point and prints 17 decimals; doubles would
 * print 1 - 1.1 as -0.10000000000000009. Exact sums rounded to 17 decimals agree with Redis wherever its own arithmetic
 * does not round.
 */

interface Decimal {
  /** value = digits * 10^-scale */
  readonly digits: bigint;
  readonly scale: number;
}

const decimalPlacesMax = 17;
/** The range of Redis's type: beyond it strtold reports an overflow. */
const exponentMax = 4_932;
const binaryExponentMax = 16_384;
const textBytesMax = 5_120;

export type DecimalInput = Decimal | 'infinity' | '-infinity';

/** C's hexadecimal form, 0x1.8p3: exact in decimal as well, for a half is five tenths. */
function parseHexadecimal(text: string): Decimal | null {
  const parts = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]{1,6}))?$/i.exec(text);
  if (parts === null) return null;
  const [, sign, whole, fraction = '', exponentText = '0'] = parts;
  if (whole === '' && fraction === '') return null;
  const exponent = Number(exponentText) - 4 * fraction.length;
  const magnitude = 4 * (whole + fraction).replace(/^0+/, '').length + exponent;
  if (magnitude > binaryExponentMax || exponent < -2 * binaryExponentMax) return null;
  const digits = BigInt(`0x${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  if (exponent >= 0) return { digits: digits << BigInt(exponent), scale: 0 };
  return { digits: digits * 5n ** BigInt(-exponent), scale: -exponent };
}

/** Null for what is no number. Spelled as C's strtold accepts it, not a number aside. */
export function parseDecimal(bytes: Buffer): DecimalInput | null {
  if (bytes.length > textBytesMax) return null;
  const text = bytes.toString('latin1');
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? '-infinity' : 'infinity';
  const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,6}))?$/.exec(text);
  if (parts === null) return parseHexadecimal(text);
  const [, sign, whole, fraction = '', exponentText = '0'] = parts;
  if (whole === '' && fraction === '') return null;
  const exponent = Number(exponentText);
  const magnitude = whole.replace(/^0+/, '').length + exponent;
  if (magnitude > exponentMax || exponent < -exponentMax) return null;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - exponent;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** The sum's text with at most 17 decimals and no trailing zeros; null when it is no finite number. */
export function addDecimals(left: DecimalInput, right: DecimalInput): string | null {
  if (typeof left === 'string' || typeof right === 'string') return null;
  const scale = Math.max(left.scale, right.scale);
  const sum =
    left.digits * 10n ** BigInt(scale - left.scale) + right.digits * 10n ** BigInt(scale - right.scale);
  return formatDecimal({ digits: sum, scale });
}

function formatDecimal(value: Decimal): string {
  let { digits, scale } = value;
  const negative = digits < 0n;
  if (negative) digits = -digits;
  if (scale > decimalPlacesMax) {
    const divisor = 10n ** BigInt(scale - decimalPlacesMax);
    const rest = (digits % divisor) * 2n;
    digits /= divisor;
    // Halves to even, as C's printf: 1/41 added and taken away again then gives 0, there and here.
    if (rest > divisor || (rest === divisor && digits % 2n === 1n)) digits += 1n;
    scale = decimalPlacesMax;
  }
  const text = digits.toString().padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale);
  const fraction = text.slice(text.length - scale).replace(/0+$/, '');
  const shown = fraction === '' ? whole : `${whole}.${fraction}`;
  return negative && digits !== 0n ? `-${shown}` : shown;
}
