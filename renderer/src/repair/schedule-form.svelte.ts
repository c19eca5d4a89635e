/** The state of the dialog that schedules repairs. */
import type { RepairIntensity } from '../../../core/contract/repair-views.ts';
import { Attempt } from '../api/attempt.svelte.ts';
import type { AppContext } from '../app/app-context.ts';
import { nothingToCompare } from './coverage.ts';

const blackoutCountMax = 12;
const clockTime = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;

export const ownTimeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';

/** Every zone this browser knows, its own and UTC among them. */
export function timeZones(): string[] {
  return [...new Set([...Intl.supportedValuesOf('timeZone'), ownTimeZone, 'UTC'])].sort();
}

interface Blackout {
  readonly key: number;
  from: string;
  until: string;
}

export class ScheduleForm {
  readonly #app: AppContext;
  readonly #attempt = new Attempt();
  readonly #dataCenterCount: number;
  #keyCount = 0;
  keyspace = $state('');
  dataCenters = $state<string[]>([]);
  everyDays = $state<number | null>(7);
  at = $state('02:00');
  timeZone = $state(ownTimeZone);
  blackouts = $state<Blackout[]>([]);
  parallelism = $state(1);
  intensity = $state<RepairIntensity>('gentle');

  /** Why it cannot be saved; null when it can. */
  readonly refusal = $derived.by(() => {
    const refusal = this.#app.cluster.refusalFor('repairs.schedule');
    if (refusal !== null) return refusal;
    if (this.#attempt.busy) return 'Being saved.';
    const keyspace = this.#app.cluster.keyspace(this.keyspace);
    if (keyspace === undefined) return 'Choose a keyspace first.';
    const alone = nothingToCompare(keyspace);
    if (alone !== null) return alone;
    if (this.#dataCenterCount > 1 && this.dataCenters.length === 0) return 'Choose at least one data center.';
    const days = this.everyDays;
    if (days === null || !Number.isInteger(days) || days < 1 || days > 90) return 'Choose 1 to 90 days.';
    if (!clockTime.test(this.at)) return 'Choose a time of day.';
    if (this.blackouts.some(({ from, until }) => !clockTime.test(from) || !clockTime.test(until)))
      return 'Each quiet time needs its beginning and its end.';
    return this.blackouts.some(({ from, until }) => from === until)
      ? 'A quiet time cannot end when it begins.'
      : null;
  });

  readonly moreBlackouts = $derived(
    this.blackouts.length < blackoutCountMax ? null : `There can be ${blackoutCountMax} quiet times at most.`,
  );

  constructor(app: AppContext, keyspace: string | null) {
    this.#app = app;
    const dataCenters = app.cluster.snapshot?.dataCenters ?? [];
    this.#dataCenterCount = dataCenters.length;
    this.dataCenters = [...dataCenters];
    const { keyspaces } = app.cluster;
    const first = keyspaces.find((candidate) => nothingToCompare(candidate) === null) ?? keyspaces[0];
    this.keyspace = keyspace ?? first?.name ?? '';
  }

  addBlackout(): void {
    this.blackouts.push({ key: this.#keyCount++, from: '08:00', until: '18:00' });
  }

  removeBlackout(key: number): void {
    this.blackouts = this.blackouts.filter((blackout) => blackout.key !== key);
  }

  /** Why the last try failed; null: it did not, or there was none. */
  get problem(): string | null {
    return this.#attempt.problem;
  }

  /** True when it was saved. */
  async save(): Promise<boolean> {
    if (this.refusal !== null) return false;
    return this.#attempt.run(async () => {
      await this.#app.call('repairs.schedule', {
        keyspace: this.keyspace,
        dataCenters: this.dataCenters.length === this.#dataCenterCount ? [] : [...this.dataCenters],
        everyDays: this.everyDays!,
        at: this.at,
        timeZone: this.timeZone,
        blackouts: this.blackouts.map(({ from, until }) => ({ from, until })),
        parallelism: this.parallelism,
        intensity: this.intensity,
      });
      this.#app.say(`Repairs of ${this.keyspace} are scheduled.`);
    });
  }
}
