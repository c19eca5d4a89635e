/**
 * The layout of the cluster as this computer has it: the present one, changes to it one after the other, its way to the disk
 * and to the nodes, and which versions the nodes say they go by.
 */
import type { Layout } from '../../layout/layout.ts';
import type { Timers } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { LocalNode, NodeHandle } from '../nodes/node-handle.ts';
import { LayoutSpread } from './layout-spread.ts';
import { digestOf, writeLayout } from './layout-store.ts';

/** How long a change waits for the nodes that are up: then a keyspace that was just made can be written to at any of them. */
const spreadWithinMs = 2_000;

export class LayoutService {
  readonly #disk: Disk;
  readonly #nodes: () => Iterable<NodeHandle>;
  readonly #changed: (layout: Layout) => void;
  readonly #foundNewer: (node: NodeHandle, version: number) => void;
  readonly #spread: LayoutSpread;
  #present: Layout;
  #saidNewer = false;
  /** Changes follow one another: two at once would both start from the same parent. */
  #queue: Promise<unknown> = Promise.resolve();

  /** `changed`: after it is durable and on its way. `foundNewer`: a node goes by a later one than this computer; told once. */
  constructor(
    components: {
      disk: Disk;
      timers: Timers;
      nodes: () => Iterable<NodeHandle>;
      changed: (layout: Layout) => void;
      foundNewer: (node: NodeHandle, version: number) => void;
    },
    present: Layout,
  ) {
    this.#disk = components.disk;
    this.#nodes = components.nodes;
    this.#changed = components.changed;
    this.#foundNewer = components.foundNewer;
    this.#spread = new LayoutSpread(components.timers);
    this.#present = present;
  }

  get present(): Layout {
    return this.#present;
  }

  /**
   * Makes, stores and spreads the next layout; `edit` gets the present one with its digest. Resolves when every node that is
   * up goes by it, or after a moment. Rejects with what `edit` throws, and with `disk-full` or `disk-failed`: then nothing
   * has changed.
   */
  change(edit: (layout: Layout, digest: string) => Layout): Promise<void> {
    const run = this.#queue.then(async () => {
      const next = edit(this.#present, digestOf(this.#present));
      await writeLayout(this.#disk, next);
      this.#present = next;
      for (const node of this.#nodes()) node.offerLayout(next);
      this.#changed(next);
      const isThere = (node: NodeHandle) => node.status().state !== 'up' || node.heldVersion >= next.version;
      await this.#spread.reached(() => [...this.#nodes()].every(isThere), spreadWithinMs);
    });
    this.#queue = run.catch(() => {});
    return run;
  }

  /** A node goes by this version: one that is behind is offered the present one, until both agree. */
  holds(node: LocalNode, version: number): void {
    if (version > this.#present.version && !this.#saidNewer) {
      this.#saidNewer = true;
      this.#foundNewer(node, version);
    }
    node.holds(version, this.#present);
    this.#spread.moved();
  }

  /** Resolves when no change is under way. */
  async settled(): Promise<void> {
    await this.#queue;
  }
}
