/** Repairs that come again: which there are, which is due, and in which hours they rest. */
import { randomUUID } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { RepairSchedule, RepairScheduleSettings } from '../../contract/repair-views.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RepairStore } from './repair-store.ts';
import { blackoutEndMs, nextRunMs } from './schedule-times.ts';

const countMax = 64;

export class Schedules {
  readonly #clock: Clock;
  readonly #store: RepairStore;
  readonly #schedules: RepairSchedule[];

  constructor(components: { clock: Clock; store: RepairStore }, saved: readonly RepairSchedule[]) {
    this.#clock = components.clock;
    this.#store = components.store;
    this.#schedules = [...saved];
  }

  get all(): RepairSchedule[] {
    return [...this.#schedules];
  }

  /** Throws `busy` when there is no room for one more. */
  add(settings: RepairScheduleSettings): RepairSchedule {
    if (this.#schedules.length >= countMax) {
      throw new CoterieError(
        'busy',
        `There are ${this.#schedules.length} schedules, and no more may be. Remove one first.`,
      );
    }
    const nowMs = this.#clock.nowMs();
    const nextAtMs = nextRunMs(settings, null, nowMs);
    const schedule = { ...settings, id: randomUUID(), createdAtMs: nowMs, nextAtMs };
    this.#schedules.push(schedule);
    this.#store.save('schedule', schedule.id, schedule);
    return schedule;
  }

  /** `id`: or the beginning of it. Throws `not-found`. */
  remove(id: string): RepairSchedule {
    const index = this.#schedules.findIndex((schedule) => schedule.id.startsWith(id));
    if (index < 0) throw new CoterieError('not-found', 'This schedule is not there any more.');
    const [removed] = this.#schedules.splice(index, 1);
    this.#store.remove('schedule', removed.id);
    return removed;
  }

  /** Those whose time has come; each is set to its next time. */
  takeDue(): RepairSchedule[] {
    const nowMs = this.#clock.nowMs();
    const due = this.#schedules.filter(({ nextAtMs }) => nextAtMs <= nowMs);
    for (const schedule of due) {
      const next = { ...schedule, nextAtMs: nextRunMs(schedule, schedule.nextAtMs, nowMs) };
      this.#schedules[this.#schedules.indexOf(schedule)] = next;
      this.#store.save('schedule', next.id, next);
    }
    return due;
  }

  /** The end of the quiet time that it is now by this schedule; null: none. */
  quietUntilMs(id: string | null): number | null {
    const schedule = this.#schedules.find((candidate) => candidate.id === id);
    return schedule === undefined ? null : blackoutEndMs(schedule, this.#clock.nowMs());
  }
}
