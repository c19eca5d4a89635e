/**
 * What a command with many parts or keys has gathered for its reply, counted as memory of its client while it grows. It may
 * be told to stop: because the reply becomes larger than any client may have waiting, because memory is short and this is
 * what holds most, or because the client is gone. The command then starts nothing more and answers with the reason.
 */
import { errorTexts, memoryShort } from './errors.ts';
import type { Request } from './request.ts';

/** Beside its bytes, each piece that is kept apart costs the object that stands for it. */
const pieceOverheadBytes = 128;
/** Pieces from here on are kept as they are, smaller ones copied together. */
const ownPieceBytesMin = 16_384;
const chunkBytesFirst = 512;
const chunkBytesMax = 65_536;

export class Gathering {
  private readonly request: Request;
  private heldBytes = 0;
  private reason: string | null = null;
  private over = false;
  /** Lets go of what was gathered. */
  onStop: () => void = () => {};

  constructor(request: Request) {
    this.request = request;
    request.gathering?.end();
    request.gathering = this;
    const { client } = request.root.sink;
    if (client !== null) client.gathering = this;
  }

  get bytes(): number {
    return this.heldBytes;
  }

  /** Why nothing more is to be done; null while all is well. */
  get stopped(): string | null {
    if (this.reason === null && this.request.isAbandoned) this.reason = errorTexts.clientGone;
    return this.reason;
  }

  /** Counts what is kept from now on. False when it must not be kept: look at `stopped`. */
  add(bytes: number): boolean {
    if (this.stopped !== null) return false;
    const { outputBufferBytesMax } = this.request.gateway.settings;
    if (this.heldBytes + bytes > outputBufferBytesMax) {
      this.stop(
        `ERR the reply would be larger than ${outputBufferBytesMax} bytes. Ask for fewer keys at once.`,
      );
      return false;
    }
    this.hold(bytes);
    // Whoever holds most may have been told to give way within the call, and this may be the one.
    return this.stopped === null;
  }

  stop(reason: string = memoryShort): void {
    this.reason ??= reason;
    this.onStop();
    this.release();
  }

  /** The command is answered, and the reply counts as output. Called by the request. */
  end(): void {
    if (this.over) return;
    this.over = true;
    this.release();
    const { client } = this.request.root.sink;
    if (client !== null && client.gathering === this) client.gathering = null;
  }

  private release(): void {
    const { heldBytes } = this;
    this.heldBytes = 0;
    if (heldBytes > 0) this.request.root.sink.client?.hold(-heldBytes);
  }

  private hold(bytes: number): void {
    this.heldBytes += bytes;
    this.request.root.sink.client?.hold(bytes);
  }
}

/**
 * Bytes in order, with little beside them: many small replies, each a slice of a large slab that others share, would keep all
 * those slabs.
 */
export class GatheredBytes {
  private readonly gathering: Gathering;
  private readonly whole: Buffer[] = [];
  private chunk: Buffer | null = null;
  private used = 0;

  constructor(gathering: Gathering) {
    this.gathering = gathering;
    gathering.onStop = () => {
      this.whole.length = 0;
      this.chunk = null;
    };
  }

  /** Of no effect once the gathering has been stopped. */
  append(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      if (piece.length >= ownPieceBytesMin) this.keep(piece);
      else this.copy(piece);
    }
  }

  pieces(): readonly Buffer[] {
    this.closeChunk();
    return this.whole;
  }

  private keep(piece: Buffer): void {
    this.closeChunk();
    if (this.gathering.add(piece.length + pieceOverheadBytes)) this.whole.push(piece);
  }

  private copy(piece: Buffer): void {
    if (this.chunk === null || this.chunk.length - this.used < piece.length) {
      const wanted = this.chunk === null ? chunkBytesFirst : this.chunk.length * 2;
      this.closeChunk();
      const size = Math.max(Math.min(wanted, chunkBytesMax), piece.length);
      if (!this.gathering.add(size + pieceOverheadBytes)) return;
      this.chunk = Buffer.allocUnsafeSlow(size);
      this.used = 0;
    }
    this.used += piece.copy(this.chunk, this.used);
  }

  private closeChunk(): void {
    if (this.chunk !== null && this.used > 0) this.whole.push(this.chunk.subarray(0, this.used));
    this.chunk = null;
  }
}
