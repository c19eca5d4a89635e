/** One seed per test run, printed on failure by fast-check itself; set COTERIE_SEED to replay. */
import fc from 'fast-check';

const fixed = process.env.COTERIE_SEED;
export const seed = fixed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(fixed);

/** Runs a property with the run's seed, so that one number replays everything. */
export function check<T>(property: fc.IProperty<T>, runCount?: number): void;
export function check<T>(property: fc.IAsyncProperty<T>, runCount?: number): Promise<void>;
export function check<T>(property: fc.IRawProperty<T>, runCount = 200): void | Promise<void> {
  return fc.assert(property as fc.IProperty<T>, { seed, numRuns: runCount });
}
