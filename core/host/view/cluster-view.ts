/**
 * The cluster as the page and the command line see it: put together when somebody asks, and told to whoever listens, piece by
 * piece, when something of it has changed.
 */
import { productVersion } from '../../base/version.ts';
import { hexId } from '../../base/words.ts';
import type { LayoutView } from '../../contract/layout-views.ts';
import type { MembershipView, NodeView } from '../../contract/node-views.ts';
import type { ActivityEntry, KeyspaceView, Snapshot } from '../../contract/views.ts';
import { keyspaceNamed, type Layout, type LayoutKeyspace } from '../../layout/layout.ts';
import type { ComputerNow } from '../computers/other-computer.ts';
import type { NodeHandle } from '../nodes/node-handle.ts';
import { EventHub } from './event-hub.ts';
import type { LossBook } from './loss-book.ts';
import { membershipViewOf } from './membership-news.ts';
import {
  adviceOf,
  clusterViewOf,
  computerViewsOf,
  keyspaceViewOf,
  lackingOf,
  nodeViewOf,
  ringViewsOf,
  shownState,
} from './views.ts';

export interface ClusterViewSources {
  readonly readOnly: boolean;
  /** The address that nodes of this computer listen on. */
  readonly host: string;
  layout(): Layout;
  nodes(): Iterable<NodeHandle>;
  /** Ids of the computers that this host runs. */
  readonly ownComputers: ReadonlySet<string>;
  /** Of other computers, by id. */
  computers(): ReadonlyMap<string, ComputerNow>;
  readonly losses: LossBook;
  activity(): ActivityEntry[];
  repairs(): Snapshot['repairs'];
  layoutView(): LayoutView;
}

export class ClusterView {
  readonly hub: EventHub;
  readonly #sources: ClusterViewSources;
  #lastStates = '';
  #lastProgress = '';

  constructor(sources: ClusterViewSources) {
    this.#sources = sources;
    this.hub = new EventHub(() => this.snapshot());
  }

  snapshot(): Snapshot {
    const { layout: present, readOnly, ownComputers, activity, repairs } = this.#sources;
    const layout = present();
    const nodes = this.nodes();
    const keyspaces = this.#keyspacesAmong(nodes, layout.keyspaces);
    return {
      cluster: clusterViewOf(layout, productVersion, readOnly),
      dataCenters: [...layout.dataCenters],
      computers: computerViewsOf(layout, ownComputers, this.#sources.computers()),
      nodes,
      keyspaces,
      rings: ringViewsOf(layout),
      advice: adviceOf(nodes, keyspaces),
      activity: activity(),
      repairs: repairs(),
      layout: this.layout(),
    };
  }

  nodes(): NodeView[] {
    return [...this.#sources.nodes()].map((handle) => this.#nodeView(handle));
  }

  /** Throws `not-found`. */
  keyspace(name: string): KeyspaceView {
    const keyspace = keyspaceNamed(this.#sources.layout(), name);
    return this.#keyspacesAmong(this.nodes(), [keyspace])[0];
  }

  isUp(nodeId: number): boolean {
    for (const handle of this.#sources.nodes()) {
      if (handle.node.id === nodeId) return this.#stateOf(handle) === 'up';
    }
    return false;
  }

  /** In how many partitions it does not answer reads, because it lost what it had there. */
  lostPartitionsOf(nodeId: number): number {
    for (const handle of this.#sources.nodes()) {
      if (handle.node.id === nodeId) return handle.status().figures?.lostPartitions ?? 0;
    }
    return 0;
  }

  /** By its name where the layout has it, by its number otherwise. */
  nameOf(nodeId: number): string {
    const present = this.#sources.layout().nodes.find(({ id }) => id === nodeId);
    const leaving = [...this.#sources.nodes()].find(({ node }) => node.id === nodeId)?.node;
    return (present ?? leaving)?.name ?? nodeId.toString(16);
  }

  nodeChanged(handle: NodeHandle): void {
    if (this.hub.listenerCount === 0) return;
    this.hub.publish({ type: 'node', node: this.#nodeView(handle) });
    // Keyspaces and advice depend on states and losses alone, not on each second's figures.
    const dead = this.#dead();
    const states = JSON.stringify(
      [...this.#sources.nodes()].map((other) => {
        const { figures } = other.status();
        const waits = figures?.waitsFor.length ? [figures.waitsFor, figures.rebuildingPartitions] : null;
        const state = dead.has(other.node.id) ? this.#stateOf(other) : other.status().state;
        return [state, figures?.possibleLoss, waits];
      }),
    );
    if (states === this.#lastStates) return;
    this.#lastStates = states;
    this.#publishKeyspaces();
  }

  /** A node that left has ended, or other nodes own the arcs: everything is told anew. */
  topologyChanged(): void {
    if (this.hub.listenerCount > 0) this.hub.publish({ type: 'snapshot', snapshot: this.snapshot() });
  }

  /** What is staged, and how far a change is. */
  layout(): LayoutView {
    return this.#sources.layoutView();
  }

  /** Tells it where it has changed. */
  progressed(): void {
    if (this.hub.listenerCount === 0) return;
    const layout = this.layout();
    const text = JSON.stringify(layout);
    if (text === this.#lastProgress) return;
    this.#lastProgress = text;
    this.hub.publish({ type: 'layout', layout });
  }

  layoutChanged(layout: Layout, before: Layout): void {
    // Edits of keyspaces and names hand the rings and computers on as they are.
    if (layout.rings !== before.rings || layout.computers !== before.computers) {
      this.topologyChanged();
      return;
    }
    this.hub.publish({
      type: 'cluster',
      cluster: clusterViewOf(layout, productVersion, this.#sources.readOnly),
    });
    this.#publishKeyspaces();
  }

  noted(entry: ActivityEntry): void {
    if (this.hub.listenerCount > 0) this.hub.publish({ type: 'activity', entry });
  }

  repairsChanged(): void {
    if (this.hub.listenerCount > 0) {
      this.hub.publish({ type: 'repairs', repairs: this.#sources.repairs() });
    }
  }

  #publishKeyspaces(): void {
    const nodes = this.nodes();
    const keyspaces = this.#keyspacesAmong(nodes, this.#sources.layout().keyspaces);
    this.hub.publish({ type: 'keyspaces', keyspaces });
    this.hub.publish({ type: 'advice', advice: adviceOf(nodes, keyspaces) });
  }

  /** As people are shown it: what the cluster has established counts before what a process says. */
  #stateOf(handle: NodeHandle): NodeView['state'] {
    return shownState(handle.status(), this.#membershipOf(handle)).state;
  }

  /** Whom some node holds for dead. */
  #dead(): ReadonlySet<number> {
    const dead = new Set<number>();
    for (const { members } of this.#sources.nodes()) {
      for (const { id, state } of members) if (state === 'dead') dead.add(id);
    }
    return dead;
  }

  #membershipOf({ node }: NodeHandle): MembershipView | null {
    const views = [...this.#sources.nodes()].map((other) => other.members);
    return membershipViewOf(node.id, views, (id) => this.nameOf(id));
  }

  #nodeView(handle: NodeHandle): NodeView {
    return nodeViewOf(this.#sources.layout(), handle.node.id, handle.status(), {
      host: this.#sources.ownComputers.has(handle.node.computer) ? this.#sources.host : null,
      networkHost: this.#sources.computers().get(handle.node.computer)?.clientHost ?? null,
      version: productVersion,
      node: handle.node,
      membership: this.#membershipOf(handle),
    });
  }

  #keyspacesAmong(nodes: readonly NodeView[], keyspaces: readonly LayoutKeyspace[]): KeyspaceView[] {
    const { losses, layout: present } = this.#sources;
    const layout = present();
    const lacking = lackingOf(layout, nodes);
    const up = new Set(nodes.filter(({ state }) => state === 'up').map(({ id }) => id));
    const isUp = (nodeId: number) => up.has(hexId(nodeId));
    return keyspaces.map((keyspace) =>
      keyspaceViewOf(layout, keyspace, { isUp, lacking, possibleLoss: losses.in(keyspace.id) }),
    );
  }
}
