/** The state of the dialog that runs a repair. */
import type { RepairIntensity } from '../../../core/contract/repair-views.ts';
import { Attempt } from '../api/attempt.svelte.ts';
import type { AppContext } from '../app/app-context.ts';
import { nothingToCompare } from './coverage.ts';

export class RunForm {
  readonly #app: AppContext;
  readonly #attempt = new Attempt();
  readonly #dataCenterCount: number;
  readonly lastPartitionMax: number;
  keyspace = $state('');
  dataCenters = $state<string[]>([]);
  scope = $state<'all' | 'range'>('all');
  firstPartition = $state<number | null>(0);
  lastPartition = $state<number | null>(1023);
  parallelism = $state(1);
  intensity = $state<RepairIntensity>('normal');
  dryRun = $state(false);

  /** Why it cannot be run; null when it can. */
  readonly refusal = $derived.by(() => {
    const refusal = this.#app.cluster.refusalFor('repairs.run');
    if (refusal !== null) return refusal;
    if (this.#attempt.busy) return 'Being started.';
    const keyspace = this.#app.cluster.keyspace(this.keyspace);
    if (keyspace === undefined) return 'Choose a keyspace first.';
    const alone = nothingToCompare(keyspace);
    if (alone !== null) return alone;
    if (this.#dataCenterCount > 1 && this.dataCenters.length === 0) return 'Choose at least one data center.';
    return this.scope === 'all' ? null : this.#rangeRefusal();
  });

  constructor(app: AppContext, keyspace: string | null) {
    this.#app = app;
    const dataCenters = app.cluster.snapshot?.dataCenters ?? [];
    this.#dataCenterCount = dataCenters.length;
    this.dataCenters = [...dataCenters];
    this.lastPartitionMax = (app.cluster.snapshot?.cluster.partitionCount ?? 1024) - 1;
    this.lastPartition = this.lastPartitionMax;
    const { keyspaces } = app.cluster;
    const first = keyspaces.find((candidate) => nothingToCompare(candidate) === null) ?? keyspaces[0];
    this.keyspace = keyspace ?? first?.name ?? '';
  }

  #rangeRefusal(): string | null {
    const { firstPartition: first, lastPartition: last, lastPartitionMax: max } = this;
    const isIn = (value: number | null) =>
      value !== null && Number.isInteger(value) && value >= 0 && value <= max;
    if (!isIn(first) || !isIn(last)) return `Partitions are whole numbers from 0 to ${max}.`;
    return last! < first! ? 'The last partition lies before the first one.' : null;
  }

  /** Why the last try failed; null: it did not, or there was none. */
  get problem(): string | null {
    return this.#attempt.problem;
  }

  /** True when it runs. */
  async run(): Promise<boolean> {
    if (this.refusal !== null) return false;
    const isWhole = this.scope === 'all';
    return this.#attempt.run(async () => {
      await this.#app.call('repairs.run', {
        keyspace: this.keyspace,
        dataCenters: this.dataCenters.length === this.#dataCenterCount ? [] : [...this.dataCenters],
        firstPartition: isWhole ? 0 : this.firstPartition!,
        lastPartition: isWhole ? this.lastPartitionMax : this.lastPartition!,
        dryRun: this.dryRun,
        parallelism: this.parallelism,
        intensity: this.intensity,
      });
      this.#app.say(
        this.dryRun
          ? `Differences in ${this.keyspace} are being counted.`
          : `The repair of ${this.keyspace} begins.`,
      );
    });
  }
}
