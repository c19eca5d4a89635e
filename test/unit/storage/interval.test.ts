import { describe, expect, it } from 'vitest';
import { Bench, get, put } from '../../support/engines.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

describe('interval durability', () => {
  it('syncs a write that came while another sync was under way, a second later at the latest', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'a', 'v', { durability: 'interval' }));
    // The sync of `a`, a second after its write, takes its time.
    await bench.time.advance(990);
    bench.disk.faults.delayMaxMs = 400;
    await bench.time.advance(12);
    bench.disk.faults.delayMaxMs = 0;
    await bench.run(put(engine, 'b', 'v', { durability: 'interval' }));
    await bench.time.advance(2_000);
    expect(engine.statistics().syncCount).toBe(2);
    bench.disk.crash();
    const reopened = await bench.open();
    expect(await bench.run(get(reopened, 'a'))).toBe('v');
    expect(await bench.run(get(reopened, 'b'))).toBe('v');
  });

  it('leaves nothing unsynced two seconds after the last write, however slow the disk was', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new Bench({ segmentBytesMax: 10_000, hotBytesMax: 0 }, seed);
      const random = new SeededRandom(seed);
      const engine = await bench.open();
      bench.disk.faults.delayMaxMs = 500;
      for (let index = 0; index < 6; index++) {
        const durability = random.chance(0.1) ? 'always' : 'interval';
        put(engine, `k${index}`, `v${index}`, { durability });
        await bench.time.advance(random.next() * 1_200);
      }
      await bench.time.advance(10_000);
      bench.disk.crash();
      bench.disk.faults.delayMaxMs = 0;
      const reopened = await bench.open();
      for (let index = 0; index < 6; index++) {
        expect({ seed, index, value: await bench.run(get(reopened, `k${index}`)) }).toEqual({
          seed,
          index,
          value: `v${index}`,
        });
      }
    }
  });
});
