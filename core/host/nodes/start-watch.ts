/**
 * When a computer's start is over: every node that can start takes clients and reaches the others that can. A node that
 * failed is not waited for, nor one that a person stopped or paused meanwhile. `StartWatch` is pure; `Start` waits by it.
 */
import { CoterieError } from '../../base/errors.ts';
import type { Cancellable, Timers } from '../../ports/clock.ts';
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
    const names = [...statuses.keys()];
    // One without any node waits for some, or was taken out and says so.
    return names.length > 0 && names.every((name) => this.#failed.has(name)) ? 'nothing-started' : 'ready';
  }
}

/** What the start of a computer waits for; `look` is called after each change of a node. */
export class Start {
  readonly #watch = new StartWatch();
  readonly #statuses: () => ReadonlyMap<string, NodeStatus>;
  readonly #timer: Cancellable;
  #finish: (error: CoterieError | null) => void = () => {};
  #isOver = false;
  /** Resolves when it is over and some node takes clients; rejects with each node's cause when none can. */
  readonly over: Promise<void>;

  constructor(timers: Timers, statuses: () => ReadonlyMap<string, NodeStatus>, withinMs: number) {
    this.#statuses = statuses;
    this.over = new Promise((resolve, reject) => {
      this.#finish = (error) => {
        this.#isOver = true;
        this.#timer.cancel();
        if (error === null) resolve();
        else reject(error);
      };
    });
    this.#timer = timers.after(withinMs, () => {
      const isSome = [...statuses().values()].some(({ state }) => state === 'up');
      this.#finish(isSome ? null : nothingStarted(statuses()));
    });
  }

  look(): void {
    // Nodes change every second, for as long as the host runs.
    if (this.#isOver) return;
    const outcome = this.#watch.look(this.#statuses());
    if (outcome === 'ready') this.#finish(null);
    else if (outcome === 'nothing-started') this.#finish(nothingStarted(this.#statuses()));
  }

  giveUp(): void {
    this.#finish(new CoterieError('not-ready', 'Coterie was stopped while it started.'));
  }
}

function nothingStarted(statuses: ReadonlyMap<string, NodeStatus>): CoterieError {
  const causes = [...statuses].map(([name, { problem, state }]) => `${name}: ${problem ?? `still ${state}`}`);
  return new CoterieError('not-ready', `No node of this computer can start. ${causes.join(' ')}`);
}
