/**
 * When values expire that clients of this node wrote, where somebody wants to be told. Bounded, in memory alone: an alarm is lost with the
 * node, as a message is with whoever does not hear it.
 */
import type { KeyAddress } from '../../../base/token.ts';
import type { Cancellable, Clock, Timers } from '../../../ports/clock.ts';

export interface Alarm {
  readonly address: KeyAddress;
  readonly expiresAtMs: number;
}

/** Alarms of one moment are looked at together. */
const tickMs = 100;
const alarmCountMax = 100_000;
/** At once, so that a million keys of one moment do not keep clients waiting. */
const perTickMax = 1_000;

export class ExpiryAlarms {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly ring: (alarm: Alarm) => void;
  /** By the tick at which they are due. */
  private readonly due = new Map<number, Alarm[]>();
  private count = 0;
  private timer: Cancellable | null = null;

  constructor(components: { clock: Clock; timers: Timers }, ring: (alarm: Alarm) => void) {
    this.clock = components.clock;
    this.timers = components.timers;
    this.ring = ring;
  }

  set(alarm: Alarm): void {
    if (this.count >= alarmCountMax) return;
    // The tick after: it must have expired by then.
    const tick = Math.floor(alarm.expiresAtMs / tickMs) + 1;
    const others = this.due.get(tick);
    if (others === undefined) this.due.set(tick, [alarm]);
    else others.push(alarm);
    this.count++;
    this.plan();
  }

  private plan(): void {
    if (this.timer !== null || this.count === 0) return;
    this.timer = this.timers.after(tickMs, () => {
      this.timer = null;
      this.look();
      this.plan();
    });
  }

  private look(): void {
    const now = Math.floor(this.clock.nowMs() / tickMs);
    let left = perTickMax;
    for (const [tick, alarms] of this.due) {
      if (tick > now) continue;
      const rung = alarms.splice(0, left);
      left -= rung.length;
      this.count -= rung.length;
      if (alarms.length === 0) this.due.delete(tick);
      for (const alarm of rung) this.ring(alarm);
      if (left === 0) return;
    }
  }
}
