/**
 * Repairs that come again, of all computers of the cluster: which there are, which is due, and in which hours they rest. A schedule that
 * was removed is remembered, or a computer that was away would bring it back.
 */
import { randomUUID } from 'node:crypto';
import { CoterieError } from '../../base/errors.ts';
import type { RepairScheduleSettings } from '../../contract/repair-views.ts';
import type { Self } from './job-book.ts';
import type { RepairStore, SavedRepairs } from './repair-store.ts';
import { blackoutEndMs, nextRunMs } from './schedule-times.ts';
import { isLater, type Removal, type SharedSchedule, stampOf } from './shared-records.ts';

const countMax = 64;
/** What several computers that did not hear each other may have made between them. */
const keptMax = 256;
/** Beyond it the oldest removals are forgotten, and could be undone by a computer that was away since before them. */
const removalsMax = 256;
const dayMs = 24 * 3_600_000;

interface Components {
  readonly store: RepairStore;
  readonly self: () => Self;
  /** The time by which schedules go. */
  readonly nowMs: () => number;
}

/** A run that is due. */
export interface DueRun {
  readonly schedule: SharedSchedule;
  /** When it was to begin. */
  readonly slotMs: number;
}

export class Schedules {
  readonly #parts: Components;
  #schedules: readonly SharedSchedule[];
  /** Oldest first. */
  #removals: readonly Removal[];

  /** Those of an older version are of this computer alone. */
  constructor(parts: Components, saved: SavedRepairs['schedules'], removals: SavedRepairs['removals']) {
    this.#parts = parts;
    const { id: writer, name } = parts.self();
    const mark = { version: 0, writer };
    this.#removals = [...removals].sort(byRemoval);
    this.#schedules = saved
      .map((one) => ({ mark, ...one, askedBy: one.askedBy ?? null, askedOn: one.askedOn ?? name }))
      .filter(({ id }) => !this.#isRemoved(id));
  }

  get all(): readonly SharedSchedule[] {
    return this.#schedules;
  }

  get removals(): readonly Removal[] {
    return this.#removals;
  }

  /** Throws `busy` when there is no room for one more. */
  add(settings: RepairScheduleSettings, askedBy: string): SharedSchedule {
    if (this.#schedules.length >= countMax) {
      throw new CoterieError(
        'busy',
        `There are ${this.#schedules.length} schedules, and no more may be. Remove one first.`,
      );
    }
    const { id: writer, name } = this.#parts.self();
    const nowMs = this.#parts.nowMs();
    const schedule = {
      ...settings,
      ...{ id: randomUUID(), mark: { version: 0, writer }, askedBy, askedOn: name },
      createdAtMs: nowMs,
      nextAtMs: nextRunMs(settings, null, nowMs),
    };
    this.#keep(schedule);
    return schedule;
  }

  /** `id`: or the beginning of it. Throws `not-found`. */
  remove(id: string): SharedSchedule {
    const schedule = this.#schedules.find((one) => one.id.startsWith(id));
    if (schedule === undefined) throw new CoterieError('not-found', 'This schedule is not there any more.');
    this.#remove({ id: schedule.id, keyspace: schedule.keyspace, removedAtMs: this.#parts.nowMs() });
    return schedule;
  }

  /** Runs whose time has come; each schedule is set to its next time. */
  takeDue(): DueRun[] {
    const nowMs = this.#parts.nowMs();
    const due: DueRun[] = [];
    for (const schedule of this.#schedules) {
      const { nextAtMs, everyDays } = schedule;
      const isDue = nextAtMs <= nowMs;
      // Set by a clock that was wrong: nobody waits for it.
      const isAbsurd = nextAtMs > nowMs + (everyDays + 2) * dayMs;
      if (!isDue && !isAbsurd) continue;
      const { version } = schedule.mark;
      this.#keep({
        ...schedule,
        mark: { version: version + 1, writer: this.#parts.self().id },
        nextAtMs: nextRunMs(schedule, isDue ? nextAtMs : null, nowMs),
      });
      if (isDue) due.push({ schedule, slotMs: nextAtMs });
    }
    return due;
  }

  /** The end of the quiet time that it is now by this schedule; null: none. */
  quietUntilMs(id: string | null): number | null {
    const schedule = this.#schedules.find((candidate) => candidate.id === id);
    return schedule === undefined ? null : blackoutEndMs(schedule, this.#parts.nowMs());
  }

  /** A copy of another computer. What it is: new here, later than what was known, or let go. */
  learn(schedule: SharedSchedule): 'new' | 'later' | null {
    if (this.#isRemoved(schedule.id)) return null;
    const known = this.#schedules.find(({ id }) => id === schedule.id);
    if (known === undefined && this.#schedules.length >= keptMax) return null;
    if (known !== undefined && !isLater(placeOf(schedule), placeOf(known))) return null;
    this.#keep(schedule);
    return known === undefined ? 'new' : 'later';
  }

  /** The schedule that was there until now; null: there is none such. */
  learnRemoval(removed: Removal): SharedSchedule | null {
    if (this.#isRemoved(removed.id)) return null;
    const known = this.#schedules.find(({ id }) => id === removed.id) ?? null;
    this.#remove(removed);
    return known;
  }

  #isRemoved(id: string): boolean {
    return this.#removals.some((one) => one.id === id);
  }

  #keep(schedule: SharedSchedule): void {
    const others = this.#schedules.filter(({ id }) => id !== schedule.id);
    this.#schedules = [...others, schedule].sort((a, b) => a.createdAtMs - b.createdAtMs);
    this.#parts.store.save('schedule', schedule.id, schedule);
  }

  /** The removal is written first: what a crash leaves of both is a removal. */
  #remove(removed: Removal): void {
    const { store } = this.#parts;
    const removals = [...this.#removals, removed].sort(byRemoval);
    const surplus = removals.splice(0, Math.max(0, removals.length - removalsMax));
    this.#removals = removals;
    if (!surplus.includes(removed)) store.save('removal', removed.id, removed);
    for (const { id } of surplus) if (id !== removed.id) store.remove('removal', id);
    this.#schedules = this.#schedules.filter(({ id }) => id !== removed.id);
    store.remove('schedule', removed.id);
  }
}

function placeOf(schedule: SharedSchedule) {
  return stampOf({ kind: 'schedule', format: 1, schedule });
}

/** The same are forgotten first at every computer. */
function byRemoval(one: Removal, other: Removal): number {
  return one.removedAtMs - other.removedAtMs || (one.id < other.id ? -1 : 1);
}
