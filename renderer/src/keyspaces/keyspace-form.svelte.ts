/** The state of the keyspace dialog: a draft, what it would mean, and saving it. */

import type { KeyspaceSettings } from '../../../core/contract/api.ts';
import type { ConflictPolicy, ConsistencyLevel, Durability } from '../../../core/contract/levels.ts';
import type { KeyspaceView } from '../../../core/contract/views.ts';
import { messageOf } from '../api/connection.ts';
import type { AppContext } from '../app/app-context.ts';
import {
  dataCenterSizes,
  existingReplicas,
  factorWarnings,
  levelSentence,
  overlapOf,
} from './keyspace-words.ts';

export const timeToLiveUnits = {
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
} as const;
export type TimeToLiveUnit = keyof typeof timeToLiveUnits;

const factorWanted = 3;

export class KeyspaceForm {
  readonly #app: AppContext;
  /** Null: a new one. */
  readonly existing: KeyspaceView | null;
  readonly sizes;
  name = $state('');
  database = $state<string>('none');
  factors = $state<Record<string, number>>({});
  readLevel = $state<ConsistencyLevel>('QUORUM');
  writeLevel = $state<ConsistencyLevel>('QUORUM');
  conflicts = $state<ConflictPolicy>('siblings');
  sloppy = $state(true);
  durability = $state<Durability>('always');
  timeToLive = $state(0);
  timeToLiveUnit = $state<TimeToLiveUnit>('hours');
  busy = $state(false);
  problem = $state<string | null>(null);

  readonly replicas = $derived.by(() => existingReplicas(this.factors, this.sizes));
  readonly warnings = $derived.by(() => factorWarnings(this.factors, this.sizes));
  readonly overlap = $derived.by(() => overlapOf(this, this.sizes));
  readonly readSentence = $derived.by(() => levelSentence('Reads', this.readLevel, this.replicas));
  readonly writeSentence = $derived.by(() => levelSentence('Writes', this.writeLevel, this.replicas));
  /** Why it cannot be saved; null when it can. */
  readonly refusal = $derived.by(() => {
    const refusal = this.#app.cluster.changeRefusal;
    if (refusal !== null) return refusal;
    if (this.busy) return 'Being saved.';
    if (this.name.trim() === '') return 'Give it a name first.';
    if (this.existing === null && this.#app.cluster.keyspace(this.name.trim()) !== undefined)
      return `There is a keyspace called ${this.name.trim()} already.`;
    if (this.replicas.length === 0) return 'Give at least one data center a factor of 1 or more.';
    return null;
  });

  constructor(app: AppContext, name: string | null) {
    this.#app = app;
    this.existing = name === null ? null : (app.cluster.keyspace(name) ?? null);
    const { dataCenters = [], nodes = [] } = app.cluster.snapshot ?? {};
    this.sizes = dataCenterSizes(dataCenters, nodes);
    const from = this.existing;
    this.factors = Object.fromEntries(
      this.sizes.map((size) => [
        size.name,
        from === null ? Math.max(1, Math.min(factorWanted, size.nodeCount)) : (from.factors[size.name] ?? 0),
      ]),
    );
    if (from === null) return;
    this.name = from.name;
    this.database = from.database === null ? 'none' : String(from.database);
    this.readLevel = from.readLevel;
    this.writeLevel = from.writeLevel;
    this.conflicts = from.conflicts;
    this.sloppy = from.sloppy;
    this.durability = from.durability;
    this.#showTimeToLive(from.defaultTimeToLiveMs);
  }

  /** Database numbers that no other keyspace has. */
  get freeDatabases(): number[] {
    const taken = new Set(
      this.#app.cluster.keyspaces
        .filter((other) => other.name !== this.existing?.name)
        .map((other) => other.database),
    );
    return Array.from({ length: 16 }, (_, number) => number).filter((number) => !taken.has(number));
  }

  /** True when it was saved. */
  async save(): Promise<boolean> {
    if (this.refusal !== null) return false;
    this.busy = true;
    this.problem = null;
    try {
      const settings: KeyspaceSettings = {
        name: this.name.trim(),
        database: this.database === 'none' ? null : Number(this.database),
        factors: { ...this.factors },
        readLevel: this.readLevel,
        writeLevel: this.writeLevel,
        conflicts: this.conflicts,
        sloppy: this.sloppy,
        durability: this.durability,
        defaultTimeToLiveMs: Math.round(
          Math.max(0, this.timeToLive || 0) * timeToLiveUnits[this.timeToLiveUnit],
        ),
      };
      const method = this.existing === null ? 'keyspaces.create' : 'keyspaces.alter';
      this.#app.cluster.putKeyspace(await this.#app.call(method, settings));
      this.#app.say(
        this.existing === null ? `${settings.name} was created.` : `${settings.name} was changed.`,
      );
      return true;
    } catch (cause) {
      this.problem = messageOf(cause);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #showTimeToLive(ms: number): void {
    const units: TimeToLiveUnit[] = ['days', 'hours', 'minutes', 'seconds'];
    const unit = units.find((candidate) => ms > 0 && ms % timeToLiveUnits[candidate] === 0);
    this.timeToLiveUnit = ms === 0 ? 'hours' : (unit ?? 'seconds');
    this.timeToLive = ms / timeToLiveUnits[this.timeToLiveUnit];
  }
}
