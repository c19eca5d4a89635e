/** What every Random does, as tests that run on each implementation. They ask for no more than a fixed seed, too, gives. */
import { describe, expect, it } from 'vitest';
import type { Random } from '../../core/ports/random.ts';

export function describeRandom(name: string, open: () => Random): void {
  describe(`random ${name}`, () => {
    it('draws numbers from 0, which may come, to 1, which may not, and spreads them', () => {
      const random = open();
      const perTenth = new Array<number>(10).fill(0);
      for (let draw = 0; draw < 20_000; draw++) {
        const number = random.next();
        if (!(number >= 0 && number < 1)) expect.unreachable(`${number} was drawn`);
        perTenth[Math.floor(number * 10)]++;
      }
      // 2,000 each are expected; ten standard deviations off never happens.
      for (const count of perTenth) expect(Math.abs(count - 2_000)).toBeLessThan(430);
    });

    it('draws numbers fine enough that few are alike', () => {
      const random = open();
      const seen = new Set(Array.from({ length: 2_000 }, () => random.next()));
      expect(seen.size).toBeGreaterThan(1_990);
    });

    it('gives as many bytes as asked for, of every value', () => {
      const random = open();
      for (const length of [0, 1, 32, 4_096]) expect(random.bytes(length).length).toBe(length);
      expect(new Set(random.bytes(20_000)).size).toBe(256);
    });

    it('gives bytes that are the caller’s own, and others each time', () => {
      const random = open();
      const first = random.bytes(32);
      const copy = Uint8Array.from(first);
      const second = random.bytes(32);
      expect(Buffer.compare(first, second)).not.toBe(0);
      second.fill(0);
      expect(Buffer.compare(first, copy)).toBe(0);
    });
  });
}
