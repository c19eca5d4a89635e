/** How far the data has moved since a change was applied, by what the nodes of this computer say, and how fast. */
import type { LayoutView } from '../../contract/layout-views.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';

/** As it was when it began. */
interface Transfer {
  readonly beganMs: number;
  readonly copies: number;
  /** What each node had received by then: one that joins later had nothing, one that leaves is not asked any more. */
  readonly received: ReadonlyMap<number, number>;
  /** What it came to; null while it goes on. */
  readonly bytesMoved: number | null;
}

export class Transfers {
  readonly #clock: Clock;
  readonly #nodes: () => Iterable<NodeHandle>;
  #transfer: Transfer | null = null;
  /** Of the last one that came to its end. */
  #bytesPerSecond: number | null = null;

  constructor(clock: Clock, nodes: () => Iterable<NodeHandle>) {
    this.#clock = clock;
    this.#nodes = nodes;
  }

  /** `copies` are to be made anew. */
  begin(copies: number): void {
    const beganMs = this.#clock.monotonicMs();
    const received = [...this.#nodes()].map(
      ({ node, layouts }) => [node.id, layouts?.receivedBytes ?? 0] as const,
    );
    this.#transfer = { beganMs, copies, received: new Map(received), bytesMoved: null };
  }

  /** In milliseconds; null while nobody knows how fast it goes. */
  durationOf(bytes: number): number | null {
    return this.#bytesPerSecond === null ? null : Math.round((bytes / this.#bytesPerSecond) * 1_000);
  }

  /** No data moves any more: what nodes receive from now on is none of it. */
  end(): void {
    const transfer = this.#transfer;
    if (transfer === null || transfer.bytesMoved !== null) return;
    const bytesMoved = this.#movedSince(transfer);
    const tookMs = this.#clock.monotonicMs() - transfer.beganMs;
    if (bytesMoved > 0) this.#bytesPerSecond = bytesMoved / Math.max(1, tookMs / 1_000);
    this.#transfer = { ...transfer, bytesMoved };
  }

  progress(): LayoutView['progress'] {
    const transfer = this.#transfer;
    if (transfer === null) {
      return { partitionsDone: 0, partitionsTotal: 0, bytesMoved: 0, remainingMs: null };
    }
    const { beganMs, copies, bytesMoved } = transfer;
    if (bytesMoved !== null) {
      return { partitionsDone: copies, partitionsTotal: copies, bytesMoved, remainingMs: null };
    }
    const lacking = [...this.#nodes()].reduce((sum, { layouts }) => sum + (layouts?.lacking ?? 0), 0);
    const partitionsDone = Math.max(0, copies - lacking);
    const tookMs = this.#clock.monotonicMs() - beganMs;
    const remainingMs =
      partitionsDone === 0 ? null : Math.round((tookMs / partitionsDone) * (copies - partitionsDone));
    return {
      partitionsDone,
      partitionsTotal: copies,
      bytesMoved: this.#movedSince(transfer),
      remainingMs,
    };
  }

  /** A node that was started anew counts from nothing. */
  #movedSince({ received }: Transfer): number {
    return [...this.#nodes()].reduce((sum, { node, layouts }) => {
      const now = layouts?.receivedBytes ?? 0;
      const before = received.get(node.id) ?? 0;
      return sum + (now >= before ? now - before : now);
    }, 0);
  }
}
