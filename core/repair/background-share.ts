/**
 * How much of its time a node spends on moving and comparing data while clients are served: one share for all of that work together,
 * and less of it while the processors are short, as where a computer has more nodes than processors.
 */

import type { Intensity } from '../base/levels.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import { pause } from '../ports/pause.ts';

/** Of a node's time while clients are served; 1 asks for no care at all. As Garage's tranquilizer (src/util/tranquilizer.rs). */
export const sharesOfTime: Readonly<Record<Intensity, number>> = { gentle: 1 / 10, normal: 1 / 3, fast: 1 };

/** One look at how late timers are; between two looks at least this long. */
const lookMs = 10;
/** A timer that comes later than this was kept from a processor, by this node's own work or by others: clients are, too. */
const lateMs = 5;
/** Fewer at once and more again little by little, as TCP does (RFC 5681, section 3.1). */
const lessFactor = 0.5;
const moreStep = 0.02;
/** Of the share, at least: data that has to move gets there, however busy the computer is. */
const easeMin = 1 / 10;
/** After so long without any work it begins with little again: what makes data move keeps the processors busy in other ways, too. */
const idleMs = 1_000;
/** Clients count as being served for so long after an operation. */
const servingMs = 500;
/** What is rested for at most: the work of a step is often no more than a peer that took its time. */
const restMsMax = 300;

export interface BackgroundShareParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Operations of clients up to now, this node's and those of others that it has a replica for. */
  served(): number;
  /** One of `sharesOfTime`. */
  limit(): number;
}

export class BackgroundShare {
  readonly #parts: BackgroundShareParts;
  /** Of the limit: 1 once timers have come when they should for a while. */
  #ease = easeMin;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #servedCount = 0;
  #servedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BackgroundShareParts) {
    this.#parts = parts;
  }

  /** Whether there are clients to rest for. */
  get givesWay(): boolean {
    const count = this.#parts.served();
    if (count !== this.#servedCount) {
      this.#servedCount = count;
      this.#servedMs = this.nowMs();
    }
    return this.#parts.limit() < 1 && this.nowMs() - this.#servedMs < servingMs;
  }

  nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  /** Resolves when it is time for more, after a piece of work of `workedMs`: at once when `isOver` says that there will be none. */
  async rest(workedMs: number, isOver: () => boolean): Promise<void> {
    const nowMs = this.nowMs();
    if (nowMs - this.#restUntilMs > idleMs) this.#ease = easeMin;
    const owedMs = Math.min(restMsMax, workedMs * (1 / (this.#parts.limit() * this.#ease) - 1));
    // What others rest for is added to: the share is one for all of them.
    this.#restUntilMs = Math.min(nowMs + restMsMax, Math.max(nowMs, this.#restUntilMs) + owedMs);
    for (let leftMs = this.#leftMs(); leftMs > 0 && !isOver(); leftMs = this.#leftMs()) {
      await this.#look(Math.min(lookMs, leftMs));
    }
  }

  #leftMs(): number {
    return Math.ceil(this.#restUntilMs - this.nowMs());
  }

  async #look(durationMs: number): Promise<void> {
    const dueMs = this.nowMs() + durationMs;
    await pause(this.#parts.timers, durationMs);
    const nowMs = this.nowMs();
    // Of several that rest at a time one look counts: they are late together.
    if (nowMs - this.#lookedMs < lookMs / 2) return;
    this.#lookedMs = nowMs;
    const isLate = nowMs - dueMs > lateMs;
    this.#ease = isLate ? Math.max(easeMin, this.#ease * lessFactor) : Math.min(1, this.#ease + moreStep);
  }
}
