/**
 * How many exchanges a replica takes part in at a time. One that answers somebody's exchange is claimed by it until it is released,
 * or silent for `leaseMs`: whoever asked may have died. A node leads one exchange with each peer.
 */
import { CoterieError } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';

const leaseMs = 5_000;
/** Answered at a time: who asks rests between its questions while clients are served, and others need not wait for that. */
const claimsMax = 3;

export class Claims {
  readonly #clock: Clock;
  readonly #led = new Set<number>();
  /** Until when each claim holds, by who has it. */
  readonly #claims = new Map<string, number>();
  #lastExchange = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
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

  /** Throws `busy` while enough other exchanges have this replica. */
  claim(from: number, exchange: number): void {
    const name = `${from}:${exchange}`;
    const nowMs = this.#clock.monotonicMs();
    if (!this.#claims.has(name)) {
      for (const [other, untilMs] of this.#claims) if (untilMs <= nowMs) this.#claims.delete(other);
      if (this.#claims.size >= claimsMax) {
        throw new CoterieError('busy', 'The other replica is being compared with others just now.');
      }
    }
    this.#claims.set(name, nowMs + leaseMs);
  }

  release(from: number, exchange: number): void {
    this.#claims.delete(`${from}:${exchange}`);
  }
}
