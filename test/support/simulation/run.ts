/**
 * One simulation run: clients write and read while a nemesis strikes; then everything heals and every acknowledged write is
 * looked for. One seed decides all of it.
 */
import type { ConflictPolicy, ConsistencyLevel, Durability } from '../../../core/base/levels.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type Counts, type Surroundings, unpadded, type Workload } from './client.ts';
import { SimulatedCluster } from './cluster.ts';
import type { LatencyModel } from './latency.ts';
import { type FaultKind, Nemesis } from './nemesis.ts';
import { mustMeet } from './oracle.ts';
import { type WorkloadName, workloadOf } from './workloads.ts';

export interface RunOptions {
  readonly workload: WorkloadName;
  readonly readLevel: ConsistencyLevel;
  readonly writeLevel: ConsistencyLevel;
  readonly conflicts: ConflictPolicy;
  /** Stand-ins count: what is acknowledged is there in the end, though a read meanwhile may miss it. */
  readonly sloppy: boolean;
  readonly durability: Durability;
  readonly nodeCount: number;
  /** Nodes in each data center; one data center without. */
  readonly dataCenters?: Readonly<Record<string, number>>;
  /** Replicas in each data center; 3 without. */
  readonly factors?: Readonly<Record<string, number>>;
  readonly keyCount: number;
  readonly writesPerKey: number;
  readonly valueBytes: number;
  readonly faults: readonly FaultKind[];
  /** Between two faults, at the least. */
  readonly restMs: number;
  readonly lossShare: number;
  readonly latency: LatencyModel;
  /** Added to each way between two data centers. */
  readonly farMs: number;
  /** Each operation of a disk takes up to this long. */
  readonly diskMs: number;
  /** Replicas are compared in the background, and must all be equal in the end. */
  readonly healing: boolean;
  /** The suite's own check: with it something must be found (cluster.ts). */
  readonly releasesEarly?: boolean;
  readonly clockSkewMaxMs: number;
  /** Clients that are refused ask another node, once: what fails then is counted. */
  readonly retriesElsewhere?: boolean;
  /** What a read is held against: what these levels and policies promise, or as if they promised everything. */
  readonly expects: 'what is promised' | 'everything';
}

export const safeOptions: RunOptions = {
  workload: 'register',
  readLevel: 'QUORUM',
  writeLevel: 'QUORUM',
  conflicts: 'siblings',
  sloppy: false,
  durability: 'always',
  nodeCount: 3,
  keyCount: 4,
  writesPerKey: 25,
  valueBytes: 0,
  faults: ['crash', 'isolate'],
  restMs: 300,
  lossShare: 0.03,
  latency: 'uniform',
  farMs: 0,
  diskMs: 4,
  healing: false,
  clockSkewMaxMs: 200,
  expects: 'what is promised',
};

export interface RunOutcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly acknowledgedCount: number;
  readonly refusedCount: number;
  readonly readCount: number;
  /** By what was answered. */
  readonly refusals: Readonly<Record<string, number>>;
  /** With `retriesElsewhere`: refused by two nodes. */
  readonly failedTwice: readonly string[];
  readonly faultCounts: Readonly<Partial<Record<FaultKind, number>>>;
  readonly virtualMs: number;
  readonly transcript: readonly string[];
}

/** Of virtual time; a full round of comparisons takes a few seconds at the simulated tick. */
const convergeWithinMs = 60_000;

export async function simulate(seed: number, options: RunOptions): Promise<RunOutcome> {
  const { lossShare, latency, farMs, ...world } = options;
  const cluster = new SimulatedCluster(seed, {
    ...world,
    network: { lossShare, latency, farMs, repeatShare: 0.03, delayMinMs: 0.2, delayMaxMs: 15, noticeMs: 300 },
    diskDelayMaxMs: options.diskMs,
    ...(options.healing ? { antiEntropyTickMs: 500 } : {}),
  });
  const { time } = cluster;
  // The nemesis draws from its own source, so that a change of the workload does not move the faults.
  const fate = new SeededRandom(seed ^ 0x5eed);
  const counts: Counts = { acknowledged: 0, refused: 0, reads: 0, refusals: {}, failedTwice: [] };
  await cluster.startAll();

  const { sloppy, writesPerKey: writes, valueBytes, retriesElsewhere = false } = options;
  // Whoever writes and reads promises nothing in between where the newest by clock wins, or stand-ins take part.
  const promised = !sloppy && options.conflicts === 'siblings' && promisesReads(options);
  const strict: Surroundings['strict'] =
    options.expects === 'everything' ? 'always' : promised ? 'as promised' : 'never';
  const workloads = Array.from({ length: options.keyCount }, (_, index) => {
    const key = `key-${index}`;
    const around = { cluster, key, writes, counts, strict, valueBytes, retriesElsewhere };
    return { key, workload: workloadOf(options.workload, around) };
  });

  const nemesis = new Nemesis(cluster, fate, options.faults, options.restMs);
  const faults = nemesis.run();
  await time.until(Promise.all(workloads.map(({ workload }) => workload.run())));
  nemesis.stop();
  await time.until(faults);
  cluster.network.heal();
  cluster.network.faults.lossShare = 0;
  // Time enough for what is owed to be delivered.
  await time.advance(sloppy ? 15_000 : 3_000);

  if (options.healing) await time.until(untilWhole(cluster));
  await time.until(cluster.checkState('in the end'));
  for (const what of await time.until(cluster.hanging())) cluster.violate(`never answered: ${what}`);
  for (const { key, workload } of workloads) await checkInTheEnd(cluster, options, key, workload, counts);
  return {
    seed,
    violations: cluster.violations,
    acknowledgedCount: counts.acknowledged,
    refusedCount: counts.refused,
    readCount: counts.reads,
    refusals: counts.refusals,
    failedTwice: counts.failedTwice,
    faultCounts: nemesis.counts,
    virtualMs: time.monotonicMs(),
    transcript: cluster.transcript,
  };
}

/** With `interval` a crash may take a replica's last second: one that comes back then votes without it. */
function promisesReads({ durability, faults }: RunOptions): boolean {
  return durability === 'always' || faults.length === 0;
}

async function checkInTheEnd(
  cluster: SimulatedCluster,
  options: RunOptions,
  key: string,
  workload: Workload,
  counts: Counts,
): Promise<void> {
  const { time } = cluster;
  const when = 'after healing';
  // Last-write-wins loses acknowledged writes by design, where clocks differ.
  if (options.conflicts === 'siblings' || options.expects === 'everything') {
    for (const member of cluster.members) {
      // Where reads need not meet writes, everybody is asked.
      const isMet = options.expects === 'everything' || readsAlwaysMeet(cluster, key);
      const level = isMet ? {} : ({ level: 'ALL' } as const);
      try {
        const found = await time.until(cluster.within(cluster.read(member, key, level), 5_000));
        counts.reads++;
        workload.check(found.map(unpadded), `${when}, read at n${member.id}`);
      } catch (error) {
        cluster.violate(`${when}, n${member.id} cannot read ${key}: ${(error as Error).message}`);
      }
    }
  }
  await time.until(workload.checkEverywhere(when));
}

function readsAlwaysMeet(cluster: SimulatedCluster, key: string): boolean {
  const { readLevel, writeLevel } = cluster.keyspace;
  const replicas = cluster.replicasOf(key);
  const centers = cluster.layout.dataCenters;
  return centers.every((reader) =>
    centers.every((writer) =>
      mustMeet(replicas, { level: readLevel, from: reader }, { level: writeLevel, from: writer }),
    ),
  );
}

/** Convergence: with nothing broken any more, all replicas hold the same within bounded time. */
async function untilWhole(cluster: SimulatedCluster): Promise<void> {
  const { time } = cluster;
  const untilMs = time.monotonicMs() + convergeWithinMs;
  while (!(await cluster.isWhole())) {
    if (time.monotonicMs() > untilMs) {
      const keys = await cluster.divergent();
      const waiting = cluster.members.filter(({ node }) => !(node?.parts.eligibility.isWhole ?? false));
      cluster.violate(
        `after ${convergeWithinMs / 1000} s without faults replicas still differ in [${keys.join(', ')}], ` +
          `and [${waiting.map(({ id }) => `n${id}`).join(', ')}] are not whole` +
          (cluster.isSettled ? '' : `; ${cluster.waiting()}`),
      );
      return;
    }
    await new Promise<void>((resolve) => time.after(500, resolve));
  }
}
