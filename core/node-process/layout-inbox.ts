/**
 * A node process' side of layouts: the newest that was offered is kept until the node can take it, they are taken one at a
 * time, and one that is not newer than what the node has is refused. After each offer the host is told what the node has.
 */
import type { Layout } from '../layout/layout.ts';

export interface LayoutTaker {
  /** Of the layout that the node goes by. */
  version(): number;
  /** Resolves when the node goes by it; rejects when it cannot, and goes by the old one then. */
  take(layout: Layout): Promise<void>;
}

export interface LayoutReports {
  holds(version: number): void;
  failed(layout: Layout, cause: unknown): void;
}

export class LayoutInbox {
  readonly #reports: LayoutReports;
  #taker: LayoutTaker | null = null;
  /** The newest that was offered and not taken yet. */
  #waiting: Layout | null = null;
  #taking = false;

  constructor(reports: LayoutReports) {
    this.#reports = reports;
  }

  offer(layout: Layout): void {
    if (layout.version > (this.#waiting?.version ?? 0)) this.#waiting = layout;
    void this.#take();
  }

  /** The node is ready: what came meanwhile is taken now. */
  serve(taker: LayoutTaker): void {
    this.#taker = taker;
    void this.#take();
  }

  /** Tells the host what the node has; nothing before the node is ready. */
  report(): void {
    if (this.#taker !== null) this.#reports.holds(this.#taker.version());
  }

  async #take(): Promise<void> {
    const taker = this.#taker;
    if (taker === null || this.#taking) return;
    this.#taking = true;
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      if (next.version <= taker.version()) continue;
      try {
        await taker.take(next);
      } catch (cause) {
        // Not kept: the host sees that it is missing here, and offers it again.
        this.#reports.failed(next, cause);
      }
    }
    this.#taking = false;
    this.report();
  }
}
