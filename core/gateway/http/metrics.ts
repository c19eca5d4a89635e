/**
 * A cluster's figures for Prometheus, named by its conventions (prometheus.io, "Metric and label naming"): base units, `_total` for
 * what only rises. What a node has not measured since it started is left out.
 */
import { productVersion } from '../../base/version.ts';
import { latencyBoundsMs, type NodeView } from '../../contract/node-views.ts';
import type { KeyspaceView, Snapshot } from '../../contract/views.ts';
import { Exposition, type Labels, type Sample } from './exposition.ts';

type Figures = NonNullable<NodeView['figures']>;

const labelsOf = ({ name, dataCenter }: NodeView): Labels => ({ node: name, data_center: dataCenter });

export function metricsText({
  nodes,
  keyspaces,
}: Pick<Snapshot, 'keyspaces'> & { readonly nodes: readonly NodeView[] }): string {
  const page = new Exposition();
  page.gauge('coterie_build_info', 'The version that answers.', [[{ version: productVersion }, 1]]);
  writeStates(page, nodes);
  writeOperations(page, nodes);
  writeStorage(page, nodes);
  writeCopies(page, nodes);
  writeKeyspaces(page, keyspaces);
  return page.text();
}

function perNode(nodes: readonly NodeView[], pick: (figures: Figures) => number | null): Sample[] {
  return nodes.map((node) => [labelsOf(node), node.figures === null ? null : pick(node.figures)]);
}

/** One sample for each thing that a node has several of. */
function perNodeAnd<T>(
  nodes: readonly NodeView[],
  items: (figures: Figures) => readonly T[],
  sample: (item: T) => readonly [Labels, number],
): Sample[] {
  return nodes.flatMap((node) =>
    (node.figures === null ? [] : items(node.figures)).map((item): Sample => {
      const [labels, value] = sample(item);
      return [{ ...labelsOf(node), ...labels }, value];
    }),
  );
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

function writeOperations(page: Exposition, nodes: readonly NodeView[]): void {
  page.counter(
    'coterie_operations_total',
    'Reads and writes that the node coordinated, by outcome; refused: the level was not met.',
    nodes.flatMap((node): Sample[] =>
      (node.figures?.operations ?? []).flatMap(({ kind, count, refused }): Sample[] => [
        [{ ...labelsOf(node), kind, outcome: 'ok' }, Math.max(0, count - refused)],
        [{ ...labelsOf(node), kind, outcome: 'refused' }, refused],
      ]),
    ),
  );
  page.histogram(
    'coterie_operation_duration_seconds',
    'How long they took.',
    latencyBoundsMs.map((ms) => ms / 1_000),
    nodes.flatMap((node) =>
      (node.figures?.operations ?? []).map(({ kind, latency: { counts, count, sumMs } }) => ({
        labels: { ...labelsOf(node), kind },
        ...{ counts, count, sum: sumMs / 1_000 },
      })),
    ),
  );
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1_000);
  page.gauge(
    'coterie_reads_per_second',
    'Coordinated reads of the last second.',
    perNode(nodes, (f) => f.readsPerSecond),
  );
  page.gauge(
    'coterie_writes_per_second',
    'Coordinated writes of the last second.',
    perNode(nodes, (f) => f.writesPerSecond),
  );
  page.gauge(
    'coterie_read_latency_p99_seconds',
    '99th percentile of the last second.',
    perNode(nodes, (f) => seconds(f.readP99Ms)),
  );
  page.gauge(
    'coterie_write_latency_p99_seconds',
    '99th percentile of the last second.',
    perNode(nodes, (f) => seconds(f.writeP99Ms)),
  );
  page.counter(
    'coterie_refused_total',
    'Requests whose level was not met.',
    perNode(nodes, (f) => f.refused),
  );
  page.counter(
    'coterie_read_repairs_total',
    'Stale replicas repaired by reads.',
    perNode(nodes, (f) => f.readRepairs),
  );
}

function writeStorage(page: Exposition, nodes: readonly NodeView[]): void {
  page.gauge(
    'coterie_keys',
    'Live keys held by the node.',
    perNode(nodes, (f) => f.keyCount),
  );
  page.gauge(
    'coterie_disk_bytes',
    'Bytes on disk.',
    perNode(nodes, (f) => f.diskBytes),
  );
  page.gauge(
    'coterie_dead_bytes',
    'Of them: what no key refers to any more.',
    perNode(nodes, (f) => f.deadBytes),
  );
  page.gauge(
    'coterie_cold_disk_bytes',
    'Bytes on disk, compressed tier.',
    perNode(nodes, (f) => f.coldDiskBytes),
  );
  page.gauge(
    'coterie_cold_raw_bytes',
    'What those were before they were compressed.',
    perNode(nodes, (f) => f.coldRawBytes),
  );
  page.gauge(
    'coterie_hot_bytes',
    'Bytes of values in memory.',
    perNode(nodes, (f) => f.hotBytes),
  );
  page.gauge(
    'coterie_hot_bytes_max',
    'Bytes that they may take.',
    perNode(nodes, (f) => f.hotBytesMax),
  );
  page.gauge(
    'coterie_hot_hit_ratio',
    'Reads served from memory, 0 to 1.',
    perNode(nodes, (f) => f.hotHitRate),
  );
  page.counter(
    'coterie_tombstones_collected_total',
    'Deleted and expired values that the node forgot for good.',
    perNode(nodes, (f) => f.collected),
  );
}

/** What the node owes others, and lacks itself. */
function writeCopies(page: Exposition, nodes: readonly NodeView[]): void {
  page.gauge(
    'coterie_hints',
    'Writes that the node keeps for another one.',
    perNodeAnd(
      nodes,
      ({ hints }) => hints,
      ({ node, owed }) => [{ peer: node }, owed],
    ),
  );
  page.gauge(
    'coterie_hint_bytes',
    'Bytes of them.',
    perNodeAnd(
      nodes,
      ({ hints }) => hints,
      ({ node, owedBytes }) => [{ peer: node }, owedBytes],
    ),
  );
  page.counter(
    'coterie_hints_done_total',
    'What became of the others: sent, expired, or skipped because the peer had them.',
    (['sent', 'expired', 'skipped'] as const).flatMap((outcome) =>
      perNodeAnd(
        nodes,
        ({ hints }) => hints,
        (hint) => [{ peer: hint.node, outcome }, hint[outcome]],
      ),
    ),
  );
  page.counter(
    'coterie_redirected_total',
    'Writes that the node took in the place of a replica that could not be reached.',
    perNode(nodes, (f) => f.redirected),
  );
  page.gauge(
    'coterie_partitions_rebuilding',
    'Partitions in which the node lacks data and has not been compared with every other replica.',
    perNode(nodes, (f) => f.rebuildingPartitions),
  );
  page.gauge(
    'coterie_partitions_lost',
    'Of them: those in which it does not answer reads.',
    perNode(nodes, (f) => f.lostPartitions),
  );
  page.counter(
    'coterie_background_work_total',
    'What the node’s workers have done, by worker.',
    perNodeAnd(
      nodes,
      ({ work }) => work,
      ({ name, done }) => [{ worker: name }, done],
    ),
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
