import { describe, expect, it } from 'vitest';
import { HotCache } from '../../../core/storage/hot-cache.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { seed } from '../../support/seeds.ts';

describe('values in the hot cache', () => {
  it(`are the last ones put, through sharing, promotion and eviction; what was handed out never changes (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const cache = new HotCache(120_000);
    const latest = new Map<number, string>();
    const handedOut: { value: Buffer; text: string }[] = [];
    for (let step = 0; step < 30_000; step++) {
      const id = Math.floor(random.below(300) * random.next());
      const key = Buffer.from(`key-${id}`);
      if (random.chance(0.3)) {
        const text = `${step}:`.repeat(1 + random.below(random.chance(0.02) ? 6_000 : 200));
        cache.put(id, key, Buffer.from(text));
        latest.set(id, text);
      } else if (random.chance(0.02)) {
        cache.remove(id);
        latest.delete(id);
      } else {
        const value = cache.get(id, key);
        if (value !== null) {
          const text = value.toString();
          if (text !== latest.get(id)) expect({ step, id, text }).toEqual({ step, id, text: latest.get(id) });
          if (step % 50 === 0) handedOut.push({ value, text });
        }
        const seen = cache.peek(id);
        if (seen !== null && (!seen.key.equals(key) || seen.value.toString() !== latest.get(id))) {
          expect.fail(`peek of ${id} at step ${step} shows another record`);
        }
      }
      if (cache.bytes > 120_000) expect.fail(`${cache.bytes} bytes at step ${step}`);
    }
    expect(handedOut.length).toBeGreaterThan(50);
    for (const { value, text } of handedOut) expect(value.toString() === text).toBe(true);
    expect(cache.hits).toBeGreaterThan(1_000);
    expect(cache.misses).toBeGreaterThan(1_000);
  });
});
