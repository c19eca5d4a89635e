/** Metrics as Prometheus takes them, and rules and a dashboard that name what there is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../core/base/histogram.ts';
import type { NodeMeasures } from '../../../core/contract/node-measures.ts';
import { latencyBoundsMs } from '../../../core/contract/node-views.ts';
import { metricsText } from '../../../core/gateway/http/metrics.ts';
import { FakeCluster } from '../../ui/fake-cluster.ts';

const measures: NodeMeasures = {
  operations: [
    { keyspace: 'shop', kind: 'read', level: 'QUORUM', ok: 7, refused: 2, failed: 1 },
    { keyspace: 'shop', kind: 'read', level: 'ONE', ok: 4, refused: 0, failed: 0 },
    { keyspace: 'till', kind: 'write', level: 'ALL', ok: 0, refused: 5, failed: 0 },
  ],
  fileSystem: { totalBytes: 1_000, usedBytes: 700, freeBytes: 250 },
  queues: {
    ...{
      requests: 5,
      commands: 4,
      commandsWaiting: 3,
      largeWaiting: 2,
      clientBytes: 1_024,
      storageBytes: 512,
    },
  },
  deadRecords: 12,
  siblings: { reads: 3, writes: 2 },
  damage: { segments: 1, records: 9 },
  repair: {
    ...{ exchanges: 6, failures: 1, partitionsCompared: 512, partitionsDiffering: 3, keysDiffering: 8 },
    ...{ recordsSent: 5, recordsReceived: 3, valueBytes: 4_096, treeBytes: 900, unsettledKeys: 0 },
    oldestComparisonMs: 1_700_000_000_500,
  },
  rebuild: { recordsReceived: 40, valueBytes: 8_000 },
  speculativeRetries: 2,
  forwarded: 11,
};

function pageOf(given: Partial<NodeMeasures> = {}): string {
  const cluster = new FakeCluster('three');
  const { keyspaces, nodes } = cluster.snapshot();
  cluster.close();
  const latency = { counts: latencyBoundsMs.map((_, index) => Math.min(index, 9)), count: 10, sumMs: 1_234 };
  const operations = (['read', 'write'] as const).map((kind) => ({ kind, count: 12, refused: 2, latency }));
  const hints = [{ node: 'home "2"\\', owed: 3, owedBytes: 400, sent: 5, expired: 0, skipped: 1 }];
  const membership = { state: 'alive' as const, sinceMs: 0, suspectedBy: [], confirmedBy: [] };
  const [first, ...others] = nodes;
  const figures = { ...first.figures!, operations, hints, measures: { ...measures, ...given } };
  return metricsText({ keyspaces, nodes: [{ ...first, figures, membership }, ...others] });
}

const page = pageOf();
const families = new Map(
  [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type] as const),
);
const samples = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the page of metrics', () => {
  it('has one help and one type for each family, and no sample without', () => {
    expect([...page.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name)).toEqual([...families.keys()]);
    for (const sample of samples) {
      const [, name] =
        /^([a-z0-9_]+)(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? -?[0-9.e+-]+$/.exec(sample) ?? [];
      expect(name, sample).toBeDefined();
      const family = families.has(name!) ? name! : name!.replace(/_(bucket|sum|count)$/, '');
      expect(families.has(family), sample).toBe(true);
    }
  });

  it('names by convention: prefix, base units, _total for what only rises and for nothing else', () => {
    for (const [name, type] of families) {
      expect(name).toMatch(/^coterie_[a-z0-9_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(ms|milliseconds|kib|mib|percent)(_|$)/);
    }
  });

  it('has every sample once', () => {
    const keys = samples.map((sample) => sample.slice(0, sample.lastIndexOf(' ')));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has histograms whose buckets rise to their count', () => {
    const buckets = samples.filter(
      (line) => line.startsWith('coterie_operation_duration_seconds_bucket') && line.includes('kind="read"'),
    );
    const counts = buckets.map((line) => Number(line.slice(line.lastIndexOf(' '))));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(buckets.at(-1)).toContain('le="+Inf"');
    expect(counts.at(-1)).toBe(10);
    expect(page).toContain(
      'coterie_operation_duration_seconds_sum{node="home-1",data_center="home",kind="read"} 1.234',
    );
  });
});

describe('figures of a node', () => {
  const valuesOf = (name: string, labels: string, text = page) =>
    text.split('\n').flatMap((line) => {
      const [, found, own, value] = /^([a-z0-9_]+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
      return found === name && own.includes('node="home-1"') && own.includes(labels) ? [Number(value)] : [];
    });

  it('count operations by keyspace, kind, level and outcome, and only those that there were any of', () => {
    const name = 'coterie_operations_total';
    const ofShop = 'keyspace="shop",kind="read",level="QUORUM"';
    expect(valuesOf(name, `${ofShop},outcome="ok"`)).toEqual([7]);
    expect(valuesOf(name, `${ofShop},outcome="refused"`)).toEqual([2]);
    expect(valuesOf(name, `${ofShop},outcome="failed"`)).toEqual([1]);
    expect(valuesOf(name, 'keyspace="till"')).toEqual([0, 5, 0]);
    expect(valuesOf(name, 'level="TWO"')).toEqual([]);
  });

  it('tell the room on the disk, what waits, and what is damaged, deleted, beside each other and compared', () => {
    for (const [name, value] of [
      ['coterie_filesystem_size_bytes', 1_000],
      ['coterie_filesystem_used_bytes', 700],
      ['coterie_filesystem_free_bytes', 250],
      ['coterie_peer_requests', 5],
      ['coterie_commands_pending', 4],
      ['coterie_commands_waiting', 3],
      ['coterie_large_commands_waiting', 2],
      ['coterie_client_memory_bytes', 1_024],
      ['coterie_storage_pending_bytes', 512],
      ['coterie_tombstones', 12],
      ['coterie_sibling_reads_total', 3],
      ['coterie_sibling_writes_total', 2],
      ['coterie_damaged_segments', 1],
      ['coterie_damaged_records_total', 9],
      ['coterie_repair_partitions_compared_total', 512],
      ['coterie_repair_oldest_comparison_timestamp_seconds', 1_700_000_000.5],
      ['coterie_rebuild_records_total', 40],
    ] as const) {
      expect(valuesOf(name, ''), name).toEqual([value]);
    }
  });

  it('leave out what is not known: a file system that does not answer, and a time before the first comparison', () => {
    const repair = { ...measures.repair, oldestComparisonMs: 0 };
    const text = pageOf({ fileSystem: null, repair });
    expect(valuesOf('coterie_filesystem_free_bytes', '', text)).toEqual([]);
    expect(valuesOf('coterie_repair_oldest_comparison_timestamp_seconds', '', text)).toEqual([]);
    expect(valuesOf('coterie_repair_exchanges_total', '', text)).toEqual([6]);
  });
});

describe('what comes with it', () => {
  const folder = join(import.meta.dirname, '../../../build/monitoring');
  const known = (name: string) =>
    families.has(name) || families.has(name.replace(/_(bucket|sum|count)$/, ''));
  const namedIn = (text: string) => [...new Set(text.match(/\bcoterie_[a-z0-9_]+/g))];

  it.each(['alerts.yml', 'grafana.json'])('%s asks for metrics that there are', (file) => {
    const named = namedIn(readFileSync(join(folder, file), 'utf8'));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !known(name))).toEqual([]);
  });

  it('has alerts that say what to do, with counters only as rates and gauges never so', () => {
    const rules = readFileSync(join(folder, 'alerts.yml'), 'utf8').split('- alert: ').slice(1);
    for (const rule of rules) {
      for (const part of ['expr: ', 'severity: ', 'summary: ', 'action: ']) expect(rule).toContain(part);
      const [, expr] = /expr: (.*)/.exec(rule)!;
      for (const [, wrap, name] of expr.matchAll(/(rate|increase)?\(?(coterie_[a-z0-9_]+)/g)) {
        const rises = name.endsWith('_total') || name.endsWith('_bucket');
        expect(wrap !== undefined, `${name} in ${expr}`).toBe(rises);
      }
    }
  });

  it('names only labels that the metrics have, and after an aggregation only those that it keeps', () => {
    const labelsIn = (name: string) =>
      samples
        .filter((line) => line.startsWith(`${name}{`))
        .flatMap((line) => [...line.matchAll(/([a-z_]+)="/g)].map(([, label]) => label));
    const check = (expr: string, shown: readonly string[]) => {
      const there = new Set(namedIn(expr).flatMap(labelsIn));
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].map(([, list]) => list.split(', '));
      for (const label of grouped.flat()) expect([...there], expr).toContain(label);
      const kept = grouped[0] ?? [...there];
      for (const label of shown) expect(kept, expr).toContain(label);
    };
    const rules = readFileSync(join(folder, 'alerts.yml'), 'utf8').split('- alert: ').slice(1);
    for (const rule of rules) {
      const [, expr] = /expr: (.*)/.exec(rule)!;
      check(
        expr,
        [...rule.matchAll(/\$labels\.([a-z_]+)/g)].map(([, label]) => label),
      );
    }
    const { panels } = JSON.parse(readFileSync(join(folder, 'grafana.json'), 'utf8')) as {
      panels: { targets: { expr: string; legendFormat: string }[] }[];
    };
    for (const { expr, legendFormat } of panels.flatMap(({ targets }) => targets)) {
      check(
        expr,
        [...legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g)].map(([, label]) => label),
      );
    }
  });

  it('has a dashboard whose panels have a title, a unit and a question, and do not overlap', () => {
    const { panels } = JSON.parse(readFileSync(join(folder, 'grafana.json'), 'utf8')) as {
      panels: {
        title: string;
        gridPos: { x: number; y: number; w: number; h: number };
        targets: { expr: string }[];
        fieldConfig: { defaults: { unit: string } };
      }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { title, targets, fieldConfig } of panels) {
      expect(title).not.toBe('');
      expect(fieldConfig.defaults.unit).not.toBe('');
      expect(targets.length).toBeGreaterThan(0);
    }
  });
});

describe('a histogram', () => {
  it('counts up to bounds, never more than there are, and gives their sum', () => {
    const histogram = new Histogram();
    const durations = [0.2, 0.7, 3, 40, 40, 900, 20_000];
    for (const ms of durations) histogram.recordMs(ms);
    const counts = histogram.countsUpTo(latencyBoundsMs);
    for (const [index, bound] of latencyBoundsMs.entries()) {
      const exact = durations.filter((ms) => ms <= bound).length;
      // A bucket is an eighth of a power of two wide: what lies just below a bound may count above it.
      const least = durations.filter((ms) => ms <= bound * 0.875).length;
      expect(counts[index]).toBeLessThanOrEqual(exact);
      expect(counts[index]).toBeGreaterThanOrEqual(least);
    }
    expect(histogram.sumMs).toBeCloseTo(20_983.9);
  });
});
