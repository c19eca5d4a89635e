/**
 * The requests between nodes that have no frame of their own (frames.ts), in one list: each has a number, which is never given to
 * another, and a bound on its question and on its answer. Whoever receives one beyond its bound refuses it unread.
 */
import { CoterieError, type ErrorCode, errorCodes } from '../../base/errors.ts';
import { encodeStatus, frameBytesMax, frameType, parseStatus, status } from './frames.ts';

export interface Call {
  readonly method: number;
  readonly questionBytesMax: number;
  readonly answerBytesMax: number;
}

const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;

function call(method: number, questionBytesMax: number, answerBytesMax: number): Call {
  return { method, questionBytesMax, answerBytesMax };
}

export const calls = {
  /** A whole command, for the node that coordinates its key, and its reply: as large as values are. */
  forward: call(1, frameBytesMax, frameBytesMax),
  /** Keyspace walks (walk-messages.ts). A page ends early, with the key that goes beyond its bytes. */
  scan: call(2, kibibyte, 8 * mebibyte),
  count: call(3, 16 * kibibyte, kibibyte),
  flush: call(4, kibibyte, 0),
  /** A fallback keeps a record for a replica, and gives it to who reads. */
  keepHint: call(5, frameBytesMax, 0),
  readHint: call(6, 128 * kibibyte, frameBytesMax),
  /** Tombstones that all replicas agree to forget. */
  checkTombstones: call(7, 16 * mebibyte, 16 * mebibyte),
  collectTombstones: call(8, 16 * mebibyte, 16 * mebibyte),
  /** Whether a replica has nothing of some partitions. */
  holdsNothing: call(9, 16 * kibibyte, 16 * kibibyte),
  /** Which layouts are live and how far everybody is with them (layout-messages.ts): a few documents at most. */
  layouts: call(10, 4 * mebibyte, 16 * mebibyte),
  /** Records that a replica takes as one (put-together.ts). */
  putTogether: call(11, frameBytesMax, kibibyte),
  /** What clients publish (message-relay.ts): one alone is as large as a value. */
  messages: call(12, frameBytesMax, 0),
  /** Merkle trees, listings and records of a comparison (exchange-codec.ts). */
  compareReplicas: call(20, frameBytesMax, frameBytesMax),
  /** Membership over the peer link, where datagrams do not get through (stream-messages.ts). */
  membership: call(21, 4 * mebibyte, 4 * mebibyte),
} as const;

/** The answer to a call: its body, or why there is none. */
export function encodeAnswer(requestId: number, error: CoterieError | null, body: Buffer | null): Buffer {
  if (error === null) return encodeStatus(frameType.callReply, requestId, status.ok, body);
  const words = Buffer.from(JSON.stringify({ code: error.code, message: error.message }));
  return encodeStatus(frameType.callReply, requestId, status.failed, words);
}

/** The caller's side. What is no answer counts as one without use: the other node may run anything. */
export function decodeAnswer(
  frame: Buffer,
  { answerBytesMax }: Call,
): { error: CoterieError | null; body: Buffer | null } {
  const { code, body } = parseStatus(frame);
  if (code !== status.ok) return { error: errorIn(body), body: null };
  if (body.length <= answerBytesMax) return { error: null, body };
  return { error: new CoterieError('unavailable', 'Another node answered more than can be.'), body: null };
}

/** Enough for what people are told. */
const messageLengthMax = 4 * kibibyte;

function errorIn(body: Buffer): CoterieError {
  try {
    const { code, message } = JSON.parse(body.toString()) as Record<string, unknown>;
    if (isErrorCode(code) && typeof message === 'string') {
      return new CoterieError(code, message.slice(0, messageLengthMax));
    }
  } catch {
    // Told in our own words.
  }
  return new CoterieError('unavailable', 'Another node answered with an error.');
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && (errorCodes as readonly string[]).includes(code);
}
