/**
 * One simulation run: clients write and read while a nemesis strikes; then everything heals and every acknowledged write is
 * looked for. One seed decides all of it.
 */
import type { ConflictPolicy, ConsistencyLevel } from '../../../core/base/levels.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedCluster } from './cluster.ts';
import type { LatencyModel } from './latency.ts';
import { type FaultKind, Nemesis } from './nemesis.ts';
import { type Counts, type WorkloadName, workloadOf } from './workloads.ts';

export interface RunOptions {
  readonly workload: WorkloadName;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  /** Stand-ins count: what is acknowledged is there in the end, though a read meanwhile may miss it. */
  readonly sloppy: boolean;
  readonly nodeCount: number;
  readonly keyCount: number;
  readonly writesPerKey: number;
  readonly faults: readonly FaultKind[];
  readonly lossShare: number;
  readonly latency: LatencyModel;
  /** Replicas are compared in the background, and must all be equal in the end. */
  readonly healing: boolean;
  readonly clockSkewMaxMs: number;
}

export const safeOptions: RunOptions = {
  workload: 'register',
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  conflicts: 'siblings',
  sloppy: false,
  nodeCount: 3,
  keyCount: 4,
  writesPerKey: 25,
  faults: ['crash', 'isolate'],
  lossShare: 0.03,
  latency: 'uniform',
  healing: false,
  clockSkewMaxMs: 200,
};

export interface RunOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly acknowledgedCount: number;
  readonly refusedCount: number;
  readonly readCount: number;
  readonly faultCounts: Readonly<Partial<Record<FaultKind, number>>>;
  readonly virtualMs: number;
  readonly transcript: readonly string[];
}

/** Of virtual time; a full round of comparisons takes a few seconds at the simulated tick. */
const convergeWithinMs = 60_000;

export async function simulate(seed: number, options: RunOptions): Promise<RunOutcome> {
  const cluster = new SimulatedCluster(seed, {
    nodeCount: options.nodeCount,
    readLevel: options.readLevel,
    writeLevel: options.writeLevel,
    conflicts: options.conflicts,
    sloppy: options.sloppy,
    network: {
      lossShare: options.lossShare,
      latency: options.latency,
      repeatShare: 0.03,
      delayMinMs: 0.2,
      delayMaxMs: 15,
      noticeMs: 300,
    },
    clockSkewMaxMs: options.clockSkewMaxMs,
    diskDelayMaxMs: 4,
    ...(options.healing ? { antiEntropyTickMs: 500 } : {}),
  });
  const { time } = cluster;
  // The nemesis draws from its own source, so that a change of the workload does not move the faults.
  const fate = new SeededRandom(seed ^ 0x5eed);
  const violations: string[] = [];
  const counts: Counts = { acknowledged: 0, refused: 0, reads: 0 };
  await cluster.startAll();

  const violate = (words: string) => {
    violations.push(words);
    cluster.note(words);
  };
  const workloads = Array.from({ length: options.keyCount }, (_, index) => {
    const key = `key-${index}`;
    const { sloppy, writesPerKey: writes } = options;
    return {
      key,
      workload: workloadOf(options.workload, { cluster, key, writes, counts, strict: !sloppy, violate }),
    };
  });

  const nemesis = new Nemesis(cluster, fate, options.faults);
  const faults = nemesis.run();
  await time.until(Promise.all(workloads.map(({ workload }) => workload.run())));
  nemesis.stop();
  await time.until(faults);
  cluster.network.heal();
  cluster.network.faults.lossShare = 0;
  // Time enough for what is owed to be delivered.
  await time.advance(options.sloppy ? 15_000 : 3_000);

  if (options.healing) await time.until(untilWhole(cluster, violate));
  for (const what of cluster.hanging()) violate(`never answered: ${what}`);
  for (const { key, workload } of workloads) {
    for (const member of cluster.members) {
      try {
        const found = await time.until(cluster.within(cluster.read(member, key), 5_000));
        counts.reads++;
        workload.check(found, `after healing, read at n${member.id}`, true);
      } catch (error) {
        violate(`after healing, n${member.id} cannot read ${key}: ${(error as Error).message}`);
      }
    }
  }
  return {
    seed,
    violations,
    acknowledgedCount: counts.acknowledged,
    refusedCount: counts.refused,
    readCount: counts.reads,
    faultCounts: nemesis.counts,
    virtualMs: time.monotonicMs(),
    transcript: cluster.transcript,
  };
}

/** Convergence: with nothing broken any more, all replicas hold the same within bounded time. */
async function untilWhole(cluster: SimulatedCluster, violate: (words: string) => void): Promise<void> {
  const { time } = cluster;
  const untilMs = time.monotonicMs() + convergeWithinMs;
  while (!(await cluster.isWhole())) {
    if (time.monotonicMs() > untilMs) {
      const keys = await cluster.divergent();
      violate(
        `after ${convergeWithinMs / 1000} s without faults replicas still differ in ${keys.join(', ')}`,
      );
      return;
    }
    await new Promise<void>((resolve) => time.after(500, resolve));
  }
}
