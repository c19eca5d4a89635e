/**
 * The promise under test: with R + W > N and no more failures at a time than tolerated, no acknowledged write is ever
 * unreadable. And the proof that the test could see it broken: where the promise is not made, it must find losses.
 */
import { describe, expect, it } from 'vitest';
import { type FaultKind, faultKinds, harmlessToData } from '../support/simulation/nemesis.ts';
import { type RunOptions, type RunOutcome, safeOptions, simulate } from '../support/simulation/run.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 4);

async function firstViolation(
  options: RunOptions,
  seeds: Iterable<number>,
): Promise<{ outcome: RunOutcome | null; acknowledged: number; faults: Map<FaultKind, number> }> {
  let acknowledged = 0;
  const faults = new Map<FaultKind, number>();
  for (const seed of seeds) {
    const outcome = await simulate(seed, options);
    acknowledged += outcome.acknowledgedCount;
    for (const [kind, count] of Object.entries(outcome.faultCounts) as [FaultKind, number][]) {
      faults.set(kind, (faults.get(kind) ?? 0) + count);
    }
    if (outcome.violations.length > 0) return { outcome, acknowledged, faults };
  }
  return { outcome: null, acknowledged, faults };
}

function* seedsFrom(first: number, count: number): Iterable<number> {
  for (let seed = first; seed < first + count; seed++) yield seed;
}

/** What a person needs to see and to replay it. */
function explain(outcome: RunOutcome): string {
  return [
    `seed ${outcome.seed}: ${outcome.violations.join('\n')}`,
    `replay: npm run simulate -- --first-seed ${outcome.seed} --seeds 1`,
    ...outcome.transcript.slice(-60),
  ].join('\n');
}

async function expectSafe(options: RunOptions): Promise<void> {
  const { outcome, acknowledged, faults } = await firstViolation(options, seedsFrom(firstSeed, seedCount));
  if (outcome !== null) expect.fail(explain(outcome));
  // A run that did nothing proves nothing.
  expect(acknowledged).toBeGreaterThan(seedCount * options.keyCount * 5);
  // That each kind strikes is looked at in worlds.test.ts; here, that they strike at all.
  const strikes = [...faults.values()].reduce((sum, count) => sum + count, 0);
  if (options.faults.length > 0) expect(strikes).toBeGreaterThan(seedCount / 2);
}

describe(`with R + W > N (seeds ${firstSeed} to ${firstSeed + seedCount - 1})`, () => {
  it('a register never goes back behind an acknowledged write', () => expectSafe(safeOptions));

  it('a set of blind writes never loses an acknowledged one', () =>
    expectSafe({ ...safeOptions, workload: 'set', writesPerKey: 20 }));

  it('reading ALL and writing ONE keeps the promise, too, while nobody is down', () =>
    expectSafe({ ...safeOptions, readLevel: 'ALL', writeLevel: 'ONE', faults: [] }));

  it('five nodes with three replicas each keep it', () => expectSafe({ ...safeOptions, nodeCount: 5 }));

  it('every fault that loses no durable data, combined, on three nodes', () =>
    expectSafe({ ...safeOptions, faults: harmlessToData }));

  it('the same on five nodes, with blind writes', () =>
    expectSafe({
      ...safeOptions,
      workload: 'set',
      writesPerKey: 20,
      nodeCount: 5,
      faults: harmlessToData,
    }));

  it('with the latencies that were measured at LinkedIn', async () => {
    await expectSafe({ ...safeOptions, latency: 'lnkd-ssd' });
    await expectSafe({ ...safeOptions, workload: 'set', writesPerKey: 20, latency: 'lnkd-disk' });
  });

  it('replicas are equal in the end, whatever went wrong', () =>
    expectSafe({ ...safeOptions, healing: true, faults: harmlessToData }));

  it('a wiped disk and rotten bytes cost no acknowledged write', () =>
    expectSafe({
      ...safeOptions,
      workload: 'set',
      writesPerKey: 20,
      healing: true,
      faults: ['wipe', 'bit-rot', 'crash'],
    }));

  it('siblings are exactly the concurrent writes', () =>
    expectSafe({ ...safeOptions, workload: 'causal', writesPerKey: 24, faults: harmlessToData }));

  it('with stand-ins nothing acknowledged is lost in the end', () =>
    expectSafe({ ...safeOptions, workload: 'set', writesPerKey: 20, nodeCount: 5, sloppy: true }));
});

describe('the checker is awake', () => {
  it('it finds a stale or lost write when R + W does not exceed N', async () => {
    const weak: RunOptions = { ...safeOptions, readLevel: 'ONE', writeLevel: 'ONE', expects: 'everything' };
    const { outcome } = await firstViolation(weak, seedsFrom(firstSeed, 60));
    expect(outcome?.violations.length).toBeGreaterThan(0);
  });

  it('it finds a lost write when last-write-wins meets a partition', async () => {
    const lossy: RunOptions = {
      ...safeOptions,
      workload: 'set',
      conflicts: 'last-write-wins',
      expects: 'everything',
    };
    const { outcome } = await firstViolation(lossy, seedsFrom(firstSeed, 60));
    expect(outcome?.violations.length).toBeGreaterThan(0);
  });
});

describe('the checker of siblings is awake', () => {
  it('it misses a concurrent write that last-write-wins threw away', async () => {
    const lossy: RunOptions = {
      ...safeOptions,
      workload: 'causal',
      conflicts: 'last-write-wins',
      expects: 'everything',
    };
    const { outcome } = await firstViolation(lossy, seedsFrom(firstSeed, 60));
    expect(outcome?.violations.join()).toContain('lacks acknowledged');
  });
});

describe('seeds that found a bug stay', () => {
  // Kinds that came later would change what a seed draws.
  const later: FaultKind[] = [
    'concurrent',
    'concurrent-nodes',
    'concurrent-dead',
    'layout-gone',
    'old-layout',
  ];
  const then = faultKinds.filter((kind) => !later.includes(kind));
  const everything: RunOptions = { ...safeOptions, healing: true, faults: then };
  const set: RunOptions = { ...everything, workload: 'set', writesPerKey: 20 };

  it('a record that rotted was never looked at again, so no comparison missed it', async () => {
    for (const seed of [31034, 31094, 31148, 31209]) {
      expect((await simulate(seed, set)).violations).toEqual([]);
    }
    expect((await simulate(31050, everything)).violations).toEqual([]);
  });
});

describe('a seed', () => {
  it('replays exactly', async () => {
    const one = await simulate(firstSeed, safeOptions);
    const two = await simulate(firstSeed, safeOptions);
    expect(two).toEqual(one);
  });
});
