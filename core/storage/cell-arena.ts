/**
 * Memory for many values of different lengths, outside the JavaScript heap: chunks of one size, each cut into equal cells of
 * one size class (as memcached's slabs). A value in a cell costs the garbage collector nothing, however often it is
 * replaced. When every chunk is taken, a whole chunk is emptied and cut anew, so that memory never stays with a size that
 * nobody stores any more.
 */
const chunkBytesMax = 256 * 1024;
const chunkBytesMin = 1024;
/** A small arena has small chunks, so that it still serves many sizes. */
const chunksWanted = 16;
const cellsPerChunkMin = 4;
const cellBytesMin = 64;
const growth = 1.25;
const none = -1;

function chunkBytesFor(bytesMax: number): number {
  let bytes = chunkBytesMin;
  while (bytes < chunkBytesMax && bytes * 2 * chunksWanted <= bytesMax) bytes *= 2;
  return bytes;
}

function classesUpTo(largest: number): number[] {
  const classes: number[] = [];
  for (let bytes = cellBytesMin; bytes < largest; bytes = Math.ceil((bytes * growth) / 8) * 8)
    classes.push(bytes);
  classes.push(largest);
  return classes;
}

interface Chunk {
  readonly memory: Buffer;
  sizeClass: number;
  /** Who holds each cell; -1: free. */
  owners: Int32Array;
}

/** Names a cell: chunk number times 2^12, plus the cell's number in it. */
export type CellId = number;
const cellBits = 12;

export class CellArena {
  /** Longer values would waste the end of a chunk: they have no place here. */
  readonly cellBytesMax: number;
  readonly #chunkBytes: number;
  readonly #chunkCountMax: number;
  readonly #classBytes: readonly number[];
  readonly #chunks: Chunk[] = [];
  readonly #free: CellId[][];

  constructor(bytesMax: number) {
    this.#chunkBytes = chunkBytesFor(bytesMax);
    this.#chunkCountMax = Math.floor(bytesMax / this.#chunkBytes);
    this.cellBytesMax = this.#chunkBytes / cellsPerChunkMin;
    this.#classBytes = classesUpTo(this.cellBytesMax);
    this.#free = this.#classBytes.map(() => []);
  }

  get bytes(): number {
    return this.#chunks.length * this.#chunkBytes;
  }

  #classOf(length: number): number {
    let low = 0;
    let high = this.#classBytes.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#classBytes[middle] >= length) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** -1 when there is no room: then `empty` a chunk. */
  take(length: number, owner: number): CellId {
    const sizeClass = this.#classOf(length);
    const free = this.#free[sizeClass];
    if (free.length === 0 && !this.#addChunk(sizeClass)) return none;
    const cell = free.pop()!;
    this.#chunks[cell >> cellBits].owners[cell & ((1 << cellBits) - 1)] = owner;
    return cell;
  }

  release(cell: CellId): void {
    const chunk = this.#chunks[cell >> cellBits];
    chunk.owners[cell & ((1 << cellBits) - 1)] = none;
    this.#free[chunk.sizeClass].push(cell);
  }

  /** Whether a value of this length may stay in the cell. */
  fits(cell: CellId, length: number): boolean {
    return this.#chunks[cell >> cellBits].sizeClass === this.#classOf(length);
  }

  memoryOf(cell: CellId): Buffer {
    return this.#chunks[cell >> cellBits].memory;
  }

  offsetOf(cell: CellId): number {
    const { sizeClass } = this.#chunks[cell >> cellBits];
    return (cell & ((1 << cellBits) - 1)) * this.#classBytes[sizeClass];
  }

  /** Owners of the chunk that `cell` is in. */
  neighbours(cell: CellId): number[] {
    return [...this.#chunks[cell >> cellBits].owners].filter((owner) => owner !== none);
  }

  /** Cuts the chunk of `cell`, whose cells are all free by now, for values of this length. */
  recut(cell: CellId, length: number): void {
    const number = cell >> cellBits;
    const chunk = this.#chunks[number];
    this.#free[chunk.sizeClass] = this.#free[chunk.sizeClass].filter((free) => free >> cellBits !== number);
    this.#cut(number, chunk, this.#classOf(length));
  }

  #addChunk(sizeClass: number): boolean {
    if (this.#chunks.length >= this.#chunkCountMax) return false;
    const chunk = { memory: Buffer.allocUnsafeSlow(this.#chunkBytes), sizeClass, owners: new Int32Array(0) };
    this.#chunks.push(chunk);
    this.#cut(this.#chunks.length - 1, chunk, sizeClass);
    return true;
  }

  #cut(number: number, chunk: Chunk, sizeClass: number): void {
    const count = Math.min(1 << cellBits, Math.floor(this.#chunkBytes / this.#classBytes[sizeClass]));
    chunk.sizeClass = sizeClass;
    chunk.owners = new Int32Array(count).fill(none);
    for (let cell = count - 1; cell >= 0; cell--) this.#free[sizeClass].push((number << cellBits) | cell);
  }
}
