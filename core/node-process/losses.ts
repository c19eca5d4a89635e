/**
 * The node's side of losses that a person has to know of: what may be gone for good, who is still to be heard, and the end of
 * both once a person accepts it. The host is told when something has changed, and at each start.
 */
import { CoterieError, toCoterieError } from '../base/errors.ts';
import { listOf } from '../base/words.ts';
import type { NodeFigures } from '../contract/node-views.ts';
import type { PossibleLoss } from '../node/possible-losses.ts';
import type { StorageNode } from '../node/storage-node.ts';
import type { FromNode } from './messages.ts';

interface Components {
  readonly node: Pick<StorageNode, 'possibleLosses' | 'waitsFor' | 'acceptLoss' | 'layout'>;
  /** Whether there is a working link to a node. */
  readonly isReached: (nodeId: number) => boolean;
  readonly send: (message: FromNode) => void;
  /** A person accepts it: nothing is waited for any more, although the disk may not know yet. */
  readonly onAccepting: () => void;
  /** It is on disk. */
  readonly onAccepted: () => void;
}

function nameOf({ layout }: Pick<StorageNode, 'layout'>, nodeId: number): string {
  return layout.nodes.find(({ id }) => id === nodeId)?.name ?? 'a node that left';
}

export function lossFiguresOf(
  node: Pick<StorageNode, 'possibleLosses' | 'waitsFor' | 'layout'>,
): Pick<NodeFigures, 'possibleLoss' | 'waitsFor'> {
  return {
    possibleLoss: node.possibleLosses().flatMap(({ keyspace, partitions }) => {
      const name = node.layout.keyspaces.find(({ id }) => id === keyspace)?.name;
      return name === undefined ? [] : [{ keyspace: name, partitions: partitions.length }];
    }),
    waitsFor: node.waitsFor().map((id) => nameOf(node, id)),
  };
}

export class NodeLosses {
  readonly #parts: Components;
  /** What was last told, as text. */
  #told = '';

  constructor(components: Components) {
    this.#parts = components;
  }

  /** Tells what may be lost, if that has changed. */
  report(): void {
    const { node, send } = this.#parts;
    const losses: readonly PossibleLoss[] = node.possibleLosses();
    const text = JSON.stringify(losses);
    if (text === this.#told) return;
    this.#told = text;
    send({ type: 'losses', losses });
  }

  /** To a host that knows nothing yet. */
  reportAnew(): void {
    this.#told = '';
    this.report();
  }

  async accept(task: number): Promise<void> {
    const { node, send, onAccepting, onAccepted } = this.#parts;
    try {
      this.#checkMayAccept();
      const accepting = node.acceptLoss();
      // Before the disk is awaited: whoever looks meanwhile must not take what was given up for something that was brought back.
      onAccepting();
      const accepted = await accepting;
      // Whoever has the answer finds the new state everywhere.
      this.report();
      onAccepted();
      send({ type: 'loss-accepted', task, accepted, code: 'conflict', reason: '' });
    } catch (cause) {
      const { code, message } = toCoterieError(cause, 'disk-failed');
      send({ type: 'loss-accepted', task, accepted: null, code, reason: message });
    }
  }

  /**
   * Nodes that are reached bring what they hold by themselves. To accept before that would let this node answer reads
   * without it: a loss that nobody needs.
   */
  #checkMayAccept(): void {
    const { node, isReached } = this.#parts;
    const waitsFor = node.waitsFor();
    if (waitsFor.length === 0 && node.possibleLosses().length === 0) {
      throw new CoterieError(
        'conflict',
        'There is nothing to accept: it misses nothing and waits for nobody.',
      );
    }
    const coming = waitsFor.filter(isReached).map((id) => nameOf(node, id));
    if (coming.length === 0) return;
    throw new CoterieError(
      'conflict',
      `It is still getting data from ${listOf(coming)}. Wait until that has ended, and accept what is lost then.`,
    );
  }
}
