/**
 * Inline commands: one line typed by a person, cut into arguments with Redis's quoting (sdssplitargs): "..." with
 * \xHH and \n \r \t \b \a escapes, '...' with \' only, and a closing quote must be followed by a space or the end.
 */

const space = 0x20;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const backslash = 0x5c;
const letterX = 0x78;

const escapes = new Map<number, number>([
  [0x6e, lineFeed],
  [0x72, carriageReturn],
  [0x74, tab],
  [0x62, 0x08],
  [0x61, 0x07],
]);

function isSpace(byte: number): boolean {
  return byte === space || (byte >= tab && byte <= carriageReturn);
}

/** A bare word ends at fewer bytes than separate two arguments; Redis's own difference. */
function endsWord(byte: number): boolean {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Null when quotes are not balanced. The arguments are copies. */
export function splitInline(bytes: Buffer, start: number, lineEnd: number): Buffer[] | null {
  // Redis's splitter works on C strings: a zero byte ends the line.
  const nul = bytes.subarray(start, lineEnd).indexOf(0);
  const end = nul < 0 ? lineEnd : start + nul;
  const found: Buffer[] = [];
  const word = Buffer.allocUnsafe(end - start);
  let index = start;
  while (true) {
    while (index < end && isSpace(bytes[index])) index += 1;
    if (index >= end) return found;
    let length = 0;
    while (index < end && !endsWord(bytes[index])) {
      const byte = bytes[index];
      if (byte !== doubleQuote && byte !== singleQuote) {
        word[length++] = byte;
        index += 1;
        continue;
      }
      const quoted = readQuoted(bytes, index, end, word, length);
      if (quoted === null) return null;
      index = quoted.next;
      length = quoted.length;
      break;
    }
    found.push(Buffer.from(word.subarray(0, length)));
  }
}

function readQuoted(
  bytes: Buffer,
  start: number,
  end: number,
  word: Buffer,
  wordLength: number,
): { next: number; length: number } | null {
  const quote = bytes[start];
  let length = wordLength;
  let index = start + 1;
  while (index < end) {
    const byte = bytes[index];
    if (byte === quote) {
      index += 1;
      return index === end || isSpace(bytes[index]) ? { next: index, length } : null;
    }
    if (byte === backslash && quote === singleQuote && bytes[index + 1] === singleQuote && index + 1 < end) {
      word[length++] = singleQuote;
      index += 2;
    } else if (byte === backslash && quote === doubleQuote && index + 1 < end) {
      const high = index + 3 < end && bytes[index + 1] === letterX ? hexDigit(bytes[index + 2]) : -1;
      const low = high >= 0 ? hexDigit(bytes[index + 3]) : -1;
      if (low >= 0) {
        word[length++] = high * 16 + low;
        index += 4;
      } else {
        word[length++] = escapes.get(bytes[index + 1]) ?? bytes[index + 1];
        index += 2;
      }
    } else {
      word[length++] = byte;
      index += 1;
    }
  }
  return null;
}
