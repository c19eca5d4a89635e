/**
 * What the nodes of this computer say may be lost for good, put together: by keyspace, with the nodes that tell it. It
 * stays while a node is away, for that node has it on disk; it ends when the node says so.
 */

import { listOf, partitionsInWords } from '../../base/words.ts';
import type { AcceptedLoss, PartitionsOfKeyspace } from '../../contract/node-views.ts';
import type { KeyspaceView } from '../../contract/views.ts';
import type { Layout } from '../../layout/layout.ts';
import type { PossibleLoss } from '../../node/possible-losses.ts';
import type { LossLetGo } from '../../node-process/messages.ts';

export class LossBook {
  readonly #byNode = new Map<string, readonly PossibleLoss[]>();

  /** Takes what a node says; returns the keyspaces, by number, for which it has not said it before. */
  take(node: string, losses: readonly PossibleLoss[]): number[] {
    const known = new Set((this.#byNode.get(node) ?? []).map(({ keyspace }) => keyspace));
    this.#byNode.set(node, losses);
    return losses.map(({ keyspace }) => keyspace).filter((keyspace) => !known.has(keyspace));
  }

  /** Partitions that any node tells of, each counted once. */
  in(keyspace: number): KeyspaceView['possibleLoss'] {
    const partitions = new Set<number>();
    const nodes: string[] = [];
    for (const [node, losses] of this.#byNode) {
      const lost = losses.find((loss) => loss.keyspace === keyspace)?.partitions ?? [];
      if (lost.length > 0) nodes.push(node);
      for (const partition of lost) partitions.add(partition);
    }
    return partitions.size === 0 ? null : { partitions: partitions.size, nodes: nodes.sort() };
  }
}

/** For the activity: what has just become known at a node. */
export function lossInWords(node: string, keyspace: string): string {
  return `Acknowledged writes to ${keyspace} may be lost: ${node} lost its data, and so did every other replica that may have held them.`;
}

/** What a node has let go, by names. */
export function acceptedLossOf(layout: Layout, { losses, notHeard }: LossLetGo): AcceptedLoss {
  const named = ({ keyspace, partitions }: PossibleLoss): PartitionsOfKeyspace => ({
    keyspace: layout.keyspaces.find(({ id }) => id === keyspace)?.name ?? 'a keyspace that was dropped',
    partitions: partitions.length,
  });
  return {
    losses: losses.map(named),
    notHeard: notHeard.map((wanted) => ({
      ...named(wanted),
      node: layout.nodes.find(({ id }) => id === wanted.peer)?.name ?? 'a node that left',
    })),
  };
}

/** For the audit trail: what a person has accepted at a node. */
export function acceptedInWords(node: string, { losses, notHeard }: AcceptedLoss): string {
  const lost = losses.map(({ keyspace, partitions }) => `${partitionsInWords(partitions)} of ${keyspace}`);
  const names = [...new Set(notHeard.map((wanted) => wanted.node))];
  const what = lost.length === 0 ? 'Accepted' : `Accepted: writes may be lost in ${listOf(lost)}`;
  const whom =
    names.length === 0
      ? ''
      : `${lost.length === 0 ? ':' : ', and'} what only ${listOf(names)} may hold is waited for no more`;
  return `${what}${whom}, at ${node}.`;
}
