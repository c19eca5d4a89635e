/**
 * The partitions that this node gets just now, and those that it gives to others because they are not its own any more, for people who
 * follow a change. As many as the lanes of the exchanges that bring them.
 */
import type { Clock } from '../ports/clock.ts';
import type { TransferFigures } from './record-transfer.ts';

export interface MovingPartition {
  /** The keyspace's number. */
  readonly keyspace: number;
  readonly partition: number;
  /** Whether it comes from the peer, or goes to it. */
  readonly direction: 'from' | 'to';
  /** The id of the other node. */
  readonly peer: number;
  /** Of what the peer holds, 0 to 1; null: both are compared, and only what differs is brought. */
  readonly share: number | null;
  /** Records brought so far. */
  readonly keys: number;
  /** Of these, values and all. */
  readonly bytes: number;
  /** Since it was begun. */
  readonly tookMs: number;
}

interface Begun {
  readonly keyspace: number;
  readonly partition: number;
  readonly direction: MovingPartition['direction'];
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
    partition: Pick<MovingPartition, 'keyspace' | 'partition' | 'direction' | 'peer'>,
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
    return [...this.#begun].map(({ beganMs, transfer, ...begun }) => ({
      ...begun,
      ...{ keys: transfer.recordsReceived + transfer.recordsSent, bytes: transfer.valueBytes },
      tookMs: Math.round(nowMs - beganMs),
    }));
  }
}
