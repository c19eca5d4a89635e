/** The cluster changes while clients work: nodes join and leave, weights, factors and levels change, with every other fault beside it. */
import { expect, it } from 'vitest';
import type { FaultKind } from '../support/simulation/nemesis.ts';
import { safeOptions, simulate } from '../support/simulation/run.ts';

const firstSeed = Number(process.env.COTERIE_FIRST_SEED ?? 1);
const seedCount = Number(process.env.COTERIE_SEEDS ?? 1);
const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);

const mixtures: { faults: FaultKind[]; lossShare: number }[] = [
  { faults: ['nodes'], lossShare: 0 },
  { faults: ['weight', 'factor'], lossShare: 0 },
  { faults: ['nodes', 'crash', 'isolate'], lossShare: 0.03 },
  { faults: ['nodes', 'weight', 'factor', 'levels', 'stop', 'halves', 'pause'], lossShare: 0.03 },
];

it.each(mixtures.flatMap((mixture) => seeds.map((seed) => ({ ...mixture, seed }))))(
  'no promise is broken by $faults (seed $seed)',
  async ({ faults, lossShare, seed }) => {
    const world = { ...safeOptions, nodeCount: 4, faults, lossShare, healing: true, writesPerKey: 60 };
    const { violations, transcript } = await simulate(seed, world);
    if (violations.length > 0) {
      expect.fail([`seed ${seed}: ${violations.join('\n')}`, ...transcript.slice(-70)].join('\n'));
    }
  },
);

it('a loss is found when old owners are let go before the new ones have their share', async () => {
  const faults: FaultKind[] = ['factor', 'weight'];
  const found: string[] = [];
  for (let seed = firstSeed; found.length === 0 && seed < firstSeed + 20; seed++) {
    const world = {
      ...safeOptions,
      nodeCount: 4,
      faults,
      lossShare: 0,
      releasesEarly: true,
      writesPerKey: 60,
    };
    found.push(...(await simulate(seed, world)).violations);
  }
  expect(found.length).toBeGreaterThan(0);
});
