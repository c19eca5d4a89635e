/**
 * Which computer of the cluster runs a repair job, and which one lets a schedule begin its next run. Pure. Nobody is asked: each goes by
 * whom it hears. Where two halves of a network do not hear each other, both may run the same job; comparing twice does no harm, and
 * when they meet, one of them stops (shared-records.ts).
 */

/**
 * How long the computer of a job has to be away before another one goes on with the job. A computer that restarts Coterie, or is woken
 * from sleep, is back within it and knows best how far it came; longer, and a repair waits for no reason.
 */
export const takeOverAfterMs = 30_000;

/** Another computer of the cluster, as this one knows it. */
export interface Peer {
  readonly key: string;
  /** Ids in the layout that it plays. */
  readonly ids: readonly string[];
  /** Heard of within the last seconds. */
  readonly isReached: boolean;
  /** It shares repairs: its version does. */
  readonly takesPart: boolean;
  /** How far its clock is ahead of the one here; null: it does not tell. */
  readonly aheadMs: number | null;
}

/** The smallest id among those that hear each other acts for all. */
export function isFirst(self: string, peers: readonly Peer[]): boolean {
  return peers
    .filter(({ isReached, takesPart }) => isReached && takesPart)
    .every(({ ids }) => ids.every((id) => self < id));
}

/**
 * The time by which schedules begin: that in the middle of all clocks, so that one that is wrong neither begins a repair on the wrong
 * day nor keeps the next one from coming. Of two the earlier: what was left out can still be done.
 */
export function clusterNowMs(nowMs: number, peers: readonly Peer[]): number {
  const ahead = [0, ...peers.flatMap(({ isReached, aheadMs }) => (isReached ? (aheadMs ?? []) : []))];
  ahead.sort((a, b) => a - b);
  return nowMs + ahead[Math.floor((ahead.length - 1) / 2)];
}

/** Since when the computers of open jobs have been away, as watched from here. */
export class AwayWatch {
  /** By job. */
  readonly #away = new Map<string, { readonly runner: string; readonly sinceMs: number }>();

  /** Ids of those of the jobs, of other computers, that this one is to take over. `nowMs`: on the monotonic clock. */
  look(
    jobs: readonly { readonly id: string; readonly runner: string }[],
    { self, peers, nowMs }: { self: string; peers: readonly Peer[]; nowMs: number },
  ): string[] {
    const reached = new Set(peers.flatMap(({ ids, isReached }) => (isReached ? ids : [])));
    const before = new Map(this.#away);
    this.#away.clear();
    const due: string[] = [];
    for (const { id, runner } of jobs) {
      if (reached.has(runner)) continue;
      const known = before.get(id);
      const away = known?.runner === runner ? known : { runner, sinceMs: nowMs };
      this.#away.set(id, away);
      if (nowMs - away.sinceMs >= takeOverAfterMs && isFirst(self, peers)) due.push(id);
    }
    return due;
  }
}
