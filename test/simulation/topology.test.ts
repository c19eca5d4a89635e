/** The cluster changes while clients work: nodes join and leave, weights, factors and levels change, with every other fault beside it. */
import { expect, it } from 'vitest';
import { nextLayout } from '../../core/layout/layout.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import type { LatencyModel } from '../support/simulation/latency.ts';
import type { FaultKind } from '../support/simulation/nemesis.ts';
import { safeOptions, simulate } from '../support/simulation/run.ts';
import type { WorkloadName } from '../support/simulation/workloads.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 1);
const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

/** While nothing fails but what people decide, whoever is refused is served by the next node. */
const quiet: { faults: FaultKind[]; lossShare: number }[] = [
  { faults: ['nodes'], lossShare: 0 },
  { faults: ['weight', 'factor'], lossShare: 0 },
];
const mixtures: { faults: FaultKind[]; lossShare: number; workload?: WorkloadName }[] = [
  ...quiet,
  { faults: ['concurrent'], lossShare: 0 },
  { faults: ['concurrent-nodes'], lossShare: 0 },
  { faults: ['concurrent-dead'], lossShare: 0 },
  { faults: ['concurrent-dead', 'concurrent-nodes', 'crash', 'isolate', 'pause'], lossShare: 0.03 },
  { faults: ['concurrent-nodes', 'concurrent', 'nodes', 'crash', 'isolate', 'pause'], lossShare: 0.03 },
  { faults: ['concurrent', 'nodes', 'crash', 'isolate'], lossShare: 0.03 },
  { faults: ['nodes', 'crash', 'isolate'], lossShare: 0.03 },
  { faults: ['nodes', 'weight', 'factor', 'levels', 'stop', 'halves', 'pause'], lossShare: 0.03 },
  { faults: ['layout-gone', 'old-layout'], lossShare: 0, workload: 'transactions' },
  {
    faults: ['layout-gone', 'old-layout', 'nodes', 'stop', 'pause'],
    lossShare: 0.03,
    workload: 'transactions',
  },
];

it.each(mixtures.flatMap((mixture) => seeds.map((seed) => ({ ...mixture, seed }))))(
  'no promise is broken by $faults (seed $seed)',
  async ({ faults, lossShare, workload = 'register', seed }) => {
    const world = {
      ...safeOptions,
      workload,
      nodeCount: 4,
      faults,
      lossShare,
      healing: true,
      writesPerKey: 60,
    };
    const isQuiet = quiet.some((one) => one.faults === faults);
    const { violations, transcript, failedTwice } = await simulate(seed, {
      ...world,
      retriesElsewhere: isQuiet,
    });
    if (isQuiet) expect(failedTwice, `seed ${seed}`).toEqual([]);
    if (violations.length > 0) {
      expect.fail([`seed ${seed}: ${violations.join('\n')}`, ...transcript.slice(-70)].join('\n'));
    }
  },
);

it.each([420022, 420038])(
  'a node that leaves does not wait for ever for one that was given up for dead meanwhile (seed %i)',
  async (seed) => {
    const faults: FaultKind[] = ['concurrent-dead'];
    const { violations } = await simulate(seed, {
      ...{ ...safeOptions, nodeCount: 4, faults, lossShare: 0, healing: true, writesPerKey: 60 },
    });
    expect(violations).toEqual([]);
  },
);

/**
 * Increments were lost in the first two before the first replica of a key handed over to the next, and are in the other two where it
 * does so before its last write has ended.
 */
const handingOver = [
  { faults: ['nodes'], latency: 'uniform', seed: 15 },
  { faults: ['weight', 'factor'], latency: 'uniform', seed: 6 },
  { faults: ['nodes'], latency: 'lnkd-disk', seed: 3 },
  { faults: ['weight', 'factor'], latency: 'lnkd-disk', seed: 17 },
] satisfies { faults: FaultKind[]; latency: LatencyModel; seed: number }[];

it.each([
  ...handingOver,
  // A newcomer without a link to the first replica yet had the second one decide beside it.
  { ...handingOver[0], seed: 401_104 },
  { ...handingOver[2], seed: 401_104 },
  // Fresh ones where many seeds are asked for.
  ...handingOver.flatMap((world) => seeds.slice(1).map((seed) => ({ ...world, seed: 1_000 + seed }))),
])(
  'no increment is lost, and nobody is turned away, by $faults alone ($latency, seed $seed)',
  async (world) => {
    const { violations, transcript, refusals, acknowledgedCount } = await simulate(world.seed, {
      ...{ ...safeOptions, workload: 'counter', nodeCount: 5, lossShare: 0, healing: true },
      ...{ restMs: 50, clockSkewMaxMs: 0, keyCount: 20, writesPerKey: 200 },
      ...{ ...world, diskMs: world.latency === 'uniform' ? 4 : 0.3 },
    });
    if (violations.length > 0) {
      expect.fail([`seed ${world.seed}: ${violations.join('\n')}`, ...transcript.slice(-70)].join('\n'));
    }
    expect(refusals, `seed ${world.seed}`).toEqual({});
    expect(acknowledgedCount).toBeGreaterThan(4_000);
  },
);

it.each(seeds)(
  'set2 of Garage under layout changes: each added element is there, none that was taken out comes back (seed %i)',
  async (seed) => {
    const faults: FaultKind[] = ['nodes', 'weight', 'factor', 'concurrent', 'crash', 'isolate'];
    const { violations, transcript, acknowledgedCount, faultCounts } = await simulate(seed, {
      ...safeOptions,
      workload: 'elements',
      nodeCount: 4,
      faults,
      healing: true,
      writesPerKey: 90,
    });
    if (violations.length > 0) {
      expect.fail([`seed ${seed}: ${violations.join('\n')}`, ...transcript.slice(-70)].join('\n'));
    }
    expect(acknowledgedCount).toBeGreaterThan(90);
    expect(Object.keys(faultCounts).length).toBeGreaterThan(0);
  },
);

/** Nobody looks for what the suite cannot find: with the rule taken away, each checker has to notice. */
it.each(['register', 'elements'] as const)(
  'a loss is found when old owners are let go before the new ones have their share (%s)',
  async (workload) => {
    const faults: FaultKind[] = ['factor', 'weight', 'nodes'];
    const found: string[] = [];
    for (let seed = firstSeed; found.length === 0 && seed < firstSeed + 30; seed++) {
      const world = {
        ...safeOptions,
        ...(workload === 'elements' ? { workload } : {}),
        ...{ nodeCount: 4, faults, lossShare: 0, releasesEarly: true, writesPerKey: 60 },
      };
      found.push(...(await simulate(seed, world)).violations);
    }
    expect(found.length).toBeGreaterThan(0);
  },
);

it('what moves nothing, such as another name, turns no write away while it spreads', async () => {
  const cluster = new SimulatedCluster(5, {
    ...{ nodeCount: 5, readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings', sloppy: true },
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 1, delayMaxMs: 30, noticeMs: 100 },
    ...{ clockSkewMaxMs: 0, diskDelayMaxMs: 1 },
  });
  await cluster.startAll();
  const writes: Promise<void>[] = [];
  for (let round = 0; round < 20; round++) {
    const at = cluster.members[round % 5];
    const named = nextLayout(cluster.layout, '', { clusterName: `round ${round}` });
    cluster.decideApart([{ at, layouts: [named] }]);
    for (let turn = 0; turn < 30; turn++) {
      writes.push(cluster.write(cluster.members[turn % 5], `key-${turn}`, `${round}`, 'quorum'));
      await cluster.time.advance(2);
    }
  }
  await cluster.time.until(Promise.all(writes));
  const counters = cluster.running().map(({ node }) => node!.parts.counters);
  expect(counters.map(({ redirected, writesRefused }) => redirected + writesRefused)).toEqual([
    0, 0, 0, 0, 0,
  ]);
  for (const member of cluster.members) cluster.crash(member);
});
