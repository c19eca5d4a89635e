/**
 * Replies as bytes, in RESP2 or RESP3. Replies of all connections are written one after another into shared slabs, so
 * that a small reply costs no allocation and consecutive ones leave in one piece; large values are passed through
 * uncopied. One reply is written between `begin` and `take`, without anything else in between.
 */
import { assert } from '../../base/assert.ts';

export type RespProtocol = 2 | 3;

const slabBytes = 65_536;
/** From here on a value is cheaper to hand over as it is than to copy. */
const passThroughBytesMin = 16_384;
/** Below this a loop is faster than the call into the runtime. */
const loopCopyBytesMax = 48;

const textOk = Buffer.from('+OK\r\n', 'latin1');
const nilBulk = Buffer.from('$-1\r\n', 'latin1');
const nilArray = Buffer.from('*-1\r\n', 'latin1');
const nilThree = Buffer.from('_\r\n', 'latin1');

const code = (character: string): number => character.charCodeAt(0);
const plus = code('+');
const minus = code('-');
const colon = code(':');
const dollar = code('$');
const asterisk = code('*');
const percent = code('%');
const tilde = code('~');
const hash = code('#');
const equals = code('=');
const greater = code('>');

export class RespEncoder {
  protocol: RespProtocol = 2;
  slab: Buffer = Buffer.allocUnsafeSlow(slabBytes);
  start = 0;
  end = 0;
  /** Earlier pieces of the present reply; null while it lies whole in slab[start, end). */
  parts: Buffer[] | null = null;

  begin(protocol: RespProtocol): void {
    this.protocol = protocol;
    this.start = this.end;
    this.parts = null;
  }

  /** Length of the present reply. */
  get replyBytes(): number {
    let bytes = this.end - this.start;
    if (this.parts !== null) for (const part of this.parts) bytes += part.length;
    return bytes;
  }

  /** Whether the present reply is an error. */
  get isError(): boolean {
    const first = this.parts?.[0]?.[0] ?? this.slab[this.start];
    return first === minus;
  }

  /** The reply's pieces, in order. The slab moves on; the pieces stay valid. */
  take(): Buffer[] {
    const parts = this.parts ?? [];
    if (this.end > this.start) parts.push(this.slab.subarray(this.start, this.end));
    this.start = this.end;
    this.parts = null;
    return parts;
  }

  ok(): void {
    this.raw(textOk);
  }

  nil(): void {
    this.raw(this.protocol === 3 ? nilThree : nilBulk);
  }

  nilArray(): void {
    this.raw(this.protocol === 3 ? nilThree : nilArray);
  }

  simple(text: string): void {
    this.line(plus, text);
  }

  /** `text` begins with the error's prefix word. Line ends in it become spaces: they would break the stream. */
  error(text: string): void {
    this.line(minus, text.replace(/[\r\n]/g, ' '));
  }

  integer(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.line(colon, value.toString());
      return;
    }
    assert(Number.isSafeInteger(value), 'an integer reply holds a whole number');
    this.header(colon, value);
  }

  bulk(value: Uint8Array): void {
    const { length } = value;
    this.header(dollar, length);
    if (length >= passThroughBytesMin) {
      this.parts ??= [];
      if (this.end > this.start) this.parts.push(this.slab.subarray(this.start, this.end));
      this.start = this.end;
      this.parts.push(value as Buffer);
      this.reserve(2);
    } else {
      this.reserve(length + 2);
      const { slab, end } = this;
      if (length <= loopCopyBytesMax) {
        for (let index = 0; index < length; index++) slab[end + index] = value[index];
      } else {
        slab.set(value, end);
      }
      this.end = end + length;
    }
    this.lineEnd();
  }

  text(value: string): void {
    this.bulk(Buffer.from(value, 'utf8'));
  }

  array(count: number): void {
    this.header(asterisk, count);
  }

  /** `count` pairs follow, key then value. */
  map(count: number): void {
    if (this.protocol === 3) this.header(percent, count);
    else this.header(asterisk, count * 2);
  }

  set(count: number): void {
    this.header(this.protocol === 3 ? tilde : asterisk, count);
  }

  /** Out-of-band data; RESP2 has none, so it is an array there. */
  push(count: number): void {
    this.header(this.protocol === 3 ? greater : asterisk, count);
  }

  boolean(value: boolean): void {
    if (this.protocol === 3) this.line(hash, value ? 't' : 'f');
    else this.integer(value ? 1 : 0);
  }

  /** Text for people, such as INFO. */
  verbatim(value: string): void {
    if (this.protocol === 2) {
      this.text(value);
      return;
    }
    const bytes = Buffer.from(value, 'utf8');
    this.header(equals, bytes.length + 4);
    this.raw(Buffer.from('txt:', 'latin1'));
    this.raw(bytes);
    this.lineEnd();
  }

  /** Bytes that are RESP already. */
  raw(bytes: Buffer): void {
    const { length } = bytes;
    if (length >= passThroughBytesMin) {
      this.parts ??= [];
      if (this.end > this.start) this.parts.push(this.slab.subarray(this.start, this.end));
      this.start = this.end;
      this.parts.push(bytes);
      return;
    }
    this.reserve(length);
    const { slab, end } = this;
    if (length <= loopCopyBytesMax) {
      for (let index = 0; index < length; index++) slab[end + index] = bytes[index];
    } else {
      slab.set(bytes, end);
    }
    this.end = end + length;
  }

  private line(kind: number, text: string): void {
    const bytes = Buffer.byteLength(text);
    this.reserve(bytes + 3);
    this.slab[this.end++] = kind;
    this.end += this.slab.write(text, this.end, bytes);
    this.lineEnd();
  }

  private header(kind: number, value: number): void {
    this.reserve(24);
    const { slab } = this;
    let { end } = this;
    slab[end++] = kind;
    let rest = value;
    if (rest < 0) {
      slab[end++] = minus;
      rest = -rest;
    }
    let digitCount = 1;
    for (let limit = 10; rest >= limit; limit *= 10) digitCount += 1;
    let index = end + digitCount;
    end = index;
    // Whole-number arithmetic in 32 bits is several times faster and covers nearly every length.
    while (rest > 0x7fffffff) {
      slab[--index] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    let small = rest | 0;
    do {
      const next = (small / 10) | 0;
      slab[--index] = 0x30 + (small - next * 10);
      small = next;
    } while (small > 0);
    slab[end++] = 0x0d;
    slab[end++] = 0x0a;
    this.end = end;
  }

  private lineEnd(): void {
    this.reserve(2);
    this.slab[this.end++] = 0x0d;
    this.slab[this.end++] = 0x0a;
  }

  private reserve(bytes: number): void {
    if (this.slab.length - this.end >= bytes) return;
    if (this.end > this.start) {
      this.parts ??= [];
      this.parts.push(this.slab.subarray(this.start, this.end));
    }
    this.slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.start = 0;
    this.end = 0;
  }
}

/** A command as an array of bulk strings: what a client sends, and what one node's gateway sends another's. */
export function encodeCommand(words: readonly (Uint8Array | string)[]): Buffer {
  return encodeWords('*', words);
}

/** Out-of-band data of RESP3, as bulk strings. */
export function encodePush(words: readonly (Uint8Array | string)[]): Buffer {
  return encodeWords('>', words);
}

function encodeWords(type: '*' | '>', words: readonly (Uint8Array | string)[]): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(`${type}${words.length}\r\n`, 'latin1')];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word, 'utf8') : word;
    pieces.push(Buffer.from(`$${bytes.length}\r\n`, 'latin1'), bytes, commandLineEnd);
  }
  return Buffer.concat(pieces);
}

const commandLineEnd = Buffer.from('\r\n', 'latin1');
