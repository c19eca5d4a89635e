/**
 * Holds a tree against the records it stands for. Used when leaves differ and the records in them do not: then one of
 * the trees is wrong, and would make every comparison look in vain.
 */
import type { RecordHash } from '../merkle/record-hash.ts';
import { offsetEnd } from '../merkle/tree.ts';
import type { LocalReplica } from '../ports/local-replica.ts';
import { listLeaves } from './listing.ts';
import type { TreeStore } from './tree-store.ts';

/** Leaves looked at: a wrong tree is wrong in each leaf that differs for no reason. */
export const verifiedLeavesMax = 4;

/** Marks the tree as doubtful when a leaf of it is not the sum of its records. */
export async function verifyTree(
  parts: { readonly replica: LocalReplica; readonly trees: TreeStore },
  keyspace: number,
  partition: number,
  bits: number,
  leaves: readonly number[],
): Promise<void> {
  for (const leaf of leaves.slice(0, verifiedLeavesMax)) {
    const tree = parts.trees.tree(keyspace, partition);
    if (tree === null || tree.bits < bits) return;
    const shown: RecordHash = { high: 0, low: 0 };
    tree.node(bits, leaf, shown);
    const { changeCount } = tree;
    const request = { bits, leaves: [leaf], fromOffset: 0, forgottenUntilMs: 0 };
    const { positions, nextOffset } = await listLeaves(parts.replica, keyspace, partition, request);
    // Changed meanwhile, or too full for one look: nothing can be said.
    if (tree.changeCount !== changeCount || nextOffset !== offsetEnd) continue;
    let high = 0;
    let low = 0;
    for (const position of positions) {
      low += position.low;
      high += position.high + (low > 0xffff_ffff ? 1 : 0);
      low >>>= 0;
    }
    if (high >>> 0 !== shown.high || low !== shown.low) {
      parts.trees.onDoubt(keyspace, partition);
      return;
    }
  }
}
