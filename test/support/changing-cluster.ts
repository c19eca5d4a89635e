/** A real cluster whose nodes change while clients write to it: what they see, and what a change did. */
import type { LayoutChange, LayoutView } from '../../core/contract/layout-views.ts';
import { RealCluster, waitUntil } from './cluster.ts';

/** Looking costs the host and the clients' process time, which is not what is measured. */
const lookEveryMs = 250;

export interface Done {
  readonly change: string;
  readonly tookMs: number;
  readonly bytesMoved: number;
  readonly minimumBytes: number;
  readonly plannedBytes: number;
}

export class ChangingCluster extends RealCluster {
  #clientPorts: number[] = [];

  /** Of the nodes that are there now, and stay. */
  get clientPorts(): number[] {
    return this.#clientPorts;
  }

  async lookForPorts(): Promise<void> {
    const { nodes } = await this.api.call('cluster.snapshot', {});
    const usable = nodes.filter(
      ({ state, leaving, client }) => state === 'up' && !leaving && client !== null,
    );
    this.#clientPorts = usable.map(({ client }) => Number(client!.split(':')[1]));
  }

  show(): Promise<LayoutView> {
    return this.api.call('layout.show', {});
  }

  /** Stages, applies, and waits until no change is under way. */
  async change(change: LayoutChange, withinMs = 120_000): Promise<Done> {
    const preview = await this.api.call('layout.stage', { changes: [change] });
    const startedMs = performance.now();
    await this.api.call('layout.apply', {});
    return this.followed(preview.changes.join(', '), preview.moves, startedMs, withinMs);
  }

  async followed(
    change: string,
    { minimumBytes, bytes }: { minimumBytes: number; bytes: number },
    startedMs: number,
    withinMs = 120_000,
  ): Promise<Done> {
    const isSettled = async () => {
      await this.lookForPorts();
      const { state } = await this.show();
      return state === 'settled';
    };
    await waitUntil(`the cluster is settled after: ${change}`, isSettled, withinMs, lookEveryMs).catch(
      async (cause) => {
        const { waitsFor } = await this.show();
        throw new Error(`${(cause as Error).message} ${waitsFor.join(' ')}`);
      },
    );
    const tookMs = performance.now() - startedMs;
    await this.lookForPorts();
    const { progress } = await this.show();
    return { change, tookMs, bytesMoved: progress.bytesMoved, minimumBytes, plannedBytes: bytes };
  }
}
