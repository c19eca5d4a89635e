/**
 * Writes a cold segment: gathers records into blocks, compresses each, and keeps what the index and the summary need. A
 * block's codec is in its head, so that another may be added; one that does not shrink is stored as it is.
 */
import { deflateRawSync } from 'node:zlib';
import type { DiskFile } from '../ports/disk.ts';
import type { EntryId } from './key-index.ts';
import { codec, headBytes, kind, type RecordHead, recordLength, writeRecord } from './record-format.ts';
import { type Segment, type Span, segmentHead, segmentHeadBytes } from './segment.ts';
import { SummaryBuilder } from './summary.ts';

/** A cold read unpacks one block: larger compresses better and costs more per read. */
const blockBytes = 8 * 1024;
/** A block that does not get smaller than this share is not worth unpacking. */
const shrunkShareMax = 0.95;
/** Larger ones are stored as they are: packing and unpacking them would stop everything else for too long. */
const packedBytesMax = 4 * 1024 * 1024;
const noKey = Buffer.alloc(0);

/** A live record on its way from one place to another. */
export interface Move {
  readonly id: EntryId;
  readonly from: { segment: number; offset: number };
  block: { offset: number; length: number };
}

interface Block {
  readonly moves: Move[];
  readonly heads: { head: RecordHead; start: number }[];
  readonly parts: Buffer[];
  bytes: number;
}

function emptyBlock(): Block {
  return { moves: [], heads: [], parts: [], bytes: 0 };
}

export class ColdWriter {
  readonly summary = new SummaryBuilder();
  readonly moves: Move[] = [];
  readonly #number: number;
  readonly #span: Span;
  readonly #file: DiskFile;
  readonly #pause: () => Promise<void>;
  #full: Block[] = [];
  #gathering = emptyBlock();
  #size = segmentHeadBytes;
  #rawBytes = 0;
  #recordCount = 0;
  #markerCount = 0;

  /** `pause` runs after each block: it keeps the work small beside that of clients, and may throw to stop it. */
  constructor(
    components: { file: DiskFile; pause: () => Promise<void> },
    settings: { number: number; span: Span },
  ) {
    this.#file = components.file;
    this.#pause = components.pause;
    this.#number = settings.number;
    this.#span = settings.span;
  }

  /** The head is durable before anything follows it: a start must be able to tell what a crash left here. */
  async begin(): Promise<void> {
    await this.#file.write(segmentHead({ number: this.#number, cold: true, ...this.#span }), 0);
    await this.#file.sync();
  }

  /** `move` is null for a marker. */
  add(head: RecordHead, bytes: Buffer, start: number, move: Move | null): void {
    const block = this.#gathering;
    const length = recordLength(head);
    block.heads.push({ head, start: block.bytes });
    block.parts.push(Buffer.from(bytes.subarray(start, start + length)));
    block.bytes += length;
    if (move === null) this.#markerCount++;
    else block.moves.push(move);
    if (block.bytes >= blockBytes) this.#closeBlock();
  }

  #closeBlock(): void {
    this.#full.push(this.#gathering);
    this.#gathering = emptyBlock();
  }

  async writeFullBlocks(): Promise<void> {
    const blocks = this.#full;
    this.#full = [];
    for (const block of blocks) {
      await this.#write(block);
      await this.#pause();
    }
  }

  async finish(): Promise<void> {
    if (this.#gathering.bytes > 0) this.#closeBlock();
    await this.writeFullBlocks();
  }

  async #write({ parts, moves, heads }: Block): Promise<void> {
    const bytes = Buffer.concat(parts);
    // In place, not in the thread pool: about 0.1 ms a block, and the simulation stays exact.
    const deflated = bytes.length <= packedBytesMax ? deflateRawSync(bytes, { level: 1 }) : bytes;
    const shrinks = deflated.length < bytes.length * shrunkShareMax;
    const value = shrinks ? deflated : bytes;
    const head: RecordHead = {
      kind: kind.block,
      flags: shrinks ? codec.deflate : codec.none,
      keyspace: 0,
      tokenHigh: 0,
      tokenLow: 0,
      expiryTick: 0,
      keyLength: bytes.length,
      valueLength: value.length,
    };
    const record = Buffer.allocUnsafe(recordLength(head));
    writeRecord(record, 0, head, noKey, value);
    await this.#file.write(record, this.#size);
    const place = { offset: this.#size, length: record.length };
    for (const move of moves) {
      move.block = place;
      this.moves.push(move);
    }
    for (const inner of heads) this.summary.add(place, bytes, inner.start, headBytes + inner.head.keyLength);
    this.#size += record.length;
    this.#rawBytes += bytes.length;
    this.#recordCount += heads.length;
  }

  segment(): Segment {
    return {
      number: this.#number,
      ...this.#span,
      cold: true,
      file: this.#file,
      size: this.#size,
      sealed: true,
      recordCount: this.#recordCount,
      liveCount: 0,
      markerCount: this.#markerCount,
      rawBytes: this.#rawBytes,
      readers: 0,
      retired: false,
      damaged: false,
    };
  }
}
