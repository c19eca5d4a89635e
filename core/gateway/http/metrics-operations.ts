/** What clients did, and what waits, for Prometheus. */
import { latencyBoundsMs, type NodeView } from '../../contract/node-views.ts';
import type { Exposition } from './exposition.ts';
import { labelsOf, perMeasured, perNode, perNodeAnd } from './metrics-samples.ts';

export function writeOperations(page: Exposition, nodes: readonly NodeView[]): void {
  page.counter(
    'coterie_operations_total',
    'Reads and writes that the node coordinated; refused: too few replicas took or answered it, failed: it could not be done as asked.',
    (['ok', 'refused', 'failed'] as const).flatMap((outcome) =>
      perNodeAnd(
        nodes,
        ({ measures }) => measures?.operations ?? [],
        ({ keyspace, kind, level, ...counts }) => [{ keyspace, kind, level, outcome }, counts[outcome]],
      ),
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
  page.counter(
    'coterie_speculative_retries_total',
    'Reads that asked a further replica because one was slow.',
    perMeasured(nodes, (m) => m.speculativeRetries),
  );
  page.counter(
    'coterie_forwarded_commands_total',
    'Commands that were sent on to another node, which coordinates their key.',
    perMeasured(nodes, (m) => m.forwarded),
  );
  page.counter(
    'coterie_sibling_reads_total',
    'Reads that found several versions beside each other.',
    perMeasured(nodes, (m) => m.siblings.reads),
  );
  page.counter(
    'coterie_sibling_writes_total',
    'Writes that left several versions beside each other.',
    perMeasured(nodes, (m) => m.siblings.writes),
  );
}

/** What waits, or is under way, at the moment of the report. */
export function writeQueues(page: Exposition, nodes: readonly NodeView[]): void {
  page.gauge(
    'coterie_peer_requests',
    'Questions to other nodes that are not answered yet.',
    perMeasured(nodes, ({ queues }) => queues.requests),
  );
  page.gauge(
    'coterie_commands_pending',
    'Commands of Redis clients that are not answered yet.',
    perMeasured(nodes, ({ queues }) => queues.commands),
  );
  page.gauge(
    'coterie_commands_waiting',
    'Of them: those that wait for one before them on the same connection.',
    perMeasured(nodes, ({ queues }) => queues.commandsWaiting),
  );
  page.gauge(
    'coterie_large_commands_waiting',
    'Large commands that wait for memory.',
    perMeasured(nodes, ({ queues }) => queues.largeWaiting),
  );
  page.gauge(
    'coterie_client_memory_bytes',
    'What Redis clients make the node hold: unfinished input, commands under way, unread replies.',
    perMeasured(nodes, ({ queues }) => queues.clientBytes),
  );
  page.gauge(
    'coterie_storage_pending_bytes',
    'Changes on their way to the disk.',
    perMeasured(nodes, ({ queues }) => queues.storageBytes),
  );
}
