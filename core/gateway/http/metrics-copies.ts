/** What a node owes others, lacks itself, and compares with them, for Prometheus. */
import type { NodeMeasures } from '../../contract/node-measures.ts';
import type { NodeView } from '../../contract/node-views.ts';
import type { Exposition } from './exposition.ts';
import { perMeasured, perNode, perNodeAnd } from './metrics-samples.ts';

export function writeCopies(page: Exposition, nodes: readonly NodeView[]): void {
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
  writeRepair(page, nodes);
}

/** What nodes compare with each other in the background, and bring where it was missing. */
function writeRepair(page: Exposition, nodes: readonly NodeView[]): void {
  const counter = (name: string, help: string, pick: (repair: NodeMeasures['repair']) => number): void =>
    page.counter(
      `coterie_repair_${name}_total`,
      help,
      perMeasured(nodes, ({ repair }) => pick(repair)),
    );
  counter('exchanges', 'Comparisons with a peer that the node led.', (r) => r.exchanges);
  counter('failures', 'Of them: those that failed.', (r) => r.failures);
  counter('partitions_compared', 'Partitions compared in them.', (r) => r.partitionsCompared);
  counter(
    'partitions_differing',
    'Of them: those in which something differed.',
    (r) => r.partitionsDiffering,
  );
  counter('keys_differing', 'Keys that differed.', (r) => r.keysDiffering);
  counter('records_sent', 'Records that a peer lacked.', (r) => r.recordsSent);
  counter('records_received', 'Records that the node lacked.', (r) => r.recordsReceived);
  counter('value_bytes', 'Bytes of them, both ways.', (r) => r.valueBytes);
  counter('tree_bytes', 'Bytes of what was compared, both ways.', (r) => r.treeBytes);
  page.gauge(
    'coterie_repair_unsettled_keys',
    'Keys that differ and could not be settled yet.',
    perMeasured(nodes, ({ repair }) => repair.unsettledKeys),
  );
  page.gauge(
    'coterie_repair_oldest_comparison_timestamp_seconds',
    'When that was compared which has waited longest; absent while some of it has not been since the node started.',
    perMeasured(nodes, ({ repair: { oldestComparisonMs: atMs } }) =>
      atMs === null || atMs === 0 ? null : atMs / 1_000,
    ),
  );
  page.counter(
    'coterie_rebuild_records_total',
    'Records that came of partitions in which the node lacked data.',
    perMeasured(nodes, ({ rebuild }) => rebuild.recordsReceived),
  );
  page.counter(
    'coterie_rebuild_bytes_total',
    'Bytes of them.',
    perMeasured(nodes, ({ rebuild }) => rebuild.valueBytes),
  );
}
