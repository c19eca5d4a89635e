import { describe, expect, it } from 'vitest';
import { Bench, get, put, putAll, remove } from '../../support/engines.ts';

const logOf = (bench: Bench) =>
  bench.disk.list('data').then((names) => names.filter((name) => name.endsWith('.log')));

describe('after a crash', () => {
  it('a log cut at any byte of the last batch yields exactly the whole records before the cut', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'first', 'one'));
    const [name] = await bench.run(logOf(bench));
    const before = bench.disk.contentOf(`data/${name}`).length;
    const ends = [before];
    const keys = ['a', 'bb', 'ccc', 'dddd'];
    for (const key of keys) {
      // Record: 28 bytes of head, key, value.
      ends.push(ends[ends.length - 1] + 28 + key.length + `value of ${key}`.length);
    }
    await bench.run(Promise.all(keys.map((key) => put(engine, key, `value of ${key}`))));
    const after = bench.disk.contentOf(`data/${name}`).length;
    expect(ends.at(-1)).toBe(after);

    for (let cut = before; cut <= after; cut++) {
      const disk = bench.disk.copy();
      disk.cut(`data/${name}`, cut);
      const reopened = await bench.open(disk);
      const whole = ends.filter((end) => end <= cut).length - 1;
      expect(await bench.run(get(reopened, 'first'))).toBe('one');
      for (const [index, key] of keys.entries()) {
        expect(await bench.run(get(reopened, key))).toBe(index < whole ? `value of ${key}` : null);
      }
      expect(reopened.recovery.tornBytes).toBe(cut - ends[whole]);
      expect(reopened.recovery.clean).toBe(false);
      // What was cut must not come back, and the log must take writes again.
      await bench.run(put(reopened, 'after', 'crash'));
      await bench.run(reopened.close());
      const again = await bench.open(disk);
      expect(await bench.run(get(again, 'after'))).toBe('crash');
      expect(again.recovery.clean).toBe(true);
    }
  });

  it('several puts that were one are found whole or not at all, wherever the log was cut', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(putAll(engine, { a: 'first', b: 'first' }));
    const [name] = await bench.run(logOf(bench));
    const before = bench.disk.contentOf(`data/${name}`).length;
    await bench.run(putAll(engine, { a: 'second', b: 'second', c: 'second' }));
    const together = bench.disk.contentOf(`data/${name}`).length;
    await bench.run(put(engine, 'd', 'alone'));
    const after = bench.disk.contentOf(`data/${name}`).length;
    for (let cut = before; cut <= after; cut++) {
      const disk = bench.disk.copy();
      disk.cut(`data/${name}`, cut);
      // Twice: what the first start cut off must not come back with the second.
      for (let start = 1; start <= 2; start++) {
        const reopened = await bench.open(disk);
        const isThere = cut >= together;
        for (const key of ['a', 'b']) {
          expect(await bench.run(get(reopened, key))).toBe(isThere ? 'second' : 'first');
        }
        expect(await bench.run(get(reopened, 'c'))).toBe(isThere ? 'second' : null);
        expect(await bench.run(get(reopened, 'd'))).toBe(cut === after ? 'alone' : null);
        await bench.run(reopened.close());
      }
    }
  });

  it('every acknowledged record is there, whatever unsynced writes survive, at every moment of the crash', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new Bench({ segmentBytesMax: 900, hotBytesMax: 0 }, seed);
      bench.disk.faults.tornWrites = true;
      bench.disk.faults.delayMaxMs = 3;
      const engine = await bench.open();
      const acknowledged = new Map<string, string>();
      for (let index = 0; index < 120; index++) {
        const key = `k${index % 17}`;
        put(engine, key, `v${index}`).then(
          () => acknowledged.set(key, `v${index}`),
          () => {},
        );
        if (index % 5 === 0)
          remove(engine, 'k3').then(
            () => acknowledged.delete('k3'),
            () => {},
          );
        await bench.time.advance((seed % 7) * 0.3);
      }
      bench.disk.crash();
      const reopened = await bench.open();
      for (const [key, value] of acknowledged) {
        const found = await bench.run(get(reopened, key));
        // A newer write may have reached the disk unacknowledged; an older one must not be there.
        const at = (text: string | null) => (text === null ? -1 : Number(text.slice(1)));
        if (key !== 'k3')
          expect({ seed, key, found: at(found) >= at(value) }).toEqual({ seed, key, found: true });
      }
    }
  });

  it('a start reads summaries, not values', async () => {
    const bench = new Bench({ segmentBytesMax: 40_000 });
    const engine = await bench.open();
    for (let index = 0; index < 100; index++)
      await bench.run(put(engine, `key-${index}`, Buffer.alloc(2_000, index)));
    await bench.run(engine.close());
    bench.disk.bytesRead = 0;
    const reopened = await bench.open();
    expect(reopened.statistics().recordCount).toBe(100);
    expect(bench.disk.bytesRead).toBeLessThan(20_000);
    expect(await bench.run(get(reopened, 'key-42'))).toBe(Buffer.alloc(2_000, 42).toString());
  });

  it('a lost or damaged summary is rebuilt from its segment', async () => {
    for (const damage of ['lose', 'flip'] as const) {
      const bench = new Bench({ segmentBytesMax: 1_000 });
      const engine = await bench.open();
      for (let index = 0; index < 40; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
      await bench.run(engine.close());
      for (const name of await bench.run(bench.disk.list('data'))) {
        if (!name.endsWith('.sum')) continue;
        if (damage === 'lose') await bench.run(bench.disk.remove(`data/${name}`));
        else bench.disk.flipBit(`data/${name}`, 30);
      }
      const reopened = await bench.open();
      for (let index = 0; index < 40; index++) {
        expect(await bench.run(get(reopened, `key-${index}`))).toBe(`value ${index}`);
      }
    }
  });

  it('a damaged sealed segment is set aside and reported, and the rest is served', async () => {
    const bench = new Bench({ segmentBytesMax: 500 });
    const engine = await bench.open();
    for (let index = 0; index < 40; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
    await bench.run(engine.close());
    const names = await bench.run(bench.disk.list('data'));
    const first = names.find((name) => name.endsWith('.log'))!;
    bench.disk.flipBit(`data/${first}`, 60);
    await bench.run(bench.disk.remove(`data/${first.replace('.log', '.sum')}`));
    const reopened = await bench.open();
    expect(reopened.recovery.quarantinedSegments).toEqual([first]);
    expect(reopened.recovery.clean).toBe(false);
    expect(await bench.run(get(reopened, 'key-0'))).toBeNull();
    expect(await bench.run(get(reopened, 'key-39'))).toBe('value 39');
    expect(await bench.run(bench.disk.list('data'))).toContain(`${first}.quarantine`);
  });

  it('leftovers of a compaction that a crash interrupted are removed, and nothing is lost or comes back', async () => {
    for (let stopAfterMs = 0; stopAfterMs < 120; stopAfterMs += 3) {
      const policy = { deadShareMax: 0.2, warmSegmentCountMax: 1, smallBytes: 300, smallCountMax: 2 };
      const bench = new Bench({ segmentBytesMax: 700, hotBytesMax: 0, policy });
      bench.disk.faults.delayMaxMs = 2;
      const engine = await bench.open();
      const expected = new Map<string, string>();
      for (let index = 0; index < 60; index++) {
        const key = `k${index % 20}`;
        await bench.run(put(engine, key, `v${index}`));
        expected.set(key, `v${index}`);
      }
      await bench.run(remove(engine, 'k5'));
      expected.delete('k5');
      await bench.time.advance(stopAfterMs);
      bench.disk.crash();
      const reopened = await bench.open();
      for (const [key, value] of expected) expect(await bench.run(get(reopened, key))).toBe(value);
      expect(await bench.run(get(reopened, 'k5'))).toBeNull();
      await bench.run(reopened.settle());
      expect(await bench.run(get(reopened, 'k5'))).toBeNull();
    }
  });

  it('a head that was made but never written to is no damage', async () => {
    const bench = new Bench({ segmentBytesMax: 300 });
    const engine = await bench.open();
    for (let index = 0; index < 10; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
    const names = await bench.run(logOf(bench));
    bench.disk.cut(`data/${names.at(-1)}`, 0);
    bench.disk.crash();
    const reopened = await bench.open();
    expect(reopened.recovery.quarantinedSegments).toEqual([]);
    expect(reopened.recovery.clean).toBe(false);
    expect(await bench.run(get(reopened, 'key-0'))).toBe('value 0');
  });
});
