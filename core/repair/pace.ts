/** Between two steps of an exchange: stops it when asked to, holds it while paused, and rests while the node is busy or clients want it. */

import { CoterieError } from '../base/errors.ts';
import type { Timers } from '../ports/clock.ts';
import { pause } from '../ports/pause.ts';
import type { BackgroundShare } from './background-share.ts';

/** One rest; after `restsMax` of them a step is made in any case, so that an exchange under steady load still ends. */
const restMs = 50;
const restsMax = 10;
export class Pace {
  readonly #timers: Timers;
  readonly #isBusy: () => boolean;
  #cancelled = false;
  #paused = false;
  #held: (() => void)[] = [];
  readonly #share: BackgroundShare | null;
  #beganMs = 0;

  /** `share`: of the node's time, for work in the background; null: as fast as it goes. */
  constructor(timers: Timers, isBusy: () => boolean, share: BackgroundShare | null = null) {
    this.#timers = timers;
    this.#isBusy = isBusy;
    this.#share = share;
    this.#beganMs = share?.nowMs() ?? 0;
  }

  /** Somebody is served meanwhile, and comes first. */
  get givesWay(): boolean {
    return this.#share?.givesWay ?? false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const go of this.#held.splice(0)) go();
  }

  cancel(): void {
    this.#cancelled = true;
    this.resume();
  }

  get isCancelled(): boolean {
    return this.#cancelled;
  }

  /** Throws once the exchange was cancelled. */
  async step(): Promise<void> {
    if (this.givesWay) {
      const workedMs = this.#share!.nowMs() - this.#beganMs;
      await this.#share!.rest(workedMs, () => this.#cancelled);
    }
    for (let rest = 0; rest < restsMax && !this.#cancelled && this.#isBusy(); rest++)
      await this.sleep(restMs);
    while (this.#paused && !this.#cancelled) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#cancelled) throw new CoterieError('unavailable', 'The comparison was stopped.');
    this.#beganMs = this.#share?.nowMs() ?? 0;
  }

  sleep(durationMs: number): Promise<void> {
    return pause(this.#timers, durationMs);
  }
}
