/**
 * Who decided read-modify-writes of a partition, as first of which layout's order. Once somebody decides by a layout, the first of
 * an older one has handed over: it decides by that one no more, whatever fails. Whoever stands in for a first that it takes for dead is
 * another matter: two may (core/replication/coordinator/meeting.ts).
 */
import type { MeetingOrder } from '../../../core/replication/topology.ts';

interface Decided {
  readonly placed: number;
  readonly by: number;
}

export class MeetingBook {
  readonly #violate: (words: string) => void;
  readonly #newest = new Map<number, Decided>();
  #isOpen = true;

  constructor(violate: (words: string) => void) {
    this.#violate = violate;
  }

  note(by: number, partition: number, { placed, places }: MeetingOrder): void {
    if (!this.#isOpen || places[partition][0].nodeId !== by) return;
    const newest = this.#newest.get(partition);
    if (newest === undefined || placed > newest.placed) this.#newest.set(partition, { placed, by });
    else if (placed < newest.placed && newest.by !== by) {
      this.#violate(
        `n${by} decides in partition ${partition} by layout ${placed}, after n${newest.by} did by ${newest.placed}`,
      );
    }
  }

  /** Layouts that were made apart are in no order: a number says nothing of them. */
  close(): void {
    this.#isOpen = false;
  }
}
