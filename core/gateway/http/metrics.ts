/** A cluster's figures in the text format that Prometheus reads (prometheus.io, "Exposition formats", version 0.0.4). */
import type { Snapshot } from '../../contract/views.ts';

type Labels = Readonly<Record<string, string>>;

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

class Page {
  #lines: string[] = [];

  family(
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    samples: readonly [Labels, number | null][],
  ): void {
    const measured = samples.filter((sample): sample is [Labels, number] => sample[1] !== null);
    if (measured.length === 0) return;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of measured) {
      const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
      this.#lines.push(`${name}{${text.join(',')}} ${value}`);
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** What a node has not measured since it started is left out: a gap is a gap, not zero. */
export function metricsText({ nodes, keyspaces }: Pick<Snapshot, 'nodes' | 'keyspaces'>): string {
  const page = new Page();
  type Figures = NonNullable<(typeof nodes)[number]['figures']>;
  const perNode = (pick: (figures: Figures) => number | null): [Labels, number | null][] =>
    nodes.map(({ name, dataCenter, figures }) => [
      { node: name, data_center: dataCenter },
      figures === null ? null : pick(figures),
    ]);
  page.family(
    'coterie_node_up',
    'gauge',
    'Whether the node takes clients.',
    nodes.map(({ name, dataCenter, state }) => [
      { node: name, data_center: dataCenter },
      state === 'up' ? 1 : 0,
    ]),
  );
  page.family(
    'coterie_node_restarts_total',
    'counter',
    'Restarts by the host after a crash.',
    nodes.map(({ name, dataCenter, restartCount }) => [
      { node: name, data_center: dataCenter },
      restartCount,
    ]),
  );
  page.family(
    'coterie_keys',
    'gauge',
    'Live keys held by the node.',
    perNode((f) => f.keyCount),
  );
  page.family(
    'coterie_disk_bytes',
    'gauge',
    'Bytes on disk.',
    perNode((f) => f.diskBytes),
  );
  page.family(
    'coterie_cold_disk_bytes',
    'gauge',
    'Bytes on disk, compressed tier.',
    perNode((f) => f.coldDiskBytes),
  );
  page.family(
    'coterie_hot_bytes',
    'gauge',
    'Bytes of values in memory.',
    perNode((f) => f.hotBytes),
  );
  page.family(
    'coterie_hot_hit_ratio',
    'gauge',
    'Reads served from memory, 0 to 1.',
    perNode((f) => f.hotHitRate),
  );
  page.family(
    'coterie_memory_bytes',
    'gauge',
    'Memory of the node process.',
    perNode((f) => f.memoryBytes),
  );
  page.family(
    'coterie_clients',
    'gauge',
    'Connected clients.',
    perNode((f) => f.clientCount),
  );
  page.family(
    'coterie_reads_per_second',
    'gauge',
    'Coordinated reads.',
    perNode((f) => f.readsPerSecond),
  );
  page.family(
    'coterie_writes_per_second',
    'gauge',
    'Coordinated writes.',
    perNode((f) => f.writesPerSecond),
  );
  page.family(
    'coterie_read_latency_p99_seconds',
    'gauge',
    '99th percentile of the last second.',
    perNode((f) => (f.readP99Ms === null ? null : f.readP99Ms / 1000)),
  );
  page.family(
    'coterie_write_latency_p99_seconds',
    'gauge',
    '99th percentile of the last second.',
    perNode((f) => (f.writeP99Ms === null ? null : f.writeP99Ms / 1000)),
  );
  page.family(
    'coterie_read_repairs_total',
    'counter',
    'Stale replicas repaired by reads.',
    perNode((f) => f.readRepairs),
  );
  page.family(
    'coterie_refused_total',
    'counter',
    'Requests whose level was not met.',
    perNode((f) => f.refused),
  );
  page.family(
    'coterie_peers_down',
    'gauge',
    'Peers the node cannot reach.',
    perNode((f) => f.peersDown.length),
  );
  const perKeyspace = (pick: (keyspace: (typeof keyspaces)[number]) => number): [Labels, number][] =>
    keyspaces.map((keyspace) => [{ keyspace: keyspace.name }, pick(keyspace)]);
  page.family(
    'coterie_partitions_under_replicated',
    'gauge',
    'Partitions that lack a replica now.',
    perKeyspace((k) => k.underReplicated),
  );
  page.family(
    'coterie_partitions_unavailable',
    'gauge',
    'Partitions that cannot be used at the keyspace’s levels now.',
    perKeyspace((k) => k.unavailable),
  );
  page.family(
    'coterie_partitions_possibly_lost',
    'gauge',
    'Partitions in which acknowledged writes may be lost, until a person accepts it.',
    perKeyspace((k) => k.possibleLoss?.partitions ?? 0),
  );
  return page.text();
}
