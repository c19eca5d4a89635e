/**
 * One exchange for each replica at a time. A replica that answers somebody's exchange is claimed by it until it is
 * released, or silent for `leaseMs`: whoever asked may have died. A node leads one exchange with each peer.
 */
import { CoterieError } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';

const leaseMs = 5_000;

export class Claims {
  readonly #clock: Clock;
  readonly #led = new Set<number>();
  #claimedBy = '';
  #claimedUntilMs = 0;
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

  /** Throws `busy` while another exchange has this replica. */
  claim(from: number, exchange: number): void {
    const name = `${from}:${exchange}`;
    const nowMs = this.#clock.monotonicMs();
    if (this.#claimedBy !== name && nowMs < this.#claimedUntilMs) {
      throw new CoterieError('busy', 'The other replica is being compared with another one just now.');
    }
    this.#claimedBy = name;
    this.#claimedUntilMs = nowMs + leaseMs;
  }

  release(from: number, exchange: number): void {
    if (this.#claimedBy === `${from}:${exchange}`) this.#claimedUntilMs = 0;
  }
}
