/**
 * When values expire that clients wrote, where somebody wants to be told. Bounded, in memory alone; what becomes of them when the node
 * dies: expiry-standby.ts.
 */
import type { KeyAddress } from '../../../base/token.ts';
import type { Cancellable, Clock, Timers } from '../../../ports/clock.ts';

export interface Alarm {
  readonly address: KeyAddress;
  readonly expiresAtMs: number;
  /** Absent: as it expires. */
  readonly ringsAtMs?: number;
}

/** Alarms of one moment are looked at together. */
const tickMs = 100;
const alarmCountMax = 100_000;
/** Their keys, all together. */
const keyBytesMax = 32 * 1_048_576;
/** At once, so that a million keys of one moment do not keep clients waiting. */
const perTickMax = 1_000;

export class ExpiryAlarms {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly ring: (alarm: Alarm) => void;
  /** By key: one that gets a new expiry again and again has one alarm. */
  private readonly alarms = new Map<string, Alarm>();
  /** Names of keys by the tick at which they are due. */
  private readonly due = new Map<number, Set<string>>();
  private keyBytes = 0;
  private timer: Cancellable | null = null;

  constructor(components: { clock: Clock; timers: Timers }, ring: (alarm: Alarm) => void) {
    this.clock = components.clock;
    this.timers = components.timers;
    this.ring = ring;
  }

  set(alarm: Alarm): void {
    this.cancel(alarm.address);
    const { length } = alarm.address.key;
    if (this.alarms.size >= alarmCountMax || this.keyBytes + length > keyBytesMax) return;
    const name = nameOf(alarm.address);
    const tick = tickOf(alarm);
    const others = this.due.get(tick);
    if (others === undefined) this.due.set(tick, new Set([name]));
    else others.add(name);
    this.alarms.set(name, alarm);
    this.keyBytes += length;
    this.plan();
  }

  /** The key has no expiry any more, or not this one. */
  cancel(address: KeyAddress, expiresAtMs: number | null = null): void {
    const name = nameOf(address);
    const alarm = this.alarms.get(name);
    if (alarm === undefined || (expiresAtMs !== null && alarm.expiresAtMs !== expiresAtMs)) return;
    this.remove(name, alarm);
  }

  private remove(name: string, alarm: Alarm): void {
    const tick = tickOf(alarm);
    const others = this.due.get(tick)!;
    others.delete(name);
    if (others.size === 0) this.due.delete(tick);
    this.alarms.delete(name);
    this.keyBytes -= alarm.address.key.length;
  }

  private plan(): void {
    if (this.timer !== null || this.alarms.size === 0) return;
    this.timer = this.timers.after(tickMs, () => {
      this.timer = null;
      this.look();
      this.plan();
    });
  }

  private look(): void {
    const now = Math.floor(this.clock.nowMs() / tickMs);
    let left = perTickMax;
    for (const [tick, names] of this.due) {
      if (tick > now) continue;
      for (const name of names) {
        if (left-- === 0) return;
        const alarm = this.alarms.get(name)!;
        this.remove(name, alarm);
        this.ring(alarm);
      }
    }
  }
}

/** The tick after: it must have expired by then. */
function tickOf({ expiresAtMs, ringsAtMs }: Alarm): number {
  return Math.floor((ringsAtMs ?? expiresAtMs) / tickMs) + 1;
}

function nameOf({ keyspace, key }: KeyAddress): string {
  return `${keyspace}:${key.toString('latin1')}`;
}
