/**
 * What nodes say to each other, as bytes laid by hand: this is the hot path between replicas. One frame is
 *   u32 length of what follows · u8 type · u32 request id · u32 layout version of the sender (0: it says none) · body
 * big-endian. A reply carries its request's id. Unknown types and short bodies are `bad-input`: the link is then closed,
 * because nothing after a misread length can be trusted.
 *
 * Bodies:
 *   hello, proof   JSON: how two nodes meet (peer-greeting.ts)
 *   ping, pong     empty
 *   host           JSON: between a host and a node that it did not start itself (node-messages.ts)
 *   replicaPut     u16 keyspace · u32 key length · key · record          → replicaAck
 *   replicaGet     u16 keyspace · u32 key length · key · header          → replicaSame | replicaRecord
 *   replicaAck     u8 status
 *   replicaSame    empty: the replica's record has exactly the header that came with the request
 *   replicaRecord  u8 status · record (empty: holds nothing)
 *   call           u16 method · payload                                  → callReply
 *   callReply      u8 status · payload (an error: its code and message as JSON)
 */
import { CoterieError } from '../../base/errors.ts';

/** The newest form of all this that this program speaks, and the oldest. Two nodes speak the newest that both do (greeting.ts). */
export const protocolVersion = 4;
export const protocolOldest = 4;

/** Room for the largest value, its key, siblings and metadata. */
export const frameBytesMax = 256 * 1024 * 1024;
/** A frame of a greeting is some hundred bytes. It is read from whoever reaches the port, so it must not fill the memory. */
export const greetingBytesMax = 4 * 1024;

export const frameType = {
  hello: 1,
  ping: 2,
  pong: 3,
  replicaPut: 4,
  replicaGet: 5,
  replicaAck: 6,
  replicaSame: 7,
  replicaRecord: 8,
  call: 9,
  callReply: 10,
  proof: 11,
  host: 12,
} as const;

/** A layout with a thousand nodes is below a megabyte. */
export const hostFrameBytesMax = 32 * 1024 * 1024;
/** Of a frame that says no more than its type, or a status. */
const smallBytesMax = 64;

const bytesMaxOf: Readonly<Record<number, number>> = {
  [frameType.hello]: greetingBytesMax,
  [frameType.proof]: greetingBytesMax,
  [frameType.ping]: smallBytesMax,
  [frameType.pong]: smallBytesMax,
  [frameType.replicaAck]: smallBytesMax,
  [frameType.replicaSame]: smallBytesMax,
  [frameType.host]: hostFrameBytesMax,
  // Calls have bounds of their own, by method (calls.ts).
  [frameType.call]: frameBytesMax,
  [frameType.callReply]: frameBytesMax,
  [frameType.replicaPut]: frameBytesMax,
  [frameType.replicaGet]: frameBytesMax,
  [frameType.replicaRecord]: frameBytesMax,
};

export type FrameType = (typeof frameType)[keyof typeof frameType];

export const status = {
  ok: 0,
  failed: 1,
  diskFull: 2,
  diskFailed: 3,
  busy: 4,
  unknownKeyspace: 5,
  rebuilding: 6,
  /** By its layout the receiver is no replica of the key. */
  noReplica: 7,
} as const;

/** Length prefix, type, request id, layout version. */
export const frameHeadBytes = 13;
const layoutVersionAt = 9;
const keyedHeadBytes = frameHeadBytes + 6;

function head(bytes: Buffer, type: FrameType, requestId: number): void {
  bytes.writeUInt32BE(bytes.length - 4, 0);
  bytes[4] = type;
  bytes.writeUInt32BE(requestId, 5);
  bytes.writeUInt32BE(0, layoutVersionAt);
}

/** Says by which layout the sender goes. Before the frame is handed to the network: then it must not be changed any more. */
export function stampLayout(frame: Buffer, version: number): void {
  frame.writeUInt32BE(version, layoutVersionAt);
}

export function layoutVersionOf(frame: Buffer): number {
  return frame.readUInt32BE(layoutVersionAt);
}

export function encodeKeyed(
  type: FrameType,
  requestId: number,
  keyspace: number,
  key: Buffer,
  rest: Buffer,
  restLength: number,
): Buffer {
  const bytes = Buffer.allocUnsafe(keyedHeadBytes + key.length + restLength);
  head(bytes, type, requestId);
  bytes.writeUInt16BE(keyspace, frameHeadBytes);
  bytes.writeUInt32BE(key.length, frameHeadBytes + 2);
  key.copy(bytes, keyedHeadBytes);
  rest.copy(bytes, keyedHeadBytes + key.length, 0, restLength);
  return bytes;
}

export function encodeEmpty(type: FrameType, requestId: number): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeadBytes);
  head(bytes, type, requestId);
  return bytes;
}

export function encodeStatus(type: FrameType, requestId: number, code: number, body: Buffer | null): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeadBytes + 1 + (body === null ? 0 : body.length));
  head(bytes, type, requestId);
  bytes[frameHeadBytes] = code;
  body?.copy(bytes, frameHeadBytes + 1);
  return bytes;
}

export function encodeCall(requestId: number, method: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeadBytes + 2 + payload.length);
  head(bytes, frameType.call, requestId);
  bytes.writeUInt16BE(method, frameHeadBytes);
  payload.copy(bytes, frameHeadBytes + 2);
  return bytes;
}

export function encodeJson(type: FrameType, requestId: number, body: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(body));
  const bytes = Buffer.allocUnsafe(frameHeadBytes + text.length);
  head(bytes, type, requestId);
  text.copy(bytes, frameHeadBytes);
  return bytes;
}

export function typeOf(frame: Buffer): number {
  return frame[4];
}

export function requestIdOf(frame: Buffer): number {
  return frame.readUInt32BE(5);
}

export function bodyOf(frame: Buffer): Buffer {
  return frame.subarray(frameHeadBytes);
}

export interface KeyedBody {
  readonly keyspace: number;
  readonly key: Buffer;
  readonly rest: Buffer;
}

export function parseKeyed(frame: Buffer): KeyedBody {
  if (frame.length < keyedHeadBytes) throw shortFrame();
  const keyLength = frame.readUInt32BE(frameHeadBytes + 2);
  const restStart = keyedHeadBytes + keyLength;
  if (restStart > frame.length) throw shortFrame();
  return {
    keyspace: frame.readUInt16BE(frameHeadBytes),
    key: frame.subarray(keyedHeadBytes, restStart),
    rest: frame.subarray(restStart),
  };
}

/** Status byte and what follows it. */
export function parseStatus(frame: Buffer): { code: number; body: Buffer } {
  if (frame.length < frameHeadBytes + 1) throw shortFrame();
  return { code: frame[frameHeadBytes], body: frame.subarray(frameHeadBytes + 1) };
}

export function parseCall(frame: Buffer): { method: number; payload: Buffer } {
  if (frame.length < frameHeadBytes + 2) throw shortFrame();
  return { method: frame.readUInt16BE(frameHeadBytes), payload: frame.subarray(frameHeadBytes + 2) };
}

function shortFrame(): CoterieError {
  return new CoterieError(
    'bad-input',
    'A frame from another node ends too early. Do both run the same version?',
  );
}

/** Length and type. */
const prefixBytes = 5;

/**
 * Cuts a byte stream into frames. One beyond the bound of its type is refused by its first five bytes. Frames are slices of the chunk they came in when they came whole; only one that spans
 * chunks is copied, once.
 */
export class FrameReader {
  /** The handler of a frame may change it for those that follow. */
  bytesMax: number;
  #parts: Buffer[] = [];
  #partsLength = 0;
  #wanted = 0;

  constructor(bytesMax: number = frameBytesMax) {
    this.bytesMax = bytesMax;
  }

  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let bytes = chunk;
    if (this.#partsLength > 0) {
      this.#parts.push(chunk);
      this.#partsLength += chunk.length;
      if (this.#partsLength < this.#wanted) return;
      bytes = Buffer.concat(this.#parts, this.#partsLength);
      this.#parts = [];
      this.#partsLength = 0;
    }
    let offset = 0;
    while (bytes.length - offset >= prefixBytes) {
      const length = bytes.readUInt32BE(offset) + 4;
      const bytesMax = Math.min(this.bytesMax, bytesMaxOf[bytes[offset + 4]] ?? smallBytesMax);
      if (length < frameHeadBytes || length > bytesMax) {
        throw new CoterieError(
          'bad-input',
          `A frame from another node claims ${length} bytes, which cannot be.`,
        );
      }
      if (bytes.length - offset < length) break;
      onFrame(bytes.subarray(offset, offset + length));
      offset += length;
    }
    if (offset < bytes.length) {
      const rest = bytes.subarray(offset);
      this.#parts.push(rest);
      this.#partsLength = rest.length;
      this.#wanted = rest.length >= prefixBytes ? rest.readUInt32BE(0) + 4 : prefixBytes;
    }
  }
}
