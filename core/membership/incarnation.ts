/**
 * This node's incarnation number, and how much of it is durable. A node that restarts must not speak under a number
 * that it used before: the others might hold it dead at that very number, and nothing it said would count. So numbers
 * are reserved on disk a block ahead, and a refutation, which is urgent, seldom waits for the disk.
 */
import { incarnationMax } from './claims.ts';

const blockSize = 16;
const reserveWhenLeft = 8;

export class Incarnation {
  #current: number;
  #durable: number;
  #requested: number;

  constructor(current: number, durable: number) {
    this.#current = current;
    this.#durable = durable;
    this.#requested = durable;
  }

  get current(): number {
    return this.#current;
  }

  get isDurable(): boolean {
    return this.#current <= this.#durable;
  }

  /** Above everything said of this node. */
  raiseAbove(claimed: number): void {
    this.#current = Math.min(incarnationMax, Math.max(this.#current, claimed) + 1);
  }

  /** What to make durable next; null when enough is, or is under way. */
  reserve(): number | null {
    if (this.#current + reserveWhenLeft <= this.#requested) return null;
    this.#requested = this.#current + blockSize;
    return this.#requested;
  }

  persisted(incarnation: number): void {
    this.#durable = Math.max(this.#durable, incarnation);
  }
}
