/**
 * What two replicas say to each other while they compare, as bytes, big-endian. A question is
 *   u8 kind · u32 exchange · u16 keyspace · body
 *
 *   roots    (u16 partition)*                 → (u8 bits, +128: lost its data, 255: not ready · u32 keys · u64 hash)*
 *   nodes    u16 partition · u8 parent bits · u8 child bits · (u32 prefix)*           → (u64 hash)*
 *   leaves   u16 partition · u8 bits · u48 from offset · u48 forgotten until · (u32 prefix)*
 *                                                         → u48 next offset · u48 forgotten until · (u48 offset · u64 hash)*
 *   fetch, store: the records themselves, in record-batch-codec.ts
 *   verify   as leaves                                              → empty; the asked side checks its tree there
 *   release  (u16 partition)*: those compared to the end                              → empty
 *
 * Everything is checked when it is read: lengths, bounds, order. Anything else is `bad-input`.
 */
import { CoterieError } from '../../base/errors.ts';
import { partitionCount } from '../../base/token.ts';
import { type NodeRequest, type PositionHash, parentsPerRequestMax } from '../../merkle/comparison.ts';
import { bitsMax, levelBits, offsetEnd } from '../../merkle/tree.ts';

export const questionKind = {
  roots: 1,
  nodes: 2,
  leaves: 3,
  fetch: 4,
  store: 5,
  release: 6,
  verify: 7,
  stream: 8,
} as const;

export interface QuestionHead {
  readonly kind: number;
  readonly exchange: number;
  readonly keyspace: number;
}

/** Leaves asked for in one message, and positions listed in one answer. */
export const leavesPerRequestMax = 4_096;
export const positionsPerAnswerMax = 4_096;

export const headBytes = 7;
const rootBytes = 13;
const listedBytes = 14;
const notReady = 255;
const lostFlag = 128;

export function malformed(): CoterieError {
  return new CoterieError(
    'bad-input',
    'A comparison message from another node does not have the right form.',
  );
}

export function question(kind: number, exchange: number, keyspace: number, bodyLength: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + bodyLength);
  bytes[0] = kind;
  bytes.writeUInt32BE(exchange, 1);
  bytes.writeUInt16BE(keyspace, 5);
  return bytes;
}

export function decodeHead(bytes: Buffer): { head: QuestionHead; body: Buffer } {
  if (bytes.length < headBytes) throw malformed();
  const head = { kind: bytes[0], exchange: bytes.readUInt32BE(1), keyspace: bytes.readUInt16BE(5) };
  return { head, body: bytes.subarray(headBytes) };
}

export function encodePartitions(
  kind: typeof questionKind.roots | typeof questionKind.release,
  exchange: number,
  keyspace: number,
  partitions: readonly number[],
): Buffer {
  const bytes = question(kind, exchange, keyspace, partitions.length * 2);
  for (const [index, partition] of partitions.entries())
    bytes.writeUInt16BE(partition, headBytes + index * 2);
  return bytes;
}

export function decodePartitions(body: Buffer): number[] {
  if (body.length % 2 !== 0 || body.length > partitionCount * 2) throw malformed();
  return Array.from({ length: body.length / 2 }, (_, index) => partitionAt(body, index * 2));
}

export function partitionAt(body: Buffer, offset: number): number {
  if (body.length < offset + 2) throw malformed();
  const partition = body.readUInt16BE(offset);
  if (partition >= partitionCount) throw malformed();
  return partition;
}

/** Null: the tree is being built. */
export type Root = {
  readonly bits: number;
  /** The replica has lost what it held of this partition, and has not got it back yet. */
  readonly isLost: boolean;
  readonly keyCount: number;
  readonly high: number;
  readonly low: number;
};

export function encodeRoots(roots: readonly (Root | null)[]): Buffer {
  const bytes = Buffer.alloc(roots.length * rootBytes);
  roots.forEach((root, index) => {
    const at = index * rootBytes;
    bytes[at] = root === null ? notReady : root.bits + (root.isLost ? lostFlag : 0);
    bytes.writeUInt32BE(root?.keyCount ?? 0, at + 1);
    bytes.writeUInt32BE(root?.high ?? 0, at + 5);
    bytes.writeUInt32BE(root?.low ?? 0, at + 9);
  });
  return bytes;
}

export function decodeRoots(bytes: Buffer, count: number): (Root | null)[] {
  if (bytes.length !== count * rootBytes) throw malformed();
  return Array.from({ length: count }, (_, index) => {
    const at = index * rootBytes;
    if (bytes[at] === notReady) return null;
    const keyCount = bytes.readUInt32BE(at + 1);
    return {
      bits: checkedBits(bytes[at] % lostFlag),
      isLost: bytes[at] >= lostFlag,
      keyCount,
      high: bytes.readUInt32BE(at + 5),
      low: bytes.readUInt32BE(at + 9),
    };
  });
}

function checkedBits(bits: number): number {
  if (bits > bitsMax || bits % 2 !== 0) throw malformed();
  return bits;
}

export function encodeNodeRequest(
  exchange: number,
  keyspace: number,
  partition: number,
  { parentBits, childBits, parents }: NodeRequest,
): Buffer {
  const bytes = question(questionKind.nodes, exchange, keyspace, 4 + parents.length * 4);
  bytes.writeUInt16BE(partition, headBytes);
  bytes[headBytes + 2] = parentBits;
  bytes[headBytes + 3] = childBits;
  for (const [index, parent] of parents.entries()) bytes.writeUInt32BE(parent, headBytes + 4 + index * 4);
  return bytes;
}

export function decodeNodeRequest(body: Buffer): { partition: number; request: NodeRequest } {
  const partition = partitionAt(body, 0);
  if (body.length < 4) throw malformed();
  const parentBits = checkedBits(body[2]);
  const childBits = checkedBits(body[3]);
  if (childBits <= parentBits || childBits - parentBits > levelBits) throw malformed();
  return {
    partition,
    request: { parentBits, childBits, parents: prefixesAt(body, 4, parentBits, parentsPerRequestMax) },
  };
}

function prefixesAt(body: Buffer, start: number, bits: number, countMax: number): number[] {
  const count = (body.length - start) / 4;
  if (!Number.isInteger(count) || count < 0 || count > countMax) throw malformed();
  const prefixes: number[] = new Array(count);
  for (let index = 0; index < count; index++) {
    const prefix = body.readUInt32BE(start + index * 4);
    if (prefix >= 2 ** bits || (index > 0 && prefix <= prefixes[index - 1])) throw malformed();
    prefixes[index] = prefix;
  }
  return prefixes;
}

/** Two words for each node. */
export function encodeNodes(words: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, index * 4);
  return bytes;
}

export function decodeNodes(bytes: Buffer, nodeCount: number): Uint32Array {
  if (bytes.length !== nodeCount * 8) throw malformed();
  return Uint32Array.from({ length: nodeCount * 2 }, (_, index) => bytes.readUInt32BE(index * 4));
}

/** u16 partition · u8 bits · u48 from · u48 forgotten until */
const leafHeadBytes = 15;
/** u48 next · u48 forgotten until */
const listingHeadBytes = 12;

/** Leaves (prefixes of `bits` bits), and where in the partition to begin. */
export interface LeafRequest {
  readonly bits: number;
  readonly leaves: readonly number[];
  readonly fromOffset: number;
  /**
   * Records that may be forgotten from this moment on or earlier (record-codec.ts, forgettableAtMs) are left out: one of the two
   * has forgotten them. 0: none.
   */
  readonly forgottenUntilMs: number;
}

/** All that lies before `nextOffset` within the leaves asked for; `offsetEnd` when that is everything. */
export interface Listing {
  readonly positions: readonly PositionHash[];
  readonly nextOffset: number;
  /** As in the request; later, where the other side has forgotten more. */
  readonly forgottenUntilMs: number;
}

export function encodeLeafRequest(
  kind: typeof questionKind.leaves | typeof questionKind.verify,
  exchange: number,
  keyspace: number,
  partition: number,
  { bits, leaves, fromOffset, forgottenUntilMs }: LeafRequest,
): Buffer {
  const bytes = question(kind, exchange, keyspace, leafHeadBytes + leaves.length * 4);
  bytes.writeUInt16BE(partition, headBytes);
  bytes[headBytes + 2] = bits;
  bytes.writeUIntBE(fromOffset, headBytes + 3, 6);
  bytes.writeUIntBE(forgottenUntilMs, headBytes + 9, 6);
  const start = headBytes + leafHeadBytes;
  for (const [index, leaf] of leaves.entries()) bytes.writeUInt32BE(leaf, start + index * 4);
  return bytes;
}

export function decodeLeafRequest(body: Buffer): { partition: number; request: LeafRequest } {
  const partition = partitionAt(body, 0);
  if (body.length < leafHeadBytes) throw malformed();
  const bits = checkedBits(body[2]);
  const fromOffset = body.readUIntBE(3, 6);
  if (fromOffset >= offsetEnd) throw malformed();
  const leaves = prefixesAt(body, leafHeadBytes, bits, leavesPerRequestMax);
  return { partition, request: { bits, fromOffset, leaves, forgottenUntilMs: body.readUIntBE(9, 6) } };
}

export function encodeListing({ positions, nextOffset, forgottenUntilMs }: Listing): Buffer {
  const bytes = Buffer.allocUnsafe(listingHeadBytes + positions.length * listedBytes);
  bytes.writeUIntBE(nextOffset, 0, 6);
  bytes.writeUIntBE(forgottenUntilMs, 6, 6);
  let at = listingHeadBytes;
  for (const { offset, high, low } of positions) {
    bytes.writeUIntBE(offset, at, 6);
    bytes.writeUInt32BE(high, at + 6);
    bytes.writeUInt32BE(low, at + 10);
    at += listedBytes;
  }
  return bytes;
}

export function decodeListing(bytes: Buffer, fromOffset: number): Listing {
  const count = (bytes.length - listingHeadBytes) / listedBytes;
  if (!Number.isInteger(count) || count < 0) throw malformed();
  const nextOffset = bytes.readUIntBE(0, 6);
  if (nextOffset <= fromOffset || nextOffset > offsetEnd) throw malformed();
  let previous = -1;
  const positions = Array.from({ length: count }, (_, index) => {
    const at = listingHeadBytes + index * listedBytes;
    const offset = bytes.readUIntBE(at, 6);
    if (offset <= previous || offset < fromOffset || offset >= nextOffset) throw malformed();
    previous = offset;
    return { offset, high: bytes.readUInt32BE(at + 6), low: bytes.readUInt32BE(at + 10) };
  });
  return { positions, nextOffset, forgottenUntilMs: bytes.readUIntBE(6, 6) };
}
