/** Numbers events and hands them to subscribers. A subscriber gets a snapshot first, then every change in order. */
import type { ClusterEvent } from '../../contract/api.ts';
import type { Snapshot } from '../../contract/views.ts';

type Unnumbered<E> = E extends { sequence: number } ? Omit<E, 'sequence'> : never;
export type ClusterChange = Unnumbered<ClusterEvent>;

export class EventHub {
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #snapshot: () => Snapshot;
  #sequence = 0;

  constructor(snapshot: () => Snapshot) {
    this.#snapshot = snapshot;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  publish(change: ClusterChange): void {
    this.#sequence++;
    const event = { ...change, sequence: this.#sequence } as ClusterEvent;
    for (const listener of [...this.#listeners]) listener(event);
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    listener({ type: 'snapshot', sequence: this.#sequence, snapshot: this.#snapshot() });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
