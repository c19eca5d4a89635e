/**
 * Whether a node that has started may go by what it knows of itself. The file in which it keeps how far it is with the layouts may be
 * gone, or be an older copy that was put back, and the node cannot tell the latter. Then others know what it had said: that it had
 * handed over what it decided, say (replication/coordinator/meeting.ts). So it first hears each of them once. Until then it decides no
 * read-modify-write, and says nothing new of itself: numbered as what it had said before, that would be taken for it, or for later.
 *
 * A node alone has nobody to hear, and after a power cut of all each hears the others as soon as they are there. Who does not answer
 * is waited for no longer than a little while after its link is there; who has no link, since the start.
 */
import type { Timers } from '../ports/clock.ts';

/** Clients of gateways wait longer than this for a node that turns them away (gateway/resp/turn-waits.ts). */
const firstWordMaxMs = 2_000;

export class FirstWords {
  readonly #timers: Timers;
  readonly #onNews: () => void;
  /** Those that have been heard, and those that were waited for long enough. */
  readonly #done = new Set<number>();
  readonly #linked = new Set<number>();
  #isLongAgo = false;
  #areAllIn = false;

  /** `onNews`: the answer of `areEnough` may be another one. */
  constructor(timers: Timers, onNews: () => void) {
    this.#timers = timers;
    this.#onNews = onNews;
    timers.after(firstWordMaxMs, () => {
      this.#isLongAgo = true;
      onNews();
    });
  }

  /** There is a link to it, perhaps once more. */
  linked(peer: number): void {
    if (this.#done.has(peer) || this.#linked.has(peer)) return;
    this.#linked.add(peer);
    this.#timers.after(firstWordMaxMs, () => this.heard(peer));
  }

  heard(peer: number): void {
    if (this.#done.has(peer)) return;
    this.#done.add(peer);
    this.#onNews();
  }

  has(peer: number): boolean {
    return this.#done.has(peer);
  }

  areEnough(others: () => readonly number[], reaches: (peer: number) => boolean): boolean {
    if (this.#areAllIn) return true;
    const missing = others().filter((id) => !this.#done.has(id));
    // For good: whoever joins from now on knows nothing of before.
    this.#areAllIn = missing.length === 0;
    return this.#areAllIn || (this.#isLongAgo && !missing.some(reaches));
  }
}
