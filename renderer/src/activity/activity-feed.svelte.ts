/**
 * The activity this page knows: what the snapshot holds, kept even when newer entries push it out there, and older pages
 * as they are asked for. Another choice of kinds starts the older pages anew, so that nothing is missing between.
 */
import type { ActivityEntry, ActivityKind } from '../../../core/contract/views.ts';
import { messageOf } from '../api/connection.ts';
import type { AppContext } from '../app/app-context.ts';

const pageCount = 200;

export class ActivityFeed {
  readonly #app: AppContext;
  #recent = $state.raw<readonly ActivityEntry[]>([]);
  #older = $state.raw<readonly ActivityEntry[]>([]);
  #kinds: readonly ActivityKind[] = [];
  busy = $state(false);
  /** Nothing older is kept. */
  complete = $state(false);
  problem = $state<string | null>(null);
  /** Newest first. */
  readonly entries = $derived([...this.#recent, ...this.#older]);

  constructor(app: AppContext) {
    this.#app = app;
  }

  /** `activity`: of the snapshot, oldest first. */
  take(activity: readonly ActivityEntry[]): void {
    const newest = [...activity].reverse();
    const known = new Set(newest.map(({ id }) => id));
    const kept = this.#recent.filter(({ id }) => !known.has(id));
    // Nothing in common: some were missed while the host was away, so what was kept ends before a gap.
    const follows = kept.length < this.#recent.length;
    this.#recent = follows ? [...newest, ...kept] : newest;
    if (!follows) this.#forgetOlder();
  }

  choose(kinds: readonly ActivityKind[]): void {
    if (kinds.join() === this.#kinds.join()) return;
    this.#kinds = kinds;
    this.#forgetOlder();
  }

  async showOlder(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    const kinds = [...this.#kinds];
    const oldest = this.entries.at(-1);
    try {
      const page = await this.#app.call('activity.list', {
        // Others of the same millisecond may not have been answered yet; those that were are left out below.
        ...(oldest === undefined ? {} : { beforeMs: oldest.atMs + 1 }),
        kinds,
        countMax: pageCount,
      });
      if (kinds.join() !== this.#kinds.join()) return;
      const known = new Set(this.entries.map(({ id }) => id));
      const fresh = page.filter(({ id }) => !known.has(id));
      this.#older = [...this.#older, ...fresh];
      this.complete = page.length < pageCount || fresh.length === 0;
    } catch (cause) {
      this.problem = messageOf(cause);
    } finally {
      this.busy = false;
    }
  }

  #forgetOlder(): void {
    this.#older = [];
    this.complete = false;
  }
}
