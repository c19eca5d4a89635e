/** Between two steps of an exchange: stops it when asked to, holds it while paused, and rests while the node is busy or clients want it. */
import { CoterieError } from '../base/errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';

/** One rest; after `restsMax` of them a step is made in any case, so that an exchange under steady load still ends. */
const restMs = 50;
const restsMax = 10;
/** After a long step: what it has to rest from is often no more than a peer that took its time. */
const tranquilMsMax = 1_000;

/** What a transfer that gives way looks at. */
export interface Demand {
  readonly clock: Clock;
  /** Operations of clients up to now. */
  count(): number;
  /** Of the time, while clients are served: 0 to 1. It rests for the others (as Garage does, src/util/tranquilizer.rs). */
  share(): number;
}

export class Pace {
  readonly #timers: Timers;
  readonly #isBusy: () => boolean;
  #cancelled = false;
  #paused = false;
  #held: (() => void)[] = [];
  readonly #demand: Demand | null;
  #demanded = 0;
  #beganMs = 0;

  /** `demand`: a transfer in the background, which leaves clients most of the processor; null: as fast as it goes. */
  constructor(timers: Timers, isBusy: () => boolean, demand: Demand | null = null) {
    this.#timers = timers;
    this.#isBusy = isBusy;
    this.#demand = demand;
    this.#beginStep();
  }

  /** Somebody is served meanwhile, and comes first. */
  get givesWay(): boolean {
    return this.#demand !== null && this.#demand.share() < 1 && this.#demand.count() !== this.#demanded;
  }

  #beginStep(): void {
    if (this.#demand === null) return;
    this.#demanded = this.#demand.count();
    this.#beganMs = this.#demand.clock.monotonicMs();
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
    if (this.givesWay && !this.#cancelled) {
      const workedMs = this.#demand!.clock.monotonicMs() - this.#beganMs;
      const rest = Math.min(tranquilMsMax, Math.ceil(workedMs * (1 / this.#demand!.share() - 1)));
      if (rest > 0) await this.sleep(rest);
    }
    for (let rest = 0; rest < restsMax && !this.#cancelled && this.#isBusy(); rest++)
      await this.sleep(restMs);
    while (this.#paused && !this.#cancelled) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#cancelled) throw new CoterieError('unavailable', 'The comparison was stopped.');
    this.#beginStep();
  }

  sleep(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.after(durationMs, resolve);
    });
  }
}
