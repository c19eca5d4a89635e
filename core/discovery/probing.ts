/**
 * Calls the ports that neighbours announce, a few at once and none for long: whoever sends beacons makes this computer call,
 * so it must cost little, and those that never answer must not keep the others waiting.
 */
import type { Clock, Timers } from '../ports/clock.ts';
import type { ProbeTarget } from './neighbour.ts';
import type { Neighbours } from './neighbours.ts';

/** At once. Larger: a flood of strangers costs more; smaller: a large cluster is listed later. */
const probeCountMax = 8;
const probeTimeoutMs = 5_000;

/** Whether the holder of this key answers there. */
export type Probe = (target: ProbeTarget) => Promise<boolean>;

export class Probing {
  readonly #components: {
    neighbours: Neighbours;
    clock: Clock;
    timers: Timers;
    probe: Probe;
    onDone: () => void;
  };
  #count = 0;
  #isClosed = false;

  constructor(components: {
    neighbours: Neighbours;
    clock: Clock;
    timers: Timers;
    probe: Probe;
    onDone: () => void;
  }) {
    this.#components = components;
  }

  /** Begins what is due, as far as there is room. */
  go(): void {
    if (this.#isClosed) return;
    const { neighbours, clock } = this.#components;
    const targets = neighbours.takeProbes(probeCountMax - this.#count, clock.monotonicMs());
    for (const target of targets) void this.#probe(target);
  }

  /** What is under way ends without effect. */
  close(): void {
    this.#isClosed = true;
  }

  async #probe(target: ProbeTarget): Promise<void> {
    const { neighbours, onDone } = this.#components;
    this.#count++;
    const isThere = await this.#answers(target);
    this.#count--;
    if (this.#isClosed) return;
    if (isThere) neighbours.confirm(target);
    else neighbours.refuse(target);
    this.go();
    onDone();
  }

  /** Whatever a probe does, it gives its place free again. */
  #answers(target: ProbeTarget): Promise<boolean> {
    const { timers, probe } = this.#components;
    return new Promise((resolve) => {
      const limit = timers.after(probeTimeoutMs, () => resolve(false));
      const end = (isThere: boolean) => {
        limit.cancel();
        resolve(isThere);
      };
      probe(target).then(end, () => end(false));
    });
  }
}
