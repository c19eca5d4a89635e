/**
 * A cluster's figures for Prometheus, named by its conventions (prometheus.io, "Metric and label naming"): base units, `_total` for
 * what only rises. What a node has not measured since it started is left out.
 */
import { productVersion } from '../../base/version.ts';
import type { NodeView } from '../../contract/node-views.ts';
import type { KeyspaceView, Snapshot } from '../../contract/views.ts';
import { Exposition, type Sample } from './exposition.ts';
import { writeCopies } from './metrics-copies.ts';
import { writeOperations, writeQueues } from './metrics-operations.ts';
import { labelsOf, perNode } from './metrics-samples.ts';
import { writeStorage } from './metrics-storage.ts';

export function metricsText({
  nodes,
  keyspaces,
}: Pick<Snapshot, 'keyspaces'> & { readonly nodes: readonly NodeView[] }): string {
  const page = new Exposition();
  page.gauge('coterie_build_info', 'The version that answers.', [[{ version: productVersion }, 1]]);
  writeStates(page, nodes);
  writeOperations(page, nodes);
  writeQueues(page, nodes);
  writeStorage(page, nodes);
  writeCopies(page, nodes);
  writeKeyspaces(page, keyspaces);
  return page.text();
}

function writeStates(page: Exposition, nodes: readonly NodeView[]): void {
  const each = (pick: (node: NodeView) => number | null): Sample[] =>
    nodes.map((node) => [labelsOf(node), pick(node)]);
  page.gauge(
    'coterie_node_up',
    'Whether the node takes clients, and the others hear it.',
    each(({ state }) => (state === 'up' ? 1 : 0)),
  );
  page.gauge(
    'coterie_node_state',
    'The state that the node is in: 1 for that one.',
    nodes.map((node): Sample => [{ ...labelsOf(node), state: node.state }, 1]),
  );
  page.gauge(
    'coterie_node_membership',
    'How the other nodes see it (alive, suspect, dead, left): 1 for that one.',
    nodes.flatMap((node): Sample[] =>
      node.membership === null ? [] : [[{ ...labelsOf(node), state: node.membership.state }, 1]],
    ),
  );
  page.counter(
    'coterie_node_restarts_total',
    'Restarts by the host after a crash.',
    each(({ restartCount }) => restartCount),
  );
  page.gauge(
    'coterie_peers_down',
    'Peers the node cannot reach.',
    perNode(nodes, (f) => f.peersDown.length),
  );
  page.gauge(
    'coterie_timer_lateness_p99_seconds',
    'How late the node’s own timers are: what its load adds to every probe.',
    perNode(nodes, ({ probeLatenessP99Ms: ms }) => (ms === null || ms === undefined ? null : ms / 1_000)),
  );
  page.gauge(
    'coterie_memory_bytes',
    'Memory of the node process.',
    perNode(nodes, (f) => f.memoryBytes),
  );
  page.gauge(
    'coterie_clients',
    'Connected clients.',
    perNode(nodes, (f) => f.clientCount),
  );
}

function writeKeyspaces(page: Exposition, keyspaces: readonly KeyspaceView[]): void {
  const each = (pick: (keyspace: KeyspaceView) => number): Sample[] =>
    keyspaces.map((keyspace) => [{ keyspace: keyspace.name }, pick(keyspace)]);
  page.gauge(
    'coterie_partitions_under_replicated',
    'Partitions that lack a replica now.',
    each((k) => k.underReplicated),
  );
  page.gauge(
    'coterie_partitions_unavailable',
    'Partitions that cannot be used at the keyspace’s levels now.',
    each((k) => k.unavailable),
  );
  page.gauge(
    'coterie_partitions_unreadable',
    'Partitions that cannot be read at the keyspace’s level now.',
    each((k) => k.unreadable),
  );
  page.gauge(
    'coterie_partitions_unwritable',
    'Partitions that cannot be written at the keyspace’s level now.',
    each((k) => k.unwritable),
  );
  page.gauge(
    'coterie_partitions_possibly_lost',
    'Partitions in which acknowledged writes may be lost, until a person accepts it.',
    each((k) => k.possibleLoss?.partitions ?? 0),
  );
}
