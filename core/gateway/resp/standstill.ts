/**
 * Notices that the process stood still: paused, swapped out, or its computer slept. What came in meanwhile may be from clients that have
 * given up, had another node do it, and written something newer since. For a moment after waking nothing is begun, so that
 * whoever has left is seen to have left; what those asked for is not done. Other nodes have given up for sure (their deadline is shorter):
 * what they forwarded is refused, and nothing was done.
 */
import type { Clock, Timers } from '../../ports/clock.ts';

/** Without a beat for so long: longer than work ever takes, shorter than anybody waits for an answer. */
const stoodStillMs = 2_500;
/** Enough to read what the system has kept for each connection, and how it ended. */
const wakingMs = 100;
/** Links to other nodes were lost, too: without them commands could only be refused. It waits for them for so long at most. */
const wakingMsMax = 1_500;

export class Standstill {
  private readonly clock: Clock;
  private readonly timers: Timers;
  /** Null before the first: where nothing beats nothing stands still. */
  private beatMs: number | null = null;
  /** By the wall clock: the other one stands still while a computer sleeps. */
  private wallBeatMs = 0;
  /** Those that wait may go on. */
  onAwake: () => void = () => {};
  /** It stood still until a moment ago. */
  isWaking = false;

  /** `reachesOthers`: has links to all other nodes. Without it nobody waits for any. */
  private readonly reachesOthers: () => boolean;

  constructor({
    clock,
    timers,
    reachesOthers = () => true,
  }: {
    clock: Clock;
    timers: Timers;
    reachesOthers?: () => boolean;
  }) {
    this.clock = clock;
    this.timers = timers;
    this.reachesOthers = reachesOthers;
  }

  /** To be called about once a second. */
  beat(): void {
    this.look();
    this.beatMs = this.clock.monotonicMs();
    this.wallBeatMs = this.clock.nowMs();
  }

  /** To be called when something comes in, before it is acted upon: timers come later than what waits. */
  look(): void {
    if (this.isWaking || this.beatMs === null) return;
    const sleptMs = this.clock.monotonicMs() - this.beatMs;
    if (sleptMs <= stoodStillMs && this.clock.nowMs() - this.wallBeatMs <= stoodStillMs) return;
    this.isWaking = true;
    this.wake(this.clock.monotonicMs() + wakingMsMax);
  }

  private wake(untilMs: number): void {
    this.timers.after(wakingMs, () => {
      if (!this.reachesOthers() && this.clock.monotonicMs() < untilMs) {
        this.wake(untilMs);
        return;
      }
      this.isWaking = false;
      this.beatMs = this.clock.monotonicMs();
      this.wallBeatMs = this.clock.nowMs();
      this.onAwake();
    });
  }
}
