/** How far the data has moved since a change was applied, by what the nodes of this computer say, and how fast. */
import { hexId } from '../../base/words.ts';
import type {
  LayoutView,
  NodeProgress,
  PartitionGiven,
  PartitionProgress,
} from '../../contract/layout-views.ts';
import { type Layout, placedOf } from '../../layout/layout.ts';
import type { NodePlan } from '../../layout/plan.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MovingPartition } from '../../repair/moving-partitions.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';

/** As it was when it began. */
interface Transfer {
  readonly beganMs: number;
  /** What each node had received by then: one that joins later had nothing, one that leaves is not asked any more. */
  readonly received: ReadonlyMap<number, number>;
}

/** What people call them, by number. */
interface Named {
  readonly nodes: ReadonlyMap<number, string>;
  readonly keyspaces: ReadonlyMap<number, string>;
}

/** What is given is told as it is at the moment: none of it is kept. */
type Progress = Omit<LayoutView['progress'], 'given'>;
/** Who gets how many copies, and of which partitions, by the layouts between which data moves. */
export type Moving = readonly Pick<NodePlan, 'name' | 'gained' | 'gains'>[];

const nothing: Progress = {
  ...{ partitionsDone: 0, partitionsTotal: 0, bytesMoved: 0 },
  ...{ bytesPerSecond: null, remainingMs: null, nodes: [] },
};

export class Transfers {
  readonly #clock: Clock;
  readonly #nodes: () => Iterable<NodeHandle>;
  readonly #present: () => Layout;
  /** Null: nothing moves. */
  #transfer: Transfer | null = null;
  /** What it came to, of the last one; as it stands, while one goes on. */
  #latest = nothing;
  /** Of the last one that came to its end. */
  #bytesPerSecond: number | null = null;

  constructor(clock: Clock, nodes: () => Iterable<NodeHandle>, present: () => Layout) {
    this.#clock = clock;
    this.#nodes = nodes;
    this.#present = present;
  }

  begin(): void {
    const beganMs = this.#clock.monotonicMs();
    const received = [...this.#nodes()].map(
      ({ node, layouts }) => [node.id, layouts?.receivedBytes ?? 0] as const,
    );
    this.#transfer = { beganMs, received: new Map(received) };
    this.#latest = nothing;
  }

  /** In milliseconds; null while nobody knows how fast it goes. */
  durationOf(bytes: number): number | null {
    return this.#bytesPerSecond === null ? null : Math.round((bytes / this.#bytesPerSecond) * 1_000);
  }

  /** No data moves any more: what nodes receive from now on is none of it. */
  end(): void {
    const transfer = this.#transfer;
    if (transfer === null) return;
    this.#transfer = null;
    const bytesMoved = this.#movedSince(transfer);
    const { partitionsTotal } = this.#latest;
    if (bytesMoved > 0) this.#bytesPerSecond = bytesMoved / this.#seconds(transfer);
    this.#latest = { ...nothing, partitionsDone: partitionsTotal, partitionsTotal, bytesMoved };
  }

  /** `moving`: empty once no data moves any more. */
  progress(moving: Moving): LayoutView['progress'] {
    const named = this.#named();
    return { ...this.#progress(moving, named), given: this.#given(named) };
  }

  #given({ nodes, keyspaces }: Named): PartitionGiven[] {
    return [...this.#nodes()].flatMap(({ node, layouts }) =>
      inOrder(layouts?.moving ?? [], 'to').map(({ keyspace, partition, peer, keys, bytes, tookMs }) => ({
        ...{ node: node.name, keyspace: keyspaces.get(keyspace) ?? String(keyspace), partition },
        ...{ to: nodes.get(peer) ?? hexId(peer), keysGiven: keys, bytesGiven: bytes },
        bytesPerSecond: rateOf(bytes, tookMs),
      })),
    );
  }

  #progress(moving: Moving, named: Named): Progress {
    if (moving.length === 0) {
      const bytesMoved = this.#transfer === null ? this.#latest.bytesMoved : this.#movedSince(this.#transfer);
      return { ...this.#latest, bytesMoved, nodes: this.#lacking(named) };
    }
    // This host was started anew meanwhile, or another one applied the change.
    if (this.#transfer === null) this.begin();
    const transfer = this.#transfer!;
    const tookMs = this.#seconds(transfer) * 1_000;
    const placed = placedOf(this.#present());
    const handles = new Map([...this.#nodes()].map((handle) => [handle.node.name, handle]));
    const nodes = moving
      .filter(({ gained }) => gained > 0)
      .map((one) => ({
        ...progressOf(one, handles.get(one.name), { transfer, tookMs, placed }),
        moving: partitionsOf(handles.get(one.name), named),
      }));
    const sum = (of: (node: NodeProgress) => number) => nodes.reduce((total, node) => total + of(node), 0);
    const partitionsDone = sum((node) => node.partitionsDone);
    const partitionsTotal = sum((node) => node.partitionsTotal);
    const bytesMoved = this.#movedSince(transfer);
    this.#latest = {
      ...{ partitionsDone, partitionsTotal, bytesMoved, nodes },
      bytesPerSecond: Math.round(bytesMoved / this.#seconds(transfer)),
      remainingMs: remainingOf(tookMs, partitionsDone, partitionsTotal),
    };
    return this.#latest;
  }

  /** Nothing changes, but nodes lost copies and get them back. */
  #lacking(named: Named): NodeProgress[] {
    return [...this.#nodes()].flatMap((handle) => {
      const { node, layouts } = handle;
      if (layouts === null || layouts.lacking === 0) return [];
      return [
        {
          ...{ name: node.name, partitionsDone: 0, partitionsTotal: layouts.lacking },
          ...{ bytesMoved: 0, remainingMs: null, open: [...layouts.open] },
          moving: partitionsOf(handle, named),
        },
      ];
    });
  }

  #named(): Named {
    return {
      nodes: new Map([...this.#nodes()].map(({ node }) => [node.id, node.name])),
      keyspaces: new Map(this.#present().keyspaces.map(({ id, name }) => [id, name])),
    };
  }

  /** Never so short that a rate would be nonsense. */
  #seconds({ beganMs }: Transfer): number {
    return Math.max(1, (this.#clock.monotonicMs() - beganMs) / 1_000);
  }

  #movedSince(transfer: Transfer): number {
    return [...this.#nodes()].reduce((sum, handle) => sum + receivedSince(transfer, handle), 0);
  }
}

function progressOf(
  { name, gained: partitionsTotal, gains }: Moving[number],
  handle: NodeHandle | undefined,
  { transfer, tookMs, placed }: { transfer: Transfer; tookMs: number; placed: number },
): Omit<NodeProgress, 'moving'> {
  // A node that has not said anything yet, or not of this change, has nothing of it yet: what it lacked before is another matter.
  const told = handle?.layouts ?? null;
  const isTold = told !== null && told.version >= placed;
  const lacking = isTold ? told.lacking : partitionsTotal;
  const partitionsDone = Math.max(0, partitionsTotal - lacking);
  return {
    ...{ name, partitionsDone, partitionsTotal },
    bytesMoved: handle === undefined ? 0 : receivedSince(transfer, handle),
    remainingMs: remainingOf(tookMs, partitionsDone, partitionsTotal),
    open: [...(isTold ? told.open : gains)],
  };
}

function partitionsOf(handle: NodeHandle | undefined, { nodes, keyspaces }: Named): PartitionProgress[] {
  return inOrder(handle?.layouts?.moving ?? [], 'from').map((one) => ({
    keyspace: keyspaces.get(one.keyspace) ?? String(one.keyspace),
    partition: one.partition,
    from: nodes.get(one.peer) ?? hexId(one.peer),
    ...paceOf(one),
  }));
}

function inOrder(
  moving: readonly MovingPartition[],
  direction: MovingPartition['direction'],
): MovingPartition[] {
  return moving
    .filter((one) => one.direction === direction)
    .sort((left, right) => left.keyspace - right.keyspace || left.partition - right.partition);
}

function rateOf(bytes: number, tookMs: number): number | null {
  return bytes === 0 || tookMs === 0 ? null : Math.round((bytes / tookMs) * 1_000);
}

function remainingOf(tookMs: number, done: number, total: number): number | null {
  return done === 0 || done === total ? null : Math.round((tookMs / done) * (total - done));
}

function paceOf({ share, bytes, tookMs }: MovingPartition) {
  return {
    ...{ share, bytesMoved: bytes },
    bytesPerSecond: rateOf(bytes, tookMs),
    remainingMs:
      share === null || share === 0 || share === 1 ? null : Math.round((tookMs / share) * (1 - share)),
  };
}

/** A node that was started anew counts from nothing. */
function receivedSince({ received }: Transfer, { node, layouts }: NodeHandle): number {
  const now = layouts?.receivedBytes ?? 0;
  const before = received.get(node.id) ?? 0;
  return now >= before ? now - before : now;
}
