/**
 * A node process' side of layouts: the newest that was offered is kept until the node can take it, and they are taken one at a
 * time. After each offer the host is told what the node has.
 */
import { type LiveLayout, newestOf } from '../layout/history.ts';
import type { LayoutReport } from './messages.ts';

export interface LayoutTaker {
  report(): LayoutReport;
  /** Resolves when the node goes by them; rejects when it cannot, and goes by the old ones then. */
  take(live: readonly LiveLayout[]): Promise<void>;
}

export interface LayoutReports {
  holds(report: LayoutReport): void;
  failed(version: number, cause: unknown): void;
}

export class LayoutInbox {
  readonly #reports: LayoutReports;
  #taker: LayoutTaker | null = null;
  /** The newest that were offered and not taken yet. */
  #waiting: readonly LiveLayout[] | null = null;
  #taking = false;

  constructor(reports: LayoutReports) {
    this.#reports = reports;
  }

  offer(live: readonly LiveLayout[]): void {
    if (live.length === 0) return;
    const version = (of: readonly LiveLayout[]) => newestOf({ live: of }).layout.version;
    if (this.#waiting === null || version(live) >= version(this.#waiting)) this.#waiting = live;
    void this.#take();
  }

  /** The node is ready: what came meanwhile is taken now. */
  serve(taker: LayoutTaker): void {
    this.#taker = taker;
    void this.#take();
  }

  /** Tells the host what the node has; nothing before the node is ready. */
  report(): void {
    if (this.#taker !== null) this.#reports.holds(this.#taker.report());
  }

  async #take(): Promise<void> {
    const taker = this.#taker;
    if (taker === null || this.#taking) return;
    this.#taking = true;
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      if (newestOf({ live: next }).layout.version < taker.report().version) continue;
      try {
        await taker.take(next);
      } catch (cause) {
        // Not kept: the host sees that it is missing here, and offers it again.
        this.#reports.failed(newestOf({ live: next }).layout.version, cause);
      }
    }
    this.#taking = false;
    this.report();
  }
}
