/** The state of the keyspace dialog: a draft, what it would mean, and saving it. */

import type { KeyspaceDraft, KeyspaceSettings } from '../../../core/contract/api.ts';
import type { ConflictPolicy, ConsistencyLevel, Durability } from '../../../core/contract/levels.ts';
import { allNotifications } from '../../../core/contract/notifications.ts';
import type { KeyspaceConsequences, KeyspaceView } from '../../../core/contract/views.ts';
import { Attempt } from '../api/attempt.svelte.ts';
import { messageOf } from '../api/connection.ts';
import { LatestAnswer } from '../api/latest-answer.ts';
import type { AppContext } from '../app/app-context.ts';
import { dataCenterSizes } from './keyspace-words.ts';

export const timeToLiveUnits = {
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
} as const;
export type TimeToLiveUnit = keyof typeof timeToLiveUnits;

const factorWanted = 3;
const factorMax = 7;

export class KeyspaceForm {
  readonly #app: AppContext;
  readonly #attempt = new Attempt();
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
  /** Listeners are told of changes. */
  tells = $state(false);
  durability = $state<Durability>('always');
  timeToLive = $state(0);
  timeToLiveUnit = $state<TimeToLiveUnit>('hours');

  /** What the host says of the draft; of an older one while `previewIsOld`. Null before the first answer. */
  preview = $state.raw<KeyspaceConsequences | null>(null);
  previewIsOld = $state(true);
  previewProblem = $state<string | null>(null);
  readonly #latest: LatestAnswer<KeyspaceDraft, KeyspaceConsequences>;

  /** Null while a number of copies is none. */
  readonly draft = $derived.by((): KeyspaceDraft | null => {
    const { factors, readLevel, writeLevel, sloppy } = this;
    const isWhole = (factor: unknown) =>
      Number.isInteger(factor) && (factor as number) >= 0 && (factor as number) <= factorMax;
    if (!Object.values(factors).every(isWhole)) return null;
    return { factors: { ...factors }, readLevel, writeLevel, sloppy };
  });
  /** Why it cannot be saved; null when it can. */
  readonly refusal = $derived.by(() => {
    const refusal = this.#app.cluster.refusalFor(
      this.existing === null ? 'keyspaces.create' : 'keyspaces.alter',
    );
    if (refusal !== null) return refusal;
    if (this.#attempt.busy) return 'Being saved.';
    if (this.name.trim() === '') return 'Give it a name first.';
    if (this.existing === null && this.#app.cluster.keyspace(this.name.trim()) !== undefined)
      return `There is a keyspace called ${this.name.trim()} already.`;
    if (this.draft === null) return `Copies are a whole number from 0 to ${factorMax}.`;
    if (Object.values(this.draft.factors).every((factor) => factor === 0))
      return 'Give at least one data center a factor of 1 or more.';
    return null;
  });

  constructor(app: AppContext, name: string | null) {
    this.#app = app;
    this.#latest = new LatestAnswer((draft) => app.call('keyspaces.preview', draft), {
      answered: (preview) => {
        this.preview = preview;
        this.previewIsOld = false;
        this.previewProblem = null;
      },
      failed: (cause) => {
        this.previewProblem = messageOf(cause);
      },
    });
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
    this.tells = from.notifications !== '';
    this.durability = from.durability;
    this.#showTimeToLive(from.defaultTimeToLiveMs);
  }

  /** To be called with each new draft. */
  showConsequences(draft: KeyspaceDraft | null): void {
    this.previewIsOld = true;
    if (draft !== null) this.#latest.ask(draft, this.preview === null);
  }

  close(): void {
    this.#latest.close();
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

  /** Who chose some changes at the command line keeps them: the switch says only whether there are any. */
  get #notifications(): string {
    if (!this.tells) return '';
    return this.existing?.notifications || allNotifications;
  }

  /** Why the last try failed; null: it did not, or there was none. */
  get problem(): string | null {
    return this.#attempt.problem;
  }

  /** True when it was saved. */
  async save(): Promise<boolean> {
    if (this.refusal !== null) return false;
    return this.#attempt.run(async () => {
      const settings: KeyspaceSettings = {
        name: this.name.trim(),
        database: this.database === 'none' ? null : Number(this.database),
        factors: { ...this.factors },
        readLevel: this.readLevel,
        writeLevel: this.writeLevel,
        conflicts: this.conflicts,
        sloppy: this.sloppy,
        notifications: this.#notifications,
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
    });
  }

  #showTimeToLive(ms: number): void {
    const units: TimeToLiveUnit[] = ['days', 'hours', 'minutes', 'seconds'];
    const unit = units.find((candidate) => ms > 0 && ms % timeToLiveUnits[candidate] === 0);
    this.timeToLiveUnit = ms === 0 ? 'hours' : (unit ?? 'seconds');
    this.timeToLive = ms / timeToLiveUnits[this.timeToLiveUnit];
  }
}
