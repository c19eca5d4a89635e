/**
 * The layouts of the cluster as this computer has them: what people decided last, changes to it one after the other, their way to
 * the disk and to the nodes, and how far those say they are. Which layouts are live is the nodes' to agree on
 * (layout/history.ts); this computer keeps them for nodes that start.
 */

import { CoterieError } from '../../base/errors.ts';
import { InTurn } from '../../base/in-turn.ts';
import {
  asKnown,
  historyOf,
  type LayoutHistory,
  type LiveLayout,
  liveCountMax,
  merge,
  newestOf,
  nodesWaitedFor,
  reachedBy,
  withLayout,
  withTrackers,
} from '../../layout/history.ts';
import { type Layout, placedOf } from '../../layout/layout.ts';
import type { LayoutReport } from '../../node-process/messages.ts';
import type { Timers } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import { trackersFrom } from '../../wire/peer/layout-messages.ts';
import type { LocalNode, NodeHandle } from '../nodes/node-handle.ts';
import { Until } from '../until.ts';
import { digestOf, writeLayouts } from './layout-store.ts';

/** How long a change waits for the nodes that are up: then a keyspace that was just made can be written to at any of them. */
const spreadWithinMs = 2_000;

/**
 * hear: it has not taken the change. finish: writes go on there that began before it. fetch: it gets copies; give: it leaves, and hands
 * over what others lack. agree: it has not heard that all others are done.
 */
export type ChangeStep = 'hear' | 'finish' | 'fetch' | 'give' | 'agree';

export interface LayoutProgress {
  readonly state: 'settled' | 'changing';
  /** Ids of nodes that still have something to do, with what. */
  readonly waitingFor: readonly { readonly nodeId: number; readonly step: ChangeStep }[];
}

export class LayoutService {
  readonly #disk: Disk;
  readonly #nodes: () => Iterable<LocalNode>;
  readonly #elsewhere: () => Iterable<NodeHandle>;
  readonly #changed: (layout: Layout, before: Layout) => void;
  readonly #released: () => void;
  readonly #lost: (layout: Layout) => void;
  readonly #spread: Until;
  #history: LayoutHistory;
  /** The last that was decided on this computer. */
  #appliedHere = '';
  /** Changes follow one another: two at once would both start from the same parent. */
  readonly #turns = new InTurn();

  /**
   * `changed`: after it is durable and on its way. `released`: there is a layout that no node goes by any more. `lost`: another computer's decision
   * stands in place of this one of ours.
   */
  constructor(
    components: {
      disk: Disk;
      timers: Timers;
      nodes: () => Iterable<LocalNode>;
      /** Those of other computers, as far as is known. */
      elsewhere: () => Iterable<NodeHandle>;
      changed: (layout: Layout, before: Layout) => void;
      released: () => void;
      lost: (layout: Layout) => void;
    },
    live: readonly LiveLayout[],
  ) {
    this.#disk = components.disk;
    this.#nodes = components.nodes;
    this.#elsewhere = components.elsewhere;
    this.#changed = components.changed;
    this.#released = components.released;
    this.#lost = components.lost;
    this.#spread = new Until(components.timers);
    this.#history = historyOf(live);
  }

  get present(): Layout {
    return newestOf(this.#history).layout;
  }

  /** Oldest first. */
  get live(): readonly LiveLayout[] {
    return this.#history.live;
  }

  /**
   * Makes, stores and spreads the next layout; `edit` gets the present one with its digest. Resolves when every node that is
   * up goes by it, or after a moment. Rejects with what `edit` throws, with `busy` while too many changes are under way, and with
   * `disk-full` or `disk-failed`: then nothing has changed.
   */
  change(edit: (layout: Layout, digest: string) => Layout): Promise<void> {
    return this.#turns.run(async () => {
      const { layout, digest } = newestOf(this.#history);
      const next = edit(layout, digest);
      if (placedOf(next) !== placedOf(layout) && this.live.length >= liveCountMax) {
        throw new CoterieError(
          'busy',
          `${liveCountMax - 1} changes are under way, and wait for one another. See which node they wait for (coterie layout show), then try again.`,
        );
      }
      const history = withLayout(this.#history, { layout: next, digest: digestOf(next) });
      await writeLayouts(this.#disk, history.live);
      this.#history = history;
      this.#appliedHere = newestOf(history).digest;
      for (const node of this.#nodes()) node.offerLayouts(history.live);
      this.#changed(next, layout);
      const isThere = (node: NodeHandle) =>
        node.status().state !== 'up' || (node.layouts?.version ?? 0) >= next.version;
      await this.#spread.is(() => [...this.#nodes()].every(isThere), spreadWithinMs);
    });
  }

  /** What was decided elsewhere, and how far everybody is. Resolves when what is new of it is durable and on its way to the nodes. */
  learn(live: readonly LiveLayout[], trackers: LayoutHistory['trackers']): Promise<void> {
    return this.#turns.run(async () => {
      const before = this.#history;
      const merged = live.length === 0 ? before : merge(before, this.#asKnown(live));
      this.#history = withTrackers(merged, trackers);
      const { layout } = newestOf(before);
      const isNew = newestOf(merged).digest !== newestOf(before).digest;
      if (!isNew && this.live.length === before.live.length) return;
      await writeLayouts(this.#disk, this.live);
      for (const node of this.#nodes()) node.offerLayouts(this.live);
      if (isNew) this.#changed(this.present, layout);
      if (isNew && this.#appliedHere === newestOf(before).digest && !follows(this.present, before)) {
        this.#lost(layout);
      }
      if (this.live.length < before.live.length) this.#released();
    });
  }

  /** What others need to learn from this computer. */
  get history(): LayoutHistory {
    return this.#history;
  }

  /** By its content, so that what two computers know is one object here too; ones whose digest is not theirs are not taken. */
  #asKnown(live: readonly LiveLayout[]): LayoutHistory {
    const { clusterId } = this.present;
    for (const { layout, digest } of live) {
      const isGenuine = layout.clusterId === clusterId && digestOf(layout) === digest;
      if (!isGenuine) throw new CoterieError('bad-input', 'A layout is not what its name says.');
    }
    return historyOf(asKnown(this.#history, live));
  }

  /** A node says what it goes by: one that is behind is offered what is live, until both agree. */
  holds(node: LocalNode, report: LayoutReport): void {
    if (report.version > this.present.version) node.send({ type: 'tell-layouts' });
    node.holds(report, this.live);
    this.#learn(report);
    this.#spread.look();
  }

  #learn({ trackers }: LayoutReport): void {
    const before = this.live;
    this.#history = withTrackers(this.#history, trackersFrom(trackers));
    if (this.live.length === before.length) return;
    void this.#turns.run(() => writeLayouts(this.#disk, this.live));
    this.#released();
  }

  progress(): LayoutProgress {
    if (this.live.length === 1) return { state: 'settled', waitingFor: [] };
    const placed = placedOf(this.present);
    const staying = new Set(this.present.nodes.map(({ id }) => id));
    // It says so itself, before it has heard from all others.
    const hasShare = new Set(
      [...this.#nodes(), ...this.#elsewhere()]
        .filter(({ layouts }) => layouts?.lacking === 0)
        .map(({ node }) => node.id),
    );
    const waitingFor = nodesWaitedFor(this.#history).flatMap((nodeId): LayoutProgress['waitingFor'] => {
      const { heard, ack, sync, syncAck } = reachedBy(this.#history, nodeId);
      if (heard < placed) return [{ nodeId, step: 'hear' }];
      if (ack < placed) return [{ nodeId, step: 'finish' }];
      if (sync < placed && !staying.has(nodeId)) return [{ nodeId, step: 'give' }];
      if (sync < placed && !hasShare.has(nodeId)) return [{ nodeId, step: 'fetch' }];
      return syncAck < placed ? [{ nodeId, step: 'agree' }] : [];
    });
    return { state: 'changing', waitingFor };
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#turns.ended();
  }
}

/** Whether the layout was made from what this computer knew; of one that is further on that is taken to be so. */
function follows(layout: Layout, before: LayoutHistory): boolean {
  const known = newestOf(before);
  if (layout.version === known.layout.version) return false;
  return layout.version > known.layout.version + 1 || layout.parent === known.digest;
}

export function lostInWords(version: number): string {
  return `Layout ${version} that was applied here does not stand: another computer applied a change at the same moment. See what stands, and apply yours again.`;
}
