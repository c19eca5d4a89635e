/** Keys that are written as one: whole or not at all, whatever goes wrong, and the last acknowledged is there. */
import { expect, it } from 'vitest';
import { harmlessToData } from '../support/simulation/nemesis.ts';
import { type RunOptions, safeOptions, simulate } from '../support/simulation/run.ts';
import { worldOf } from '../support/simulation/world.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 4);
const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

const usual: RunOptions = { ...safeOptions, workload: 'transactions', keyCount: 3 };

async function expectKept(seed: number, options: RunOptions): Promise<void> {
  const { violations, acknowledgedCount, transcript } = await simulate(seed, options);
  if (violations.length > 0) {
    expect.fail([`seed ${seed}: ${violations.join('\n')}`, ...transcript.slice(-80)].join('\n'));
  }
  expect(acknowledgedCount).toBeGreaterThan(0);
}

it.each(seeds)('on three nodes, whatever loses no durable data (seed %i)', (seed) =>
  expectKept(seed, { ...usual, faults: harmlessToData }),
);

it.each(seeds)('on five nodes, with nothing but crashes and paused processes (seed %i)', (seed) =>
  expectKept(seed, { ...usual, nodeCount: 5, faults: ['crash', 'pause'], restMs: 50 }),
);

it.each(seeds)('in the world of a register (seed %i)', async (seed) => {
  // A register's world: nothing in it breaks more than was promised of one key.
  for (let candidate = seed * 1_000; ; candidate++) {
    const world = worldOf(candidate);
    if (world.workload !== 'register' || world.valueBytes > 1_000) continue;
    await expectKept(candidate, { ...world, workload: 'transactions' });
    return;
  }
});
