/**
 * Every promise, in every kind of world: data centers, factors, levels, disks, changes of the layout, each drawn from a seed
 * (support/simulation/world.ts). Beside what clients see, one event has one value on every node, and each ledger of hints
 * is what is stored, after every step. A fault that never struck was never survived: seeds are drawn until each kind has.
 */
import { expect, it } from 'vitest';
import { type FaultKind, faultKinds } from '../support/simulation/nemesis.ts';
import { type RunOptions, simulate } from '../support/simulation/run.ts';
import { worldOf } from '../support/simulation/world.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 3);
/** Seeds looked at for a kind that has not struck yet. */
const seedsBeyond = 4_000;
/** What is run for one kind alone: large worlds, walks and long lives take many times as long and show no more of it. */
const isQuick = ({ nodeCount, valueBytes, workload }: RunOptions) =>
  nodeCount <= 4 && valueBytes < 1_000 && workload !== 'walk' && workload !== 'expiring';

const struck = new Map<FaultKind, number>();

async function expectKept(seed: number): Promise<void> {
  const world = worldOf(seed);
  const { violations, faultCounts, transcript } = await simulate(seed, world);
  for (const [kind, count] of Object.entries(faultCounts) as [FaultKind, number][]) {
    struck.set(kind, (struck.get(kind) ?? 0) + count);
  }
  if (violations.length === 0) return;
  expect.fail(
    [
      `seed ${seed}: ${violations.join('\n')}`,
      `replay: npm run simulate -- --workload worlds --first-seed ${seed} --seeds 1`,
      JSON.stringify(world),
      ...transcript.slice(-60),
    ].join('\n'),
  );
}

it.each(Array.from({ length: seedCount }, (_, index) => firstSeed + index))(
  'no promise is broken in world %i',
  expectKept,
);

it.each(faultKinds)('nor by %s, which strikes in some world', async (kind) => {
  for (let seed = firstSeed + seedCount; !struck.has(kind) && seed < firstSeed + seedsBeyond; seed++) {
    const world = worldOf(seed);
    if (world.faults.includes(kind) && isQuick(world)) await expectKept(seed);
  }
  expect(struck.get(kind) ?? 0).toBeGreaterThan(0);
});
