/**
 * Replies on their way to one socket: gathered during a turn, handed over in one write at its end. Bytes that lie next
 * to each other in the encoder's slab stay one piece. Bounds on it are the connection's business.
 */
import type { Socket } from 'node:net';
import type { RespEncoder } from '../../wire/resp/encoder.ts';

/** Smaller pieces are slices of a slab that others share: kept for long, a few bytes would keep all of it. */
const ownPieceBytesMin = 16_384;

export class ReplyOutput {
  private readonly socket: Socket;
  private pieces: Buffer[] = [];
  /** The last run of contiguous slab bytes, as fields: a slice per reply would cost more than the reply. */
  private runSlab: Buffer | null = null;
  private runStart = 0;
  private runEnd = 0;
  /** Gathered and not yet handed to the socket. */
  gatheredBytes = 0;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Everything that the client has not taken yet. */
  get unreadBytes(): number {
    return this.gatheredBytes + this.socket.writableLength;
  }

  get pieceCount(): number {
    return this.pieces.length;
  }

  /** Takes the reply that stands in the encoder. */
  takeFrom(encoder: RespEncoder): void {
    if (encoder.parts !== null) {
      this.append(encoder.take());
      return;
    }
    const { slab, start, end } = encoder;
    encoder.start = end;
    this.gatheredBytes += end - start;
    if (this.runSlab === slab && this.runEnd === start) {
      this.runEnd = end;
      return;
    }
    this.closeRun();
    this.runSlab = slab;
    this.runStart = start;
    this.runEnd = end;
  }

  append(pieces: readonly Buffer[]): void {
    this.closeRun();
    for (const piece of pieces) {
      this.pieces.push(piece);
      this.gatheredBytes += piece.length;
    }
  }

  /** Hands everything to the socket in one write; returns the number of bytes. */
  flush(): number {
    this.closeRun();
    const { pieces, socket, gatheredBytes } = this;
    if (pieces.length === 0) return 0;
    this.pieces = [];
    this.gatheredBytes = 0;
    if (socket.writableLength > 0) this.writeCopies(pieces);
    else if (pieces.length === 1) socket.write(pieces[0]);
    else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    return gatheredBytes;
  }

  /** Behind an unread socket: small pieces are copied out of the shared slabs, those next to each other into one. */
  private writeCopies(pieces: readonly Buffer[]): void {
    const { socket } = this;
    let small: Buffer[] = [];
    const writeSmall = (): void => {
      if (small.length > 0) socket.write(Buffer.concat(small));
      small = [];
    };
    socket.cork();
    for (const piece of pieces) {
      if (piece.length < ownPieceBytesMin) small.push(piece);
      else {
        writeSmall();
        socket.write(piece);
      }
    }
    writeSmall();
    socket.uncork();
  }

  discard(): void {
    this.pieces = [];
    this.runSlab = null;
    this.gatheredBytes = 0;
  }

  private closeRun(): void {
    if (this.runSlab !== null) this.pieces.push(this.runSlab.subarray(this.runStart, this.runEnd));
    this.runSlab = null;
  }
}
