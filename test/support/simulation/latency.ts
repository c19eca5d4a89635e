/**
 * How long a frame is on its way, in milliseconds. Beside a uniform delay there are the two LinkedIn models of Bailis,
 * Venkataraman, Franklin, Hellerstein, Stoica, "Probabilistically Bounded Staleness for Practical Partial Quorums" (2012),
 * table 3: a Pareto body with an exponential tail, fitted to one-way latencies of Voldemort. With disks, a write's way to the
 * replica includes the disk; the other three ways are as with SSDs.
 */
import { frameType, typeOf } from '../../../core/wire/peer/frames.ts';
import type { SeededRandom } from '../seeded-random.ts';

export const latencyModels = ['uniform', 'lnkd-ssd', 'lnkd-disk'] as const;
export type LatencyModel = (typeof latencyModels)[number];

function pareto(random: SeededRandom, least: number, shape: number): number {
  return least / (1 - random.next()) ** (1 / shape);
}

function exponential(random: SeededRandom, rate: number): number {
  return -Math.log(1 - random.next()) / rate;
}

function solidState(random: SeededRandom): number {
  return random.chance(0.9122) ? pareto(random, 0.235, 10) : exponential(random, 1.66);
}

function diskWrite(random: SeededRandom): number {
  return random.chance(0.38) ? pareto(random, 1.05, 1.51) : exponential(random, 0.183);
}

export function latencyOf(model: 'lnkd-ssd' | 'lnkd-disk', frame: Buffer, random: SeededRandom): number {
  return model === 'lnkd-disk' && typeOf(frame) === frameType.replicaPut
    ? diskWrite(random)
    : solidState(random);
}
