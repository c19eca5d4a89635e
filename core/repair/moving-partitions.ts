/** The partitions that this node gets just now, for people who follow a change. As many as the lanes of the exchanges that bring them. */
import type { Clock } from '../ports/clock.ts';
import type { TransferFigures } from './record-transfer.ts';

export interface MovingPartition {
  /** The keyspace's number. */
  readonly keyspace: number;
  readonly partition: number;
  /** The id of the node that it comes from. */
  readonly peer: number;
  /** Of what the peer holds, 0 to 1; null: both are compared, and only what differs is brought. */
  readonly share: number | null;
  /** Of records, values and all, so far. */
  readonly bytes: number;
  /** Since it was begun. */
  readonly tookMs: number;
}

interface Begun {
  readonly keyspace: number;
  readonly partition: number;
  readonly peer: number;
  readonly beganMs: number;
  readonly transfer: TransferFigures;
  share: number | null;
}

export interface BegunPartition {
  /** 0 to 1. */
  reached(share: number): void;
  end(): void;
}

export class MovingPartitions {
  readonly #clock: Clock;
  readonly #begun = new Set<Begun>();
  #onBegin: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `handler` runs whenever a partition is begun. */
  onBegin(handler: () => void): void {
    this.#onBegin = handler;
  }

  /** `transfer` is counted up by whoever brings it. */
  begin(
    partition: Pick<MovingPartition, 'keyspace' | 'partition' | 'peer'>,
    transfer: TransferFigures,
  ): BegunPartition {
    const begun: Begun = { ...partition, transfer, beganMs: this.#clock.monotonicMs(), share: null };
    this.#begun.add(begun);
    this.#onBegin();
    return {
      reached: (share) => {
        begun.share = share;
      },
      end: () => this.#begun.delete(begun),
    };
  }

  list(): MovingPartition[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#begun].map(({ keyspace, partition, peer, share, beganMs, transfer }) => ({
      ...{ keyspace, partition, peer, share, bytes: transfer.valueBytes },
      tookMs: Math.round(nowMs - beganMs),
    }));
  }
}
