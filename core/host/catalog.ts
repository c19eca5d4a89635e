/**
 * The host's catalog in NeDB: settings that are not part of the layout, and the audit trail. Small by design: the trail
 * keeps its newest entries only. The catalog never holds users' data.
 */
import { join } from 'node:path';
import Datastore from 'nedb-promises';
import type { ActivityEntry, ActivityKind } from '../contract/views.ts';
import type { RepairStore, SavedRepairs } from './repairs/repair-jobs.ts';

interface Setting {
  readonly key: string;
  readonly value: string;
}

type RepairKind = 'job' | 'schedule' | 'coverage';

interface RepairDocument {
  readonly kind: RepairKind;
  readonly id: string;
  readonly document: unknown;
}

const activityCountMax = 2_000;
/** Compact the file each time this many entries were added beyond the bound. */
const trimEvery = 200;

export class Catalog {
  readonly #settings: Datastore<Setting>;
  readonly #activity: Datastore<ActivityEntry>;
  readonly #repairs: Datastore<RepairDocument>;
  #sinceTrim = 0;
  #repairWrites: Promise<unknown> = Promise.resolve();

  private constructor(
    settings: Datastore<Setting>,
    activity: Datastore<ActivityEntry>,
    repairs: Datastore<RepairDocument>,
  ) {
    this.#settings = settings;
    this.#activity = activity;
    this.#repairs = repairs;
  }

  static async open(folder: string): Promise<Catalog> {
    const settings = Datastore.create({ filename: join(folder, 'settings.db') });
    const activity = Datastore.create({ filename: join(folder, 'activity.db') });
    const repairs = Datastore.create({ filename: join(folder, 'repairs.db') });
    await Promise.all([settings.load(), activity.load(), repairs.load()]);
    await activity.ensureIndex({ fieldName: 'atMs' });
    return new Catalog(settings, activity, repairs as Datastore<RepairDocument>);
  }

  async setting(key: string): Promise<string | null> {
    return (await this.#settings.findOne({ key }))?.value ?? null;
  }

  async setSetting(key: string, value: string): Promise<void> {
    await this.#settings.update({ key }, { key, value }, { upsert: true });
  }

  async note(entry: ActivityEntry): Promise<void> {
    await this.#activity.insert({ ...entry });
    if (++this.#sinceTrim >= trimEvery) {
      this.#sinceTrim = 0;
      await this.#trim();
    }
  }

  /** Newest first; of all kinds when none is named. */
  async recentActivity(
    countMax: number,
    beforeMs: number | null = null,
    kinds: readonly ActivityKind[] = [],
  ): Promise<ActivityEntry[]> {
    const wanted = {
      ...(beforeMs === null ? {} : { atMs: { $lt: beforeMs } }),
      ...(kinds.length === 0 ? {} : { kind: { $in: [...kinds] } }),
    };
    const entries = await this.#activity.find(wanted).sort({ atMs: -1 }).limit(countMax);
    return entries.map(({ id, atMs, kind, severity, subject, message, by }) => ({
      id,
      atMs,
      kind,
      severity,
      subject,
      message,
      by,
    }));
  }

  async savedRepairs(): Promise<SavedRepairs> {
    const documents = await this.#repairs.find({});
    const of = <T>(kind: RepairKind): T[] =>
      documents.filter((entry) => entry.kind === kind).map((entry) => entry.document as T);
    return { jobs: of('job'), schedules: of('schedule'), coverage: of('coverage') };
  }

  /** Writes follow one another, so the last state of a job is the one that stays. */
  repairStore(onError: (error: Error) => void): RepairStore {
    const queue = (write: () => Promise<unknown>) => {
      this.#repairWrites = this.#repairWrites.then(write).catch(onError);
    };
    return {
      save: (kind, id, document) => {
        const copy = structuredClone(document);
        queue(() => this.#repairs.update({ kind, id }, { kind, id, document: copy }, { upsert: true }));
      },
      remove: (kind, id) => queue(() => this.#repairs.remove({ kind, id }, {})),
    };
  }

  async #trim(): Promise<void> {
    const kept = await this.#activity.find({}).sort({ atMs: -1 }).limit(activityCountMax);
    const oldest = kept.at(-1);
    if (kept.length === activityCountMax && oldest !== undefined) {
      await this.#activity.remove({ atMs: { $lt: oldest.atMs } }, { multi: true });
    }
  }

  async close(): Promise<void> {
    // NeDB appends each change as it is made; what is left is the queue of writes under way.
    await this.#settings.count({});
    await this.#activity.count({});
    await this.#repairWrites;
  }
}
