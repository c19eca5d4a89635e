/** A node of another computer: what its host told of it last, and what is asked of it through that host. */
import type { LayoutNode } from '../../layout/layout.ts';
import type { Member } from '../../membership/members.ts';
import type { LayoutReport, RepairFigures, RepairWork } from '../../node-process/messages.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import type { NodeStatus } from '../nodes/node-supervisor.ts';

/** What a host told of one of its nodes. */
export interface Told {
  readonly status: NodeStatus;
  readonly members: readonly Member[];
  readonly layouts: Omit<LayoutReport, 'trackers'> | null;
}

/** The computer that a remote node is on. */
export interface NodesHost {
  /** Null: it has told nothing yet. */
  told(nodeId: number): Told | null;
  /** It was heard of within the last seconds. */
  isReached(): boolean;
  /** Wall time; null: never. */
  heardAtMs(): number | null;
  readonly name: string;
  repair(nodeId: number, work: RepairWork, signal: AbortSignal): Promise<RepairFigures>;
}

const unknown: NodeStatus = {
  state: 'away',
  sinceMs: 0,
  ...{ pid: null, clientPort: null, peerPort: null, networkPort: null },
  ...{ restartCount: 0, restartAtMs: null, problem: null },
  ...{ lastLogLines: [], figures: null, peersDown: [] },
};

export class RemoteNode implements NodeHandle {
  readonly node: LayoutNode;
  readonly #host: NodesHost;

  constructor(node: LayoutNode, host: NodesHost) {
    this.node = node;
    this.#host = host;
  }

  /** Of a computer that is away: what was last known of the node, and no figures, which nobody can vouch for. */
  status(): NodeStatus {
    const told = this.#host.told(this.node.id);
    if (told !== null && this.#host.isReached()) return told.status;
    return {
      ...(told?.status ?? unknown),
      state: 'away',
      sinceMs: this.#host.heardAtMs() ?? 0,
      figures: null,
      problem: `${this.#host.name}, its computer, is not heard of. Is it on, and on the same network?`,
    };
  }

  get members(): readonly Member[] {
    return this.#host.isReached() ? (this.#host.told(this.node.id)?.members ?? []) : [];
  }

  get layouts(): Told['layouts'] {
    return this.#host.told(this.node.id)?.layouts ?? null;
  }

  repair(work: RepairWork): { result: Promise<RepairFigures>; stop: () => void } {
    const stopping = new AbortController();
    const result = this.#host.repair(this.node.id, work, stopping.signal);
    return { result, stop: () => stopping.abort() };
  }
}
