/**
 * The host's catalog in NeDB: settings that are not part of the layout, and the audit trail. Small by design: the trail
 * keeps its newest entries only. The catalog never holds users' data.
 */
import { join } from 'node:path';
import Datastore from 'nedb-promises';
import type { ActivityEntry } from '../contract/views.ts';

interface Setting {
  readonly key: string;
  readonly value: string;
}

const activityCountMax = 2_000;
/** Compact the file each time this many entries were added beyond the bound. */
const trimEvery = 200;

export class Catalog {
  readonly #settings: Datastore<Setting>;
  readonly #activity: Datastore<ActivityEntry>;
  #sinceTrim = 0;

  private constructor(settings: Datastore<Setting>, activity: Datastore<ActivityEntry>) {
    this.#settings = settings;
    this.#activity = activity;
  }

  static async open(folder: string): Promise<Catalog> {
    const settings = Datastore.create({ filename: join(folder, 'settings.db') });
    const activity = Datastore.create({ filename: join(folder, 'activity.db') });
    await Promise.all([settings.load(), activity.load()]);
    await activity.ensureIndex({ fieldName: 'atMs' });
    return new Catalog(settings, activity);
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

  /** Newest first. */
  async recentActivity(countMax: number): Promise<ActivityEntry[]> {
    const entries = await this.#activity.find({}).sort({ atMs: -1 }).limit(countMax);
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
  }
}
