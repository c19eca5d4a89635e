/**
 * Every promise, in every kind of world: data centers, factors, levels, disks, changes of the layout, each drawn from a seed
 * (support/simulation/world.ts). Beside what clients see, one event has one value on every node, and each ledger of hints
 * is what is stored, after every step.
 */
import { expect, it } from 'vitest';
import { type FaultKind, faultKinds } from '../support/simulation/nemesis.ts';
import { simulate } from '../support/simulation/run.ts';
import { worldOf } from '../support/simulation/world.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 120);

it(`no promise is broken in any world (seeds ${firstSeed} to ${firstSeed + seedCount - 1})`, async () => {
  const struck = new Map<FaultKind, number>();
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    const world = worldOf(seed);
    const { violations, faultCounts, transcript } = await simulate(seed, world);
    for (const [kind, count] of Object.entries(faultCounts) as [FaultKind, number][]) {
      struck.set(kind, (struck.get(kind) ?? 0) + count);
    }
    if (violations.length === 0) continue;
    expect.fail(
      [
        `seed ${seed}: ${violations.join('\n')}`,
        `replay: npm run simulate -- --first-seed ${seed} --seeds 1`,
        JSON.stringify(world),
        ...transcript.slice(-60),
      ].join('\n'),
    );
  }
  // A fault that never struck was never survived.
  for (const kind of faultKinds) expect(struck.get(kind) ?? 0, kind).toBeGreaterThan(0);
});
