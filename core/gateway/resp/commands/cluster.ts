/**
 * CLUSTER: the ring as Redis Cluster clients must see it. All replies come from store.slots() and endpoints(), so they
 * agree. Every node that owns slots first is shown as a master; any replica of a slot can coordinate it, and the others
 * of the list are shown as its replicas in SLOTS.
 *
 * NODES and SHARDS know one role and one master for each node. Here each node is first for some slots and a replica for others, of as
 * many nodes, so "replica of that one" would be wrong for most of its slots, and a client that took it for such would send it
 * nothing, or only reads. A node with no slot of its own, such as one that is being drained, is a master without slots, as in Redis.
 */

import { slotCount, slotOf } from '../../../base/token.ts';
import { hexId } from '../../../base/words.ts';
import type { ClientEndpoint, NodeId, SlotRange } from '../../../ports/key-value-store.ts';
import { readInteger } from '../arguments.ts';
import { type Command, defineCommand, needs, type Subcommands } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { Request } from '../request.ts';
import { answerKeysInSlot } from './keyspace.ts';
import { defineContainer } from './subcommands.ts';

/** 40 hexadecimal digits, as Redis Cluster ids have: the node's eight, repeated five times. Stable and reversible. */
export function clusterNodeId(nodeId: NodeId): string {
  return hexId(nodeId).repeat(5);
}

/** A node at the place where this client reaches it; null: nowhere. */
function reachedBy(request: Request, endpoint: ClientEndpoint): ClientEndpoint | null {
  const { networkHost } = request.session;
  const { network, port } = endpoint;
  if (networkHost === null) return port > 0 ? endpoint : null;
  return network === null ? null : { ...endpoint, host: network.host ?? networkHost, port: network.port };
}

/** Those that the client reaches; the node that answers is always one of them. */
function endpointsFor(request: Request): readonly ClientEndpoint[] {
  const { store } = request.gateway;
  return store.endpoints().flatMap((endpoint) => {
    const reached = reachedBy(request, endpoint);
    return reached ?? (endpoint.nodeId === store.self.nodeId ? endpoint : []);
  });
}

/** Slots of which the client reaches no replica are answered by this node: it asks them itself. */
function slotRanges(request: Request): readonly SlotRange[] {
  const endpoints = new Map(endpointsFor(request).map((endpoint) => [endpoint.nodeId, endpoint]));
  const self = endpoints.get(request.gateway.store.self.nodeId)!;
  return request.gateway.store.slots(request.session.keyspace.id).map((range) => {
    const nodes = range.nodes.flatMap(({ nodeId }) => endpoints.get(nodeId) ?? []);
    return { ...range, nodes: nodes.length > 0 || range.nodes.length === 0 ? nodes : [self] };
  });
}

function keyslot(request: Request): void {
  request.integer(slotOf(request.argv[2]));
}

function readSlot(bytes: Buffer): number {
  const slot = Number(readInteger(bytes, 'ERR Invalid or out of range slot'));
  if (slot < 0 || slot >= slotCount) throw new CommandError('ERR Invalid or out of range slot');
  return slot;
}

function slots(request: Request): void {
  const ranges = slotRanges(request);
  const encoder = request.begin();
  encoder.array(ranges.length);
  for (const range of ranges) {
    encoder.array(2 + range.nodes.length);
    encoder.integer(range.firstSlot);
    encoder.integer(range.lastSlot);
    for (const node of range.nodes) {
      encoder.array(4);
      encoder.text(node.host);
      encoder.integer(node.port);
      encoder.text(clusterNodeId(node.nodeId));
      encoder.map(0);
    }
  }
  request.end();
}

/** Ranges that a node is first in, joined where they touch, in slot order. */
function rangesByNode(request: Request): Map<NodeId, [number, number][]> {
  const owned = new Map<NodeId, [number, number][]>();
  for (const endpoint of endpointsFor(request)) owned.set(endpoint.nodeId, []);
  for (const { firstSlot, lastSlot, nodes } of slotRanges(request)) {
    if (nodes.length === 0) continue;
    const ranges = owned.get(nodes[0].nodeId) ?? [];
    owned.set(nodes[0].nodeId, ranges);
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === firstSlot) last[1] = lastSlot;
    else ranges.push([firstSlot, lastSlot]);
  }
  return owned;
}

/** One shard for each node: its slots are those it is first for. Replicas differ from slot to slot and are in SLOTS. */
function shards(request: Request): void {
  const owned = rangesByNode(request);
  const endpoints = endpointsFor(request);
  const encoder = request.begin();
  encoder.array(endpoints.length);
  for (const endpoint of endpoints) {
    const ranges = owned.get(endpoint.nodeId) ?? [];
    encoder.map(2);
    encoder.text('slots');
    encoder.array(ranges.length * 2);
    for (const [first, last] of ranges) {
      encoder.integer(first);
      encoder.integer(last);
    }
    encoder.text('nodes');
    encoder.array(1);
    encoder.map(7);
    encoder.text('id');
    encoder.text(clusterNodeId(endpoint.nodeId));
    encoder.text('port');
    encoder.integer(endpoint.port);
    encoder.text('ip');
    encoder.text(endpoint.host);
    encoder.text('endpoint');
    encoder.text(endpoint.host);
    encoder.text('role');
    encoder.text('master');
    encoder.text('replication-offset');
    encoder.integer(0);
    encoder.text('health');
    encoder.text(endpoint.up ? 'online' : 'failed');
  }
  request.end();
}

function nodeLine(request: Request, endpoint: ClientEndpoint, ranges: readonly [number, number][]): string {
  const { self } = request.gateway.store;
  const flags = [
    ...(endpoint.nodeId === self.nodeId ? ['myself'] : []),
    'master',
    ...(endpoint.up ? [] : ['fail']),
  ].join(',');
  // The second port is Redis's cluster bus. There is none here; clients only parse it.
  const address = `${endpoint.host}:${endpoint.port}@${endpoint.port + 10_000}`;
  const state = endpoint.up ? 'connected' : 'disconnected';
  const shown = ranges.map(([first, last]) => (first === last ? ` ${first}` : ` ${first}-${last}`)).join('');
  return `${clusterNodeId(endpoint.nodeId)} ${address} ${flags} - 0 0 1 ${state}${shown}\n`;
}

function nodes(request: Request): void {
  const owned = rangesByNode(request);
  const lines = endpointsFor(request).map((endpoint) =>
    nodeLine(request, endpoint, owned.get(endpoint.nodeId) ?? []),
  );
  request.begin().verbatim(lines.join(''));
  request.end();
}

function info(request: Request): void {
  const ranges = slotRanges(request);
  const endpoints = endpointsFor(request);
  const served = (range: SlotRange): boolean => range.nodes.some((node) => node.up);
  const slotsIn = (wanted: readonly SlotRange[]): number =>
    wanted.reduce((sum, range) => sum + range.lastSlot - range.firstSlot + 1, 0);
  const assigned = slotsIn(ranges);
  const ok = slotsIn(ranges.filter(served));
  const masters = new Set(ranges.map((range) => range.nodes[0]?.nodeId)).size;
  const lines = [
    `cluster_state:${ok === slotCount ? 'ok' : 'fail'}`,
    `cluster_slots_assigned:${assigned}`,
    `cluster_slots_ok:${ok}`,
    'cluster_slots_pfail:0',
    `cluster_slots_fail:${assigned - ok}`,
    `cluster_known_nodes:${endpoints.length}`,
    `cluster_size:${masters}`,
    'cluster_current_epoch:1',
    'cluster_my_epoch:1',
  ];
  request.begin().verbatim(lines.map((line) => `${line}\r\n`).join(''));
  request.end();
}

function countKeysInSlot(request: Request): void {
  const slot = readSlot(request.argv[2]);
  const answer = request.onAnswer<number>((count) => request.integer(count));
  request.gateway.store.count(request.session.keyspace.id, slot, answer);
}

const subcommands: Subcommands = {
  info: { arity: 2, run: info },
  myid: { arity: 2, run: (request) => request.text(clusterNodeId(request.gateway.store.self.nodeId)) },
  nodes: { arity: 2, run: nodes },
  slots: { arity: 2, run: slots },
  shards: { arity: 2, run: shards },
  keyslot: { arity: 3, run: keyslot },
  countkeysinslot: { arity: 3, need: needs.reading, run: countKeysInSlot },
  getkeysinslot: {
    arity: 4,
    need: needs.reading,
    run: (request) => answerKeysInSlot(request, readSlot(request.argv[2]), request.argv[3]),
  },
};

/** Any replica may be read and written here, so both only confirm what is so. */
const answerOk = (request: Request): void => request.ok();

const free = { kind: 'free', need: needs.nothing } as const;

export const clusterCommands: readonly Command[] = [
  // Where the nodes are is what a client needs before anything else.
  defineContainer({ group: 'cluster', name: 'cluster', arity: -2 }, ['stale'], subcommands, {
    need: needs.nothing,
  }),
  defineCommand('cluster', 'readonly', 1, ['fast', 'stale'], answerOk, free),
  defineCommand('cluster', 'readwrite', 1, ['fast', 'stale'], answerOk, free),
  defineCommand('cluster', 'asking', 1, ['fast', 'stale'], answerOk, free),
];
