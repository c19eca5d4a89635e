/** The figures that a node process reports each second: measured, never estimated. */
import type { Histogram } from '../base/histogram.ts';
import { latencyBoundsMs, type NodeFigures } from '../contract/node-views.ts';
import type { MembershipDriver } from '../node/membership-driver.ts';
import type { StorageNode } from '../node/storage-node.ts';
import type { Clock } from '../ports/clock.ts';
import type { PeerNetwork } from '../ports/peer-network.ts';
import { lossFiguresOf } from './losses.ts';
import type { Measures } from './measures.ts';

export interface FigureState {
  readonly clock: Clock;
  atMs: number;
  reads: number;
  writes: number;
  readonly latencies: Readonly<Record<'read' | 'write', LatencyTotals>>;
}

/** Since the node started, at most so long as each of `latencyBoundsMs`. */
interface LatencyTotals {
  counts: number[];
  count: number;
  sumMs: number;
}

export function newFigureState(clock: Clock): FigureState {
  const none = (): LatencyTotals => ({ counts: latencyBoundsMs.map(() => 0), count: 0, sumMs: 0 });
  return {
    ...{ clock, atMs: clock.monotonicMs(), reads: 0, writes: 0 },
    latencies: { read: none(), write: none() },
  };
}

/** Rates and percentiles cover the time since the previous call. */
export function figuresOf(
  node: StorageNode,
  clientCount: number,
  state: FigureState,
  measures: Measures,
  network: PeerNetwork,
  membership: MembershipDriver,
): NodeFigures {
  const { counters } = node.parts;
  const now = state.clock.monotonicMs();
  const seconds = Math.max(0.001, (now - state.atMs) / 1000);
  const storage = node.engine.statistics();
  const lookups = storage.hotHits + storage.hotMisses;
  const { readLatency, writeLatency } = node.store;
  addTo(state.latencies.read, readLatency);
  addTo(state.latencies.write, writeLatency);
  const figures: NodeFigures = {
    measuredAtMs: state.clock.nowMs(),
    keyCount: storage.liveKeyCount,
    diskBytes: storage.warmDiskBytes + storage.coldDiskBytes,
    coldDiskBytes: storage.coldDiskBytes,
    coldRawBytes: storage.coldRawBytes,
    deadBytes: storage.deadBytes,
    hotBytes: storage.hotBytes,
    hotBytesMax: storage.hotBytesMax,
    hotHitRate: lookups === 0 ? null : storage.hotHits / lookups,
    memoryBytes: process.memoryUsage.rss(),
    clientCount,
    readsPerSecond: (counters.reads - state.reads) / seconds,
    writesPerSecond: (counters.writes - state.writes) / seconds,
    readP99Ms: readLatency.percentileMs(0.99),
    writeP99Ms: writeLatency.percentileMs(0.99),
    readRepairs: counters.readRepairs,
    operations: [
      {
        ...{ kind: 'read', count: counters.reads, refused: counters.readsRefused },
        latency: state.latencies.read,
      },
      {
        ...{ kind: 'write', count: counters.writes, refused: counters.writesRefused },
        latency: state.latencies.write,
      },
    ],
    refused: counters.readsRefused + counters.writesRefused,
    rebuildingPartitions: node.parts.eligibility.missingCount,
    lostPartitions: node.parts.eligibility.lostOrUnknownCount,
    ...lossFiguresOf(node),
    redirected: counters.redirected,
    collected: node.collectedCount,
    work: node.work().map(({ doneCount, ...rest }) => ({ ...rest, done: doneCount })),
    hints: node.parts.hints.ledger().map(({ peer, ...account }) => ({
      node: node.layout.nodes.find((other) => other.id === peer)?.name ?? 'a node that left',
      ...account,
    })),
    peersDown: node.layout.nodes
      .filter((other) => other.id !== node.parts.selfId && !network.isUp(other.id))
      .map((other) => other.name),
    probeLatenessP99Ms: membership.latenessMs,
    measures: measures.take(storage),
  };
  membership.lateness.reset();
  readLatency.reset();
  writeLatency.reset();
  state.atMs = now;
  state.reads = counters.reads;
  state.writes = counters.writes;
  return figures;
}

function addTo(totals: LatencyTotals, since: Histogram): void {
  const counts = since.countsUpTo(latencyBoundsMs);
  totals.counts = totals.counts.map((count, index) => count + counts[index]);
  totals.count += since.count;
  totals.sumMs += since.sumMs;
}
