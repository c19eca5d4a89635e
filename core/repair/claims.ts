/**
 * How many exchanges a replica takes part in at a time. One that answers somebody's exchange is claimed by it until it is released,
 * or silent for `leaseMs`: whoever asked may have died. A node leads one exchange with each peer.
 */
import { CoterieError } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';

const leaseMs = 5_000;
/** Answered at a time: who asks rests between its questions while clients are served, and others need not wait for that. */
const claimsMax = 3;

interface Claim {
  readonly exchange: number;
  /** How often something had gone missing here when it began. */
  readonly missCount: number;
  /** Kept beyond that, because whoever was silent for long may go on: it began when it began. */
  untilMs: number;
}

export class Claims {
  readonly #clock: Clock;
  readonly #missCount: () => number;
  readonly #led = new Set<number>();
  /** Of each peer the last. */
  readonly #claims = new Map<number, Claim>();
  #lastExchange = 0;

  constructor(clock: Clock, missCount: () => number) {
    this.#clock = clock;
    this.#missCount = missCount;
  }

  /** A number for an exchange led by this node with `peer`; null while there is one already. */
  lead(peer: number): number | null {
    if (this.#led.has(peer)) return null;
    this.#led.add(peer);
    this.#lastExchange = (this.#lastExchange + 1) >>> 0;
    return this.#lastExchange;
  }

  ended(peer: number): void {
    this.#led.delete(peer);
  }

  isLedWith(peer: number): boolean {
    return this.#led.has(peer);
  }

  /** Throws `busy` while enough others have this replica. */
  claim(from: number, exchange: number): void {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#claims.get(from);
    if (known === undefined || known.untilMs <= nowMs) {
      const held = [...this.#claims].filter(([peer, { untilMs }]) => peer !== from && untilMs > nowMs);
      if (held.length >= claimsMax) {
        throw new CoterieError('busy', 'The other replica is being compared with others just now.');
      }
    }
    if (known?.exchange === exchange) known.untilMs = nowMs + leaseMs;
    else this.#claims.set(from, { exchange, missCount: this.#missCount(), untilMs: nowMs + leaseMs });
  }

  /** Returns how often something had gone missing here when it began. */
  release(from: number, exchange: number): number {
    const known = this.#claims.get(from);
    if (known?.exchange !== exchange) return 0;
    this.#claims.delete(from);
    return known.missCount;
  }
}
