/**
 * One link between two nodes, as the TCP network (tcp-peer-network.ts) holds it: its socket, when something was last heard
 * over it and sent, and the bounded queue of frames that leave at the end of the turn, in one write.
 */
import type { Socket } from 'node:net';
import type { Timers } from '../ports/clock.ts';
import { frameBytesMax } from '../wire/peer/frames.ts';

/** Room for the largest frame beside others. */
const queueBytesMax = frameBytesMax + 64 * 1024 * 1024;
/** Frames up to this size are gathered into one buffer; larger ones are handed to the socket as they are. */
const gatherBytesMax = 16 * 1024;

export class PeerLink {
  readonly peer: number;
  readonly socket: Socket;
  readonly #timers: Timers;
  up = true;
  /** How often this node had shown another key when it was made. */
  keyTurn = 0;
  /** Its other side is not let in by that key any more. */
  isEnding = false;
  /** When any bytes came, be they a part of a frame: a large one over a slow line takes long, and is no silence. */
  heardMs: number;
  sentMs: number;
  #queue: Buffer[] = [];
  #queueBytes = 0;
  #flushing = false;

  constructor(components: { socket: Socket; timers: Timers }, peer: number, nowMs: number) {
    this.#timers = components.timers;
    this.socket = components.socket;
    this.peer = peer;
    this.heardMs = nowMs;
    this.sentMs = nowMs;
  }

  /** False when the queue is full. */
  send(frame: Buffer, nowMs: number): boolean {
    if (this.#queueBytes + this.socket.writableLength + frame.length > queueBytesMax) return false;
    this.sentMs = nowMs;
    this.#queue.push(frame);
    this.#queueBytes += frame.length;
    if (!this.#flushing) {
      this.#flushing = true;
      this.#timers.atTurnEnd(() => this.flush());
    }
    return true;
  }

  flush(): void {
    this.#flushing = false;
    const queue = this.#queue;
    this.#queue = [];
    this.#queueBytes = 0;
    const { socket } = this;
    // Ended, or only from this side: what still comes over it (tcp-peer-network.ts) would be lost with a write that is refused.
    if (!socket.writable) return;
    if (queue.length === 1) {
      socket.write(queue[0]);
      return;
    }
    socket.cork();
    let small: Buffer[] = [];
    const writeSmall = () => {
      if (small.length > 0) socket.write(small.length === 1 ? small[0] : Buffer.concat(small));
      small = [];
    };
    for (const frame of queue) {
      if (frame.length <= gatherBytesMax) small.push(frame);
      else {
        writeSmall();
        socket.write(frame);
      }
    }
    writeSmall();
    socket.uncork();
  }
}
