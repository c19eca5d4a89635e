/**
 * Long work of all requests, in steps of a few milliseconds: walks, matching, commands of many parts, calls of pages. One queue for all of them, as
 * each would otherwise take its step in every turn of the process, and a thousand of them a second or more of it. So whoever asks for
 * little waits for one share of the turn, however much of this there is.
 */
import type { Clock, Timers } from '../ports/clock.ts';

/** Smaller: long work takes longer beside other clients. Larger: those wait longer for each of their requests. */
const turnTimeMs = 2;

export class SharedTurns {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private waiting: (() => void)[] = [];
  private isPlanned = false;

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock;
    this.timers = timers;
  }

  /** Runs `step`, which handles its own failures, in a later turn, behind those that were there before. */
  take(step: () => void): void {
    this.waiting.push(step);
    this.plan();
  }

  /** A request passes several turns until it is answered: a long step is followed by as much time for those. */
  private plan(restMs = 0): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    const go = () => {
      this.isPlanned = false;
      this.run();
    };
    if (restMs > turnTimeMs) this.timers.after(restMs, go);
    else this.timers.atTurnEnd(go);
  }

  /** What a step begins anew waits for the next turn, whether or not any time has passed. */
  private run(): void {
    const beganMs = this.clock.monotonicMs();
    const steps = this.waiting;
    this.waiting = [];
    let done = 0;
    let tookMs = 0;
    // What is begun anew meanwhile is planned below.
    this.isPlanned = true;
    while (done < steps.length && tookMs < turnTimeMs) {
      steps[done++]();
      tookMs = this.clock.monotonicMs() - beganMs;
    }
    this.isPlanned = false;
    if (done < steps.length) this.waiting = steps.slice(done).concat(this.waiting);
    if (this.waiting.length > 0) this.plan(tookMs);
  }
}
