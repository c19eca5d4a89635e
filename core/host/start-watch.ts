/**
 * When a computer's start is over: every node that can start takes clients and reaches the others that can. A node that
 * failed is not waited for, nor one that a person stopped or paused meanwhile. Pure: it is asked after each change.
 */
import type { NodeStatus } from './node-supervisor.ts';

export type StartOutcome = 'waiting' | 'ready' | 'nothing-started';

type Watched = Pick<NodeStatus, 'state' | 'peersDown'>;

export class StartWatch {
  /** Failed once: its next attempts are its own affair. */
  readonly #failed = new Set<string>();

  /** The present outcome. `statuses`: by node name. */
  look(statuses: ReadonlyMap<string, Watched>): StartOutcome {
    for (const [name, { state }] of statuses) {
      if (state === 'failed') this.#failed.add(name);
      if (state === 'up') this.#failed.delete(name);
    }
    const absent = (name: string): boolean => {
      const state = statuses.get(name)?.state;
      return this.#failed.has(name) || state === 'stopped' || state === 'paused' || state === 'draining';
    };
    const isSettled = ([name, { state, peersDown }]: [string, Watched]): boolean =>
      absent(name) || (state === 'up' && peersDown.every(absent));
    if (![...statuses].every(isSettled)) return 'waiting';
    return [...statuses.keys()].every((name) => this.#failed.has(name)) ? 'nothing-started' : 'ready';
  }
}
