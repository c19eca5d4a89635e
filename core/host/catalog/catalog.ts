/**
 * The host's catalog in NeDB: settings that are not part of the layout, the audit trail, and repairs. Small by design: the
 * trail keeps its newest entries only, and files are compacted as they grow. The catalog never holds users' data, and
 * nothing in it is worth refusing to start for but the settings, which have a copy.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { repairJob, repairSchedule } from '../../contract/repair-views.ts';
import { type ActivityEntry, type ActivityKind, activityEntry } from '../../contract/views.ts';
import type { RepairKind, RepairStore, SavedRepairs } from '../repairs/repair-store.ts';
import { jobMark, removal, scheduleMark } from '../repairs/shared-records.ts';
import { DatastoreFile } from './datastore-file.ts';
import { SettingsStore } from './settings-store.ts';

const repairCoverage = z.object({ keyspace: z.string(), comparedAtMs: z.array(z.number().nullable()) });

/** What a version kept before computers told each other of their repairs has no marks. */
const keptJob = repairJob.extend({ mark: jobMark.optional() });
const keptSchedule = repairSchedule.extend({ mark: scheduleMark.optional() });

const repairDocument = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('job'), id: z.string(), document: keptJob }),
  z.object({ kind: z.literal('schedule'), id: z.string(), document: keptSchedule }),
  z.object({ kind: z.literal('removal'), id: z.string(), document: removal }),
  z.object({ kind: z.literal('coverage'), id: z.string(), document: repairCoverage }),
]);
interface RepairDocument {
  readonly kind: RepairKind;
  readonly id: string;
  readonly document: unknown;
}

const activityCountMax = 2_000;
/** The trail is cut to its bound each time this many entries were added. */
const trimEvery = 200;
/** A job is some 20 KB, so this is a few megabytes. */
const repairsCompactAfter = 200;

export class Catalog {
  readonly settings: SettingsStore;
  /** What was wrong with its files when it was opened, for a person. */
  readonly findings: readonly string[];
  readonly #activity: DatastoreFile<ActivityEntry>;
  readonly #repairs: DatastoreFile<RepairDocument>;
  #sinceTrim = 0;
  #repairWrites: Promise<unknown> = Promise.resolve();

  private constructor(
    settings: SettingsStore,
    activity: DatastoreFile<ActivityEntry>,
    repairs: DatastoreFile<RepairDocument>,
    findings: readonly string[],
  ) {
    this.settings = settings;
    this.#activity = activity;
    this.#repairs = repairs;
    this.findings = findings;
  }

  static async open(folder: string, nowMs: number): Promise<Catalog> {
    // First: they say whether this version may read the rest.
    const { settings, findings } = await SettingsStore.open(folder, nowMs);
    const open = <T extends object>(name: string, compactAfter: number, schema: z.ZodType) =>
      DatastoreFile.open<T>({ path: join(folder, name), compactAfter }, schema, nowMs);
    const activity = await open<ActivityEntry>('activity.db', trimEvery, activityEntry);
    const repairs = await open<RepairDocument>('repairs.db', repairsCompactAfter, repairDocument);
    await activity.store.ensureIndex({ fieldName: 'atMs' });
    const others = [activity.finding, repairs.finding].filter((finding) => finding !== null);
    return new Catalog(settings, activity, repairs, [...findings, ...others]);
  }

  async note(entry: ActivityEntry): Promise<void> {
    await this.#activity.store.insert({ ...entry });
    if (++this.#sinceTrim >= trimEvery) {
      this.#sinceTrim = 0;
      await this.#trim();
    }
    await this.#activity.changed();
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
    const entries = await this.#activity.store.find(wanted).sort({ atMs: -1 }).limit(countMax);
    return entries.map(({ id, atMs, kind, severity, subject, message, by, who = null }) => ({
      id,
      atMs,
      kind,
      severity,
      subject,
      message,
      by,
      who,
    }));
  }

  async savedRepairs(): Promise<SavedRepairs> {
    const documents = await this.#repairs.store.find({});
    const of = <T>(kind: RepairKind): T[] =>
      documents.filter((entry) => entry.kind === kind).map((entry) => entry.document as T);
    return {
      jobs: of('job'),
      schedules: of('schedule'),
      removals: of('removal'),
      coverage: of('coverage'),
    };
  }

  /** Writes follow one another, so the last state of a job is the one that stays. */
  repairStore(onError: (error: Error) => void): RepairStore {
    const queue = (write: () => Promise<unknown>) => {
      this.#repairWrites = this.#repairWrites
        .then(write)
        .then(() => this.#repairs.changed())
        .catch(onError);
    };
    const { store } = this.#repairs;
    return {
      save: (kind, id, document) => {
        const copy = structuredClone(document);
        queue(() => store.update({ kind, id }, { kind, id, document: copy }, { upsert: true }));
      },
      remove: (kind, id) => queue(() => store.remove({ kind, id }, {})),
    };
  }

  async #trim(): Promise<void> {
    const { store } = this.#activity;
    const surplus = await store.find({}).sort({ atMs: -1 }).skip(activityCountMax);
    if (surplus.length === 0) return;
    const ids = surplus.map(({ id }) => id);
    await store.remove({ id: { $in: ids } }, { multi: true });
  }

  async close(): Promise<void> {
    // NeDB appends each change as it is made; what is left is the queue of writes under way.
    await this.settings.close();
    await this.#activity.store.count({});
    await this.#repairWrites;
  }
}
