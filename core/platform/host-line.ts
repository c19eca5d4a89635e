/**
 * A host and a node of its computer that it did not start itself, over the node's peer port: plain data as JSON, one
 * message a frame. A node that outlived its host is managed this way by the next one.
 */
import type { Socket } from 'node:net';
import { CoterieError, toCoterieError } from '../base/errors.ts';
import type { MutualProof } from '../ports/mutual-proof.ts';
import {
  bodyOf,
  encodeJson,
  FrameReader,
  frameType,
  greetingBytesMax,
  hostFrameBytesMax,
  typeOf,
} from '../wire/peer/frames.ts';
import { PeerGreeting } from '../wire/peer/greeting.ts';
import { type PeerTransport, tcpTransport } from './peer-transport.ts';

/** What waits for a side that does not read: it is given up then. */
const unreadBytesMax = 64 * 1024 * 1024;

export class HostLine {
  readonly #socket: Socket;
  #handler: (message: unknown) => void = () => {};
  /** What came before there was a handler. */
  #early: unknown[] | null = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(message: unknown): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > unreadBytesMax) this.#socket.destroy();
    else this.#socket.write(encodeJson(frameType.host, 0, message));
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#handler = handler;
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) handler(message);
  }

  onClose(handler: () => void): void {
    if (this.#socket.destroyed) handler();
    else this.#socket.once('close', handler);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Throws `bad-input` for a frame that is no message: the line is closed then. */
  received(frame: Buffer): void {
    const message = messageIn(frame);
    if (this.#early === null) this.#handler(message);
    else this.#early.push(message);
  }
}

function messageIn(frame: Buffer): unknown {
  try {
    if (typeOf(frame) === frameType.host) return JSON.parse(bodyOf(frame).toString());
  } catch {
    // Not JSON: as little a message as a frame of another type.
  }
  throw new CoterieError('bad-input', 'A host or its node sent something that is no message.');
}

export interface NodeAt {
  readonly host: string;
  readonly port: number;
  readonly nodeId: number;
  readonly clusterId: string;
}

/** Rejects with `unavailable` when nobody listens there or answers in time, `unauthorized` when it is not that node. */
export function callNode(
  { proof, transport = tcpTransport }: { proof: MutualProof; transport?: PeerTransport },
  at: NodeAt,
  withinMs: number,
): Promise<HostLine> {
  return new Promise((resolve, reject) => {
    const socket = transport.dial(at, () => socket.write(greeting.begin()!));
    let line: HostLine | null = null;
    const fail = (cause: unknown) => {
      reject(toCoterieError(cause, 'unavailable'));
      socket.destroy();
    };
    const timer = setTimeout(() => fail(new CoterieError('unavailable', 'No answer in time.')), withinMs);
    const greeting = new PeerGreeting(proof, {
      selfId: 'host',
      clusterId: at.clusterId,
      port: at.port,
      dialled: at.nodeId,
      isPeer: () => false,
    });
    const reader = new FrameReader(greetingBytesMax);
    socket.on('error', fail);
    socket.once('close', () => {
      clearTimeout(timer);
      if (line === null) fail(new CoterieError('unauthorized', 'The node did not let its host in.'));
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk, (frame) => {
          if (line !== null) {
            line.received(frame);
            return;
          }
          const { reply, peer } = greeting.take(frame);
          if (reply !== null) socket.write(reply);
          if (peer === null) return;
          clearTimeout(timer);
          reader.bytesMax = hostFrameBytesMax;
          line = new HostLine(socket);
          resolve(line);
        });
      } catch (error) {
        fail(error);
      }
    });
  });
}
