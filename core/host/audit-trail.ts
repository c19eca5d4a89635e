/** What happened and who did it: kept in the catalog, shown on the Activity page, told to whoever listens. */
import { randomUUID } from 'node:crypto';
import type { ActivityEntry, ActivityKind } from '../contract/views.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Catalog } from './catalog/catalog.ts';

/** Entries in a snapshot; older ones are read from the catalog. */
const recentCountMax = 200;

export interface Note {
  readonly kind: ActivityKind;
  /** The node, keyspace or cluster that it is about, by name. */
  readonly subject: string;
  readonly message: string;
  /** Who asked for it, in words, such as "anna at Front desk"; null: nobody did. */
  readonly who: string | null;
  readonly severity?: ActivityEntry['severity'];
}

export class AuditTrail {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #catalog: Catalog;
  readonly #told: (entry: ActivityEntry) => void;
  readonly #recent: ActivityEntry[];

  private constructor(
    components: { clock: Clock; log: Log; catalog: Catalog; told: (entry: ActivityEntry) => void },
    recent: ActivityEntry[],
  ) {
    this.#clock = components.clock;
    this.#log = components.log;
    this.#catalog = components.catalog;
    this.#told = components.told;
    this.#recent = recent;
  }

  /** `told` gets each entry as it is noted. */
  static async open(components: {
    clock: Clock;
    log: Log;
    catalog: Catalog;
    told: (entry: ActivityEntry) => void;
  }): Promise<AuditTrail> {
    return new AuditTrail(components, (await components.catalog.recentActivity(recentCountMax)).reverse());
  }

  /** Oldest first. */
  get recent(): ActivityEntry[] {
    return [...this.#recent];
  }

  note({ severity = 'info', who, ...what }: Note): void {
    const by = who === null ? 'system' : 'person';
    const entry: ActivityEntry = { id: randomUUID(), atMs: this.#clock.nowMs(), severity, by, who, ...what };
    this.#recent.push(entry);
    if (this.#recent.length > recentCountMax) this.#recent.shift();
    this.#log.info(entry.message);
    this.#told(entry);
    this.#catalog.note(entry).catch((error: Error) => {
      this.#log.error('The audit trail could not be written.', { cause: error.message });
    });
  }

  /** Newest first; `before`: older than that time. */
  page(before: number | null, kinds: readonly ActivityKind[], countMax: number): Promise<ActivityEntry[]> {
    return this.#catalog.recentActivity(countMax, before, kinds);
  }
}
