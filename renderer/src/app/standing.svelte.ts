/**
 * Whether this computer is of a cluster. It is taken for a member until its host says otherwise: a member's start waits for
 * nothing. Asked at each new connection and whenever a call is told that there is no cluster (`not-ready`); while there is
 * none, it is asked again and again, because other people may let this computer in.
 */
import type { ComputerStanding } from '../../../core/contract/computer-views.ts';
import type { ClusterState } from '../api/cluster-state.svelte.ts';
import { CallError } from '../api/connection.ts';

const againMs = 1500;
/** A host that has just come into a cluster may need a moment before it sends a snapshot. */
const restartAgainMs = 3000;

export class Standing {
  readonly #cluster: ClusterState;
  /** Null: a member, or not known to be none. */
  outside = $state.raw<ComputerStanding | null>(null);
  #isAsking = false;
  #restartedAtMs = 0;

  constructor(cluster: ClusterState) {
    this.#cluster = cluster;
    cluster.api.watchConnection(({ state }) => {
      if (state === 'open') void this.ask();
    });
  }

  async ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.take(await this.#cluster.api.call('computer.standing', {}));
    } catch (cause) {
      // A host that does not know the question has a cluster; of one that is not reached, the next connection tells.
      if (cause instanceof CallError && cause.code === 'unsupported') this.outside = null;
    } finally {
      this.#isAsking = false;
    }
  }

  /** What a call has answered, or the host was asked. */
  take(standing: ComputerStanding): void {
    const before = this.outside;
    const isIn = standing.state === 'member' || standing.state === 'joined';
    // Whoever had no cluster was sent no snapshot.
    if (before !== null && isIn) this.#restartEvents(before.state !== standing.state);
    if (before === null && !isIn) this.#cluster.forget();
    this.outside = standing.state === 'member' ? null : standing;
  }

  /** Asks until this computer is a member; returns the function that ends it. */
  watch(): () => void {
    const timer = setInterval(() => {
      if (!document.hidden && this.#cluster.connected) void this.ask();
    }, againMs);
    return () => clearInterval(timer);
  }

  #restartEvents(atOnce: boolean): void {
    const nowMs = Date.now();
    if (this.#cluster.snapshot !== null) return;
    if (!atOnce && nowMs - this.#restartedAtMs < restartAgainMs) return;
    this.#restartedAtMs = nowMs;
    this.#cluster.api.restartEvents();
  }

  /** For every call that fails. */
  noteFailure(cause: unknown): void {
    if (cause instanceof CallError && cause.code === 'not-ready') void this.ask();
  }
}
