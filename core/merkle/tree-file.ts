/**
 * Trees as bytes, for the file that an orderly stop leaves behind. Leaves only: the levels above follow from them.
 *
 *   "CTMT" · u16 format · u32 tree count · then per tree: u16 keyspace · u16 partition · u8 bits · u32 keys · leaves
 *   · at the end u64 hash of all before it
 *
 * Numbers big-endian, leaves little-endian words. A file that is not exactly this is answered with null, never with an
 * error: trees can be built again.
 */
import { hash64 } from '../base/hash.ts';
import { partitionCount } from '../base/token.ts';
import { bitsMax, MerkleTree } from './tree.ts';

export interface PlacedTree {
  readonly keyspace: number;
  readonly partition: number;
  readonly tree: MerkleTree;
}

const mark = 0x43544d54;
/** Raised whenever a record hashes differently than before, or a tree is laid out differently. */
const format = 2;
const headBytes = 10;
const treeHeadBytes = 9;
const checkBytes = 8;

export function encodeTrees(trees: readonly PlacedTree[]): Buffer {
  const length = trees.reduce((sum, { tree }) => sum + treeHeadBytes + 2 ** tree.bits * 8, headBytes);
  const bytes = Buffer.allocUnsafe(length + checkBytes);
  bytes.writeUInt32BE(mark, 0);
  bytes.writeUInt16BE(format, 4);
  bytes.writeUInt32BE(trees.length, 6);
  let at = headBytes;
  for (const { keyspace, partition, tree } of trees) {
    bytes.writeUInt16BE(keyspace, at);
    bytes.writeUInt16BE(partition, at + 2);
    bytes[at + 4] = tree.bits;
    bytes.writeUInt32BE(tree.keyCount, at + 5);
    at += treeHeadBytes;
    for (const word of tree.leaves()) at = bytes.writeUInt32LE(word, at);
  }
  const { high, low } = hash64(bytes.subarray(0, length));
  bytes.writeUInt32BE(high, length);
  bytes.writeUInt32BE(low, length + 4);
  return bytes;
}

export function decodeTrees(bytes: Buffer): PlacedTree[] | null {
  const end = bytes.length - checkBytes;
  if (end < headBytes || bytes.readUInt32BE(0) !== mark || bytes.readUInt16BE(4) !== format) return null;
  const { high, low } = hash64(bytes.subarray(0, end));
  if (bytes.readUInt32BE(end) !== high || bytes.readUInt32BE(end + 4) !== low) return null;
  const trees: PlacedTree[] = [];
  const count = bytes.readUInt32BE(6);
  let at = headBytes;
  for (let index = 0; index < count; index++) {
    if (at + treeHeadBytes > end) return null;
    const partition = bytes.readUInt16BE(at + 2);
    const bits = bytes[at + 4];
    const leafBytes = 2 ** bits * 8;
    if (partition >= partitionCount || bits > bitsMax || bits % 2 !== 0) return null;
    if (at + treeHeadBytes + leafBytes > end) return null;
    const first = at + treeHeadBytes;
    const leaves = Uint32Array.from({ length: leafBytes / 4 }, (_, word) =>
      bytes.readUInt32LE(first + word * 4),
    );
    const tree = MerkleTree.fromLeaves(bits, bytes.readUInt32BE(at + 5), leaves);
    trees.push({ keyspace: bytes.readUInt16BE(at), partition, tree });
    at = first + leafBytes;
  }
  return at === end ? trees : null;
}
