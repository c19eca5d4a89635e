/**
 * The nodes of this computer, together: one supervised process each. Tells each of them where the others are and who may log
 * in, remembers which have taken clients before, and hands on what they report.
 */
import { CoterieError } from '../../base/errors.ts';
import type { LiveLayout } from '../../layout/history.ts';
import type { LayoutNode } from '../../layout/layout.ts';
import type { TimedEvent } from '../../node/membership-driver.ts';
import type { PossibleLoss } from '../../node/possible-losses.ts';
import type {
  FromNode,
  LayoutReport,
  NodeAddress,
  NodeLauncher,
  NodeStart,
  ToNode,
} from '../../node-process/messages.ts';
import type { Credentials } from '../../platform/tls-transport.ts';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { AccessRules } from '../../security/access.ts';
import type { Secrets } from '../../security/secrets.ts';
import type { ClientNetwork } from '../computers/client-network.ts';
import { type NodePorts, networkPortFor, reachableAt } from '../ports.ts';
import { LocalNode } from './node-handle.ts';
import { NodeSupervisor } from './node-supervisor.ts';
import type { RunningNode } from './running-nodes.ts';

export interface LocalNodesEvents {
  /** The status of a node changed; figures alone included. */
  changed(node: LocalNode): void;
  /** Something for the activity log. */
  noted(node: LocalNode, severity: 'info' | 'warning' | 'error', message: string): void;
  /** The node goes by these layouts. */
  holdsLayout(node: LocalNode, report: LayoutReport): void;
  /** It knows of newer ones than this computer. */
  layouts(live: readonly LiveLayout[]): void;
  /** All that may be lost for good as far as the node knows. */
  losses(node: LocalNode, losses: readonly PossibleLoss[]): void;
  /** The node's view of the others changed. */
  membership(node: LocalNode, events: readonly TimedEvent[]): void;
  /** A user who logged in at the node asks for a change of users. */
  userAsk(node: LocalNode, ask: Extract<FromNode, { type: 'user-ask' }>): void;
}

/** Which nodes have taken clients before: an empty disk of theirs means that data was lost. */
export interface RunMemory {
  hasRun(nodeId: number): boolean;
  noteRun(nodeId: number): void;
}

export interface LocalNodesSettings {
  /** The address that the nodes listen on for clients. */
  readonly host: string;
  /** That for other nodes, and where those of this computer reach each other. */
  readonly peerHost: string;
  /** What this computer shows of itself now; null: all of the cluster is on this computer. */
  readonly credentials: () => Credentials | null;
  /** Where clients on other computers may connect; null: nowhere. */
  readonly network: ClientNetwork | null;
  readonly hotBytesMax: number;
  folderOf(node: LayoutNode): string;
}

export interface LocalNodesComponents {
  readonly launcher: NodeLauncher;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly memory: RunMemory;
  readonly live: () => readonly LiveLayout[];
  readonly access: () => AccessRules;
  readonly secrets: Secrets;
  readonly events: LocalNodesEvents;
}

export interface NodePlace {
  readonly node: LayoutNode;
  readonly ports: NodePorts;
  /** A process of it that went on without its host. */
  readonly running: RunningNode | null;
}

export class LocalNodes {
  readonly #nodes = new Map<string, LocalNode>();
  readonly #addresses = new Map<number, NodeAddress>();
  #elsewhere: readonly NodeAddress[] = [];
  readonly #settings: LocalNodesSettings;

  readonly #components: LocalNodesComponents;

  constructor(components: LocalNodesComponents, settings: LocalNodesSettings, places: readonly NodePlace[]) {
    this.#components = components;
    this.#settings = settings;
    for (const place of places) this.add(place);
    settings.network?.onChange((now) => this.send({ type: 'network', places: now }));
  }

  /** A node that this computer runs from now on. It is not started. */
  add({ node, ports, running }: NodePlace): LocalNode {
    const { launcher, clock, timers, memory, live, access, secrets, events } = this.#components;
    const { host, peerHost, credentials, network, hotBytesMax, folderOf } = this.#settings;
    const portsNow = () => supervisor.ports ?? ports;
    const startMessage = (): NodeStart => ({
      type: 'start',
      nodeId: node.id,
      name: node.name,
      folder: folderOf(node),
      ...{ host, peerHost, credentials: credentials() },
      // Where its clients found it last.
      ...{ clientPort: portsNow().clientPort, peerPort: portsNow().peerPort },
      network: network === null ? null : { ...network.places, port: wantedNetworkPort(portsNow()) },
      live: live(),
      hotBytesMax,
      hasRun: memory.hasRun(node.id),
      secrets: secrets.set,
      access: access(),
    });
    const supervisor: NodeSupervisor = new NodeSupervisor(
      {
        launcher,
        clock,
        timers,
        events: {
          changed: () => events.changed(local),
          noted: (severity, message) => events.noted(local, severity, message),
          ready: () => {
            memory.noteRun(node.id);
            if (network !== null) local.send({ type: 'network', places: network.places });
          },
          holdsLayout: (report) => events.holdsLayout(local, report),
          layouts: (live) => events.layouts(live),
          losses: (found) => events.losses(local, found),
          membership: (seen) => events.membership(local, seen),
          userAsk: (ask) => events.userAsk(local, ask),
          listening: (at) => {
            this.#listens(node, at);
            local.send({ type: 'access', rules: access() });
            // One that went on without its host may not have heard of another key.
            const shown = credentials();
            if (shown !== null) local.send({ type: 'credentials', credentials: shown });
          },
        },
      },
      { name: node.name, startMessage, found: running?.process },
    );
    const local = new LocalNode(node, supervisor, () => clock.monotonicMs());
    this.#nodes.set(node.name, local);
    return local;
  }

  /** A node that left the cluster. Resolves when it has ended; it is not one of these any more. */
  async remove(name: string): Promise<void> {
    const node = this.named(name);
    await node.stop();
    this.#nodes.delete(name);
    this.#addresses.delete(node.node.id);
  }

  [Symbol.iterator](): Iterator<LocalNode> {
    return this.#nodes.values();
  }

  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  /** Throws `not-found` with the names that there are. */
  named(name: string): LocalNode {
    const found = this.#nodes.get(name);
    if (found !== undefined) return found;
    const names = [...this.#nodes.keys()].join(', ');
    throw new CoterieError('not-found', `There is no node "${name}". Nodes: ${names}.`);
  }

  send(message: ToNode): void {
    for (const node of this.#nodes.values()) node.send(message);
  }

  /** Where clients of this computer find those that are up. */
  clientAddresses(): { name: string; host: string; port: number }[] {
    return [...this.#nodes.values()].flatMap((local) => {
      const { state, clientPort } = local.status();
      if (state !== 'up' || clientPort === null) return [];
      return [{ name: local.node.name, host: this.#settings.host, port: clientPort }];
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()));
  }

  /** Where the nodes of other computers are: all that are known. */
  setElsewhere(addresses: readonly NodeAddress[]): void {
    this.#elsewhere = addresses;
    this.#tellAddresses();
  }

  #listens({ id, name }: LayoutNode, ports: NodePorts): void {
    const { host, peerHost } = this.#settings;
    const { clientPort, peerPort, networkPort = 0 } = ports;
    const at = { host: reachableAt(peerHost), peerPort, clientHost: host, clientPort, networkPort };
    this.#addresses.set(id, { id, name, ...at });
    this.#tellAddresses();
  }

  #tellAddresses(): void {
    const addresses = [...this.#addresses.values(), ...this.#elsewhere];
    this.send({ type: 'addresses', addresses });
  }
}

function wantedNetworkPort({ clientPort, networkPort = 0 }: NodePorts): number {
  if (networkPort > 0 || clientPort === 0) return networkPort;
  return networkPortFor(clientPort);
}
