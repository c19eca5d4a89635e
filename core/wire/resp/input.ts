/**
 * Bytes that have arrived and are not yet parsed, for both RESP parsers: lines and counted blocks, resumable at every
 * byte, at a cost linear in the bytes however they are cut into chunks.
 *
 * A block that lies whole in one chunk is handed out as a slice of it. Bytes are only ever appended behind what has been
 * handed out, so slices stay valid; a consumer that keeps one for long keeps its chunk too and should copy.
 */
import { assert } from '../../base/assert.ts';

/** Above this a block that has not fully arrived gets a buffer of its own instead of growing the line buffer. */
const ownBlockBytesMin = 32_768;
/** An own block starts at this size and doubles: a client must send bytes to make us hold them, a length alone is free. */
const ownBlockBytesFirst = 262_144;
const accumulatorBytesMin = 512;

const emptyBuffer = Buffer.alloc(0);

export class RespInput {
  buffer: Buffer = emptyBuffer;
  /** First byte not consumed. */
  position = 0;
  end = 0;
  /** Bounds of the line that readLine found last, without its line end. */
  lineStart = 0;
  lineEnd = 0;
  private accumulating = false;
  /** Bytes of the present line already searched, so that a slow sender does not cause rescans. */
  private searched = 0;
  private block: Buffer | null = null;
  private blockLength = 0;
  private blockFilled = 0;
  /** Memory of earlier buffers and blocks that what was handed out since `forgetEarlier` may still lie in. */
  private earlierBytes = 0;

  get pendingBytes(): number {
    return this.end - this.position + this.blockFilled;
  }

  /** Memory that is held: of what is not consumed, and of what was handed out since `forgetEarlier`. */
  get heldBytes(): number {
    // Of a block only what is filled: the rest of its memory has not been touched.
    return this.buffer.length + this.earlierBytes + this.blockFilled;
  }

  /** What was handed out so far is somebody else's from now on. A buffer that is consumed is let go. */
  forgetEarlier(): void {
    this.earlierBytes = 0;
    if (this.position === this.end) this.letGo();
  }

  private letGo(): void {
    this.buffer = emptyBuffer;
    this.position = 0;
    this.end = 0;
    this.accumulating = false;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.block !== null && this.blockFilled < this.blockLength) {
      const taken = this.fillBlock(rest, 0, rest.length);
      if (taken === rest.length) return;
      rest = rest.subarray(taken);
    }
    const left = this.end - this.position;
    if (left === 0) {
      this.earlierBytes += this.buffer.length;
      this.buffer = rest;
      this.position = 0;
      this.end = rest.length;
      this.accumulating = false;
      return;
    }
    if (!this.accumulating || this.buffer.length - this.end < rest.length) {
      const grown = Buffer.allocUnsafe(Math.max(accumulatorBytesMin, 2 * (left + rest.length)));
      this.buffer.copy(grown, 0, this.position, this.end);
      this.earlierBytes += this.buffer.length;
      this.buffer = grown;
      this.position = 0;
      this.end = left;
      this.accumulating = true;
    }
    rest.copy(this.buffer, this.end);
    this.end += rest.length;
  }

  /** Bytes of the present, unfinished line. */
  get unfinishedLineBytes(): number {
    return this.end - this.position;
  }

  /** Consumes a line that ends in CR and any following byte, as Redis does; false while it is incomplete. */
  readLine(): boolean {
    const { buffer, end } = this;
    let index = this.position + this.searched;
    while (index < end && buffer[index] !== 0x0d) index += 1;
    if (index + 1 >= end) {
      this.searched = index - this.position;
      return false;
    }
    this.lineStart = this.position;
    this.lineEnd = index;
    this.position = index + 2;
    this.searched = 0;
    return true;
  }

  /** Consumes a line that ends in LF; a CR before it is not part of the line. */
  readLooseLine(): boolean {
    const { buffer, end } = this;
    let index = this.position + this.searched;
    while (index < end && buffer[index] !== 0x0a) index += 1;
    if (index >= end) {
      this.searched = index - this.position;
      return false;
    }
    this.lineStart = this.position;
    this.lineEnd = index > this.position && buffer[index - 1] === 0x0d ? index - 1 : index;
    this.position = index + 1;
    this.searched = 0;
    return true;
  }

  /** Consumes `length` bytes and the two of the line end behind them; null until all have arrived. */
  readBlock(length: number): Buffer | null {
    if (this.block === null) {
      const start = this.position;
      if (this.end - start >= length + 2) {
        this.position = start + length + 2;
        return this.buffer.subarray(start, start + length);
      }
      if (length < ownBlockBytesMin) return null;
      this.block = Buffer.allocUnsafeSlow(Math.min(length, ownBlockBytesFirst));
      this.blockLength = length;
      this.blockFilled = 0;
    }
    assert(this.blockLength === length, 'one block is read at a time');
    this.position += this.fillBlock(this.buffer, this.position, this.end);
    if (this.blockFilled < length || this.end - this.position < 2) return null;
    this.position += 2;
    const block = this.block;
    this.earlierBytes += block.length;
    this.block = null;
    this.blockFilled = 0;
    return block;
  }

  /** Returns how many bytes of source[start, end) it took. */
  private fillBlock(source: Buffer, start: number, end: number): number {
    const taken = Math.min(this.blockLength - this.blockFilled, end - start);
    if (taken === 0) return 0;
    let block = this.block!;
    const wanted = this.blockFilled + taken;
    if (wanted > block.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.blockLength, Math.max(wanted, 2 * block.length)));
      block.copy(grown, 0, 0, this.blockFilled);
      this.block = grown;
      block = grown;
    }
    source.copy(block, this.blockFilled, start, start + taken);
    this.blockFilled = wanted;
    return taken;
  }
}
