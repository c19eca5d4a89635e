/**
 * Patterns of KEYS and SCAN, as Redis's stringmatchlen: `*`, `?`, `[abc]`, `[^a-z]`, `\x`. A pattern is read once, into the
 * pieces between its stars. The first piece must stand at the text's start, the last at its end, and each other one is
 * looked for behind the one before it, where it occurs first: if any choice of places fits, that one does. A piece is
 * searched bit-parallel (Shift-And: Baeza-Yates and Gonnet, "A new approach to text searching", 1992), so that no text
 * costs more than its length times 32 elements of the longest piece. Going back, as Redis does, costs pattern × text at
 * best: a node stood still for minutes over twenty long keys.
 */
import { CommandError } from './errors.ts';

/** A longer one is refused: the keys that it could name exactly are better read by name. */
export const patternBytesMax = 1_024;

const star = 0x2a;
const question = 0x3f;
const open = 0x5b;
const close = 0x5d;
const caret = 0x5e;
const dash = 0x2d;
const backslash = 0x5c;

const byteCount = 256;
/** Objects and typed arrays of one piece. */
const pieceOverheadBytes = 512;
/** Literal pieces up to this length are left to the runtime's own search: at worst length × text, in machine code. */
const plainLengthMax = 32;

/** One element of a pattern: the byte that it stands for, or the set of bytes that it admits. */
type Element = number | 'any' | Uint8Array;

/** What stands between two stars. */
class Piece {
  readonly length: number;
  /** Bytes of a piece without classes and `?`; null for others and for long ones. */
  private readonly plain: Buffer | null = null;
  private readonly words: number;
  /** For each byte and word: bit n is set when element n admits the byte. Empty where it is not needed. */
  private readonly masks: Uint32Array;
  private readonly state: Uint32Array;
  private readonly admitsAll: boolean;

  constructor(elements: readonly Element[]) {
    this.length = elements.length;
    this.words = Math.ceil(elements.length / 32);
    this.admitsAll = elements.every((element) => element === 'any');
    const isPlain = elements.every((element) => typeof element === 'number');
    if (isPlain && elements.length <= plainLengthMax) this.plain = Buffer.from(elements as number[]);
    const needsMasks = this.plain === null && !this.admitsAll;
    this.masks = new Uint32Array(needsMasks ? byteCount * this.words : 0);
    this.state = new Uint32Array(needsMasks ? this.words : 0);
    if (!needsMasks) return;
    for (const [index, element] of elements.entries()) {
      const bit = 1 << (index & 31);
      const word = index >>> 5;
      if (typeof element === 'number') this.masks[element * this.words + word] |= bit;
      else {
        for (let byte = 0; byte < byteCount; byte++) {
          if (element === 'any' || element[byte] === 1) this.masks[byte * this.words + word] |= bit;
        }
      }
    }
  }

  get maskBytes(): number {
    return this.masks.byteLength;
  }

  /** How many words one byte of text costs at most. */
  get stepsPerByte(): number {
    return this.words;
  }

  matchesAt(text: Buffer, start: number): boolean {
    if (this.admitsAll) return true;
    const { length, masks, plain, words } = this;
    if (plain !== null) return plain.compare(text, start, start + length) === 0;
    for (let index = 0; index < length; index++) {
      if ((masks[text[start + index] * words + (index >>> 5)] & (1 << (index & 31))) === 0) return false;
    }
    return true;
  }

  /** The first place at or after `start` behind which the piece ends before or at `end`; -1 when there is none. */
  find(text: Buffer, start: number, end: number): number {
    const { length, plain } = this;
    if (start + length > end) return -1;
    if (this.admitsAll) return start;
    if (plain === null) return this.findByBits(text, start, end);
    const found = text.indexOf(plain, start);
    return found >= 0 && found + length <= end ? found : -1;
  }

  private findByBits(text: Buffer, start: number, end: number): number {
    const { length, masks, state, words } = this;
    const lastWord = words - 1;
    const lastBit = 1 << ((length - 1) & 31);
    state.fill(0);
    // Words above this one are all zero, and stay so until a bit is carried into the next.
    let top = 0;
    for (let index = start; index < end; index++) {
      const row = text[index] * words;
      let carry = 1;
      let highest = 0;
      const limit = top < lastWord ? top + 1 : lastWord;
      for (let word = 0; word <= limit; word++) {
        const before = state[word];
        const after = ((before << 1) | carry) & masks[row + word];
        carry = before >>> 31;
        state[word] = after;
        if (after !== 0) highest = word;
      }
      top = highest;
      if (top === lastWord && (state[lastWord] & lastBit) !== 0) return index + 1 - length;
    }
    return -1;
  }
}

export class Glob {
  /** Without a star: the one piece that is the whole pattern. */
  private readonly pieces: readonly Piece[];
  private readonly stepsPerByte: number;
  private readonly lengthMin: number;

  /** Throws CommandError for a pattern that is too long. */
  constructor(pattern: Buffer) {
    if (pattern.length > patternBytesMax) {
      throw new CommandError(
        `ERR the pattern has ${pattern.length} bytes, more than ${patternBytesMax}: shorten it, or read the keys by name`,
      );
    }
    this.pieces = piecesOf(pattern);
    this.stepsPerByte = this.pieces.reduce((most, piece) => Math.max(most, piece.stepsPerByte), 1);
    this.lengthMin = this.pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** What matching a text of this length costs at most, in steps of about a nanosecond. */
  costOf(textLength: number): number {
    return 32 + textLength * this.stepsPerByte;
  }

  /** Memory that it takes beside the pattern: up to hundreds of times as much. */
  get heldBytes(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.maskBytes + pieceOverheadBytes, 0);
  }

  matches(text: Buffer): boolean {
    const { pieces } = this;
    const { length } = text;
    if (length < this.lengthMin) return false;
    const first = pieces[0];
    if (pieces.length === 1) return length === first.length && first.matchesAt(text, 0);
    const last = pieces[pieces.length - 1];
    const end = length - last.length;
    if (!first.matchesAt(text, 0) || !last.matchesAt(text, end)) return false;
    let position = first.length;
    for (let index = 1; index < pieces.length - 1; index++) {
      const found = pieces[index].find(text, position, end);
      if (found < 0) return false;
      position = found + pieces[index].length;
    }
    return position <= end;
  }
}

/** One piece more than there are stars; stars that stand together count as one. */
function piecesOf(pattern: Buffer): Piece[] {
  const pieces: Piece[] = [];
  let elements: Element[] = [];
  let index = 0;
  while (index < pattern.length) {
    const byte = pattern[index];
    if (byte === star) {
      pieces.push(new Piece(elements));
      elements = [];
      while (pattern[index] === star) index += 1;
    } else if (byte === open) {
      const admitted = new Uint8Array(byteCount);
      index = readClass(pattern, index + 1, admitted);
      elements.push(admitted);
    } else if (byte === question) {
      elements.push('any');
      index += 1;
    } else if (byte === backslash && index + 1 < pattern.length) {
      elements.push(pattern[index + 1]);
      index += 2;
    } else {
      elements.push(byte);
      index += 1;
    }
  }
  pieces.push(new Piece(elements));
  return pieces;
}

/** The index behind the class. One without its closing bracket ends with the pattern, as in Redis. */
function readClass(pattern: Buffer, start: number, admitted: Uint8Array): number {
  let index = start;
  const negated = pattern[index] === caret;
  if (negated) index += 1;
  while (index < pattern.length && pattern[index] !== close) {
    if (pattern[index] === backslash && index + 1 < pattern.length) {
      index += 1;
      admitted[pattern[index]] = 1;
    } else if (index + 2 < pattern.length && pattern[index + 1] === dash) {
      const low = Math.min(pattern[index], pattern[index + 2]);
      const high = Math.max(pattern[index], pattern[index + 2]);
      admitted.fill(1, low, high + 1);
      index += 2;
    } else {
      admitted[pattern[index]] = 1;
    }
    index += 1;
  }
  if (negated) for (let byte = 0; byte < byteCount; byte++) admitted[byte] ^= 1;
  return Math.min(index + 1, pattern.length);
}
