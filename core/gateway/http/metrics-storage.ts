/** What a node has on disk and in memory, for Prometheus. */
import type { NodeView } from '../../contract/node-views.ts';
import type { Exposition } from './exposition.ts';
import { perMeasured, perNode } from './metrics-samples.ts';

export function writeStorage(page: Exposition, nodes: readonly NodeView[]): void {
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
  page.gauge(
    'coterie_tombstones',
    'Deleted and expired values that the node keeps for now, so that no replica brings them back.',
    perMeasured(nodes, (m) => m.deadRecords),
  );
  page.gauge(
    'coterie_damaged_segments',
    'Damaged files of the storage that are set aside.',
    perMeasured(nodes, ({ damage }) => damage.segments),
  );
  page.counter(
    'coterie_damaged_records_total',
    'Records on disk that were found damaged.',
    perMeasured(nodes, ({ damage }) => damage.records),
  );
  page.gauge(
    'coterie_filesystem_size_bytes',
    'Size of the file system in which the node’s folder lies.',
    perMeasured(nodes, ({ fileSystem }) => fileSystem?.totalBytes ?? null),
  );
  page.gauge(
    'coterie_filesystem_used_bytes',
    'Of it: what is used, by whomever.',
    perMeasured(nodes, ({ fileSystem }) => fileSystem?.usedBytes ?? null),
  );
  page.gauge(
    'coterie_filesystem_free_bytes',
    'Of it: what the node may still use.',
    perMeasured(nodes, ({ fileSystem }) => fileSystem?.freeBytes ?? null),
  );
}
