/** Changes of the cluster by the rules of the host, in memory; nodes that are added stay what they are: a plan. */

import type { LayoutChange, LayoutSettings, LayoutView } from '../../core/contract/layout-views.ts';
import type { LayoutService } from '../../core/host/layouts/layout-service.ts';
import { Staging } from '../../core/host/layouts/staging.ts';
import type { NodeHandle } from '../../core/host/nodes/node-handle.ts';
import { nodesOf } from '../../core/layout/history.ts';
import type { Layout } from '../../core/layout/layout.ts';
import type { LayoutReport } from '../../core/node-process/messages.ts';
import { systemClock } from '../../core/platform/system-clock.ts';
import { systemRandom } from '../../core/platform/system-random.ts';
import type { Disk } from '../../core/ports/disk.ts';

const noDisk = {
  readFile: () => Promise.reject(new Error('nothing is kept')),
  replaceFile: async () => {},
} as unknown as Disk;

/** How far a node says it is. */
export type Said = Pick<LayoutReport, 'lacking' | 'open' | 'receivedBytes' | 'moving'>;

export class FakeTopology {
  /** By name; the others have said nothing. */
  readonly said = new Map<string, Said>();
  readonly #staging: Promise<Staging>;
  readonly #layout: () => Layout;
  readonly #set: (layout: Layout) => void;
  #opened: Staging | null = null;
  /** Before and after, once something was applied: it never ends here. */
  #change: readonly Layout[] = [];

  constructor(parts: { layout: () => Layout; changed: (layout: Layout) => void }) {
    this.#layout = parts.layout;
    this.#set = parts.changed;
    const live = () => (this.#change.length > 0 ? this.#change : [parts.layout()]);
    const service = {
      get present() {
        return parts.layout();
      },
      get live() {
        return live().map((layout) => ({ layout, digest: '' }));
      },
      change: async (edit: (layout: Layout, digest: string) => Layout) => {
        const before = parts.layout();
        const after = edit(before, '');
        this.#change = [before, after];
        parts.changed(after);
      },
      progress: () => ({ state: this.#change.length > 0 ? 'changing' : 'settled', waitingFor: [] }),
    } as unknown as LayoutService;
    this.#staging = Staging.open({
      ...{ layouts: service, nodes: () => this.#handles(), ownComputers: new Set(['c0']), disk: noDisk },
      ...{ clock: systemClock, random: systemRandom, addComputers: async () => {} },
    });
    void this.#staging.then((staging) => {
      this.#opened = staging;
    });
  }

  /** Of every node that there is, or would be. */
  #handles(): NodeHandle[] {
    const nodes = nodesOf([this.#layout(), ...this.#change]);
    return [...nodes.values()].map((node) => {
      const said = this.said.get(node.name);
      const layouts = said === undefined ? null : { ...said, version: this.#layout().version };
      return { node, layouts, status: () => ({ figures: null }) } as unknown as NodeHandle;
    });
  }

  view(): LayoutView {
    const settled: LayoutView = {
      ...{ version: this.#layout().version, state: 'settled', staged: 0, changes: [], waitsFor: [] },
      progress: {
        ...{ partitionsDone: 0, partitionsTotal: 0, bytesMoved: 0 },
        ...{ bytesPerSecond: null, remainingMs: null, nodes: [], given: [] },
      },
      joinsByItself: false,
      transfer: 'normal',
    };
    return this.#opened?.view((id) => String(id)) ?? settled;
  }

  async answer(method: string, input: { changes?: LayoutChange[] } & LayoutSettings): Promise<unknown> {
    const staging = await this.#staging;
    switch (method) {
      case 'layout.stage':
        return {
          ...(await staging.stage(input.changes ?? [])),
          appliedAs: staging.goesByItself ? (await staging.apply('a test')).version : null,
        };
      case 'layout.settings':
        this.#set({ ...this.#layout(), ...input });
        return {};
      case 'layout.unstage':
        await staging.unstage();
        return {};
      case 'layout.apply':
        return staging.apply('a test');
      case 'layout.revert':
        return staging.revert();
      case 'layout.history':
        return staging.history();
      case 'layout.show':
        return this.view();
      default:
        return staging.preview();
    }
  }
}
