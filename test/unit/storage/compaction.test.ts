import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf, partitionStart } from '../../../core/base/token.ts';
import type { StorageEngine } from '../../../core/ports/storage-engine.ts';
import { Bench, drop, dropPartition, get, noFacts, put, remove, scan } from '../../support/engines.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const eager = { deadShareMax: 0.2, warmSegmentCountMax: 0, smallBytes: 0, smallCountMax: 100 };

const partitionOfKey = (key: string) => partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);

describe('compaction', () => {
  it('keeps one name in two keyspaces apart when both lie in one cold block', async () => {
    const bench = new Bench({ segmentBytesMax: 400, hotBytesMax: 0, policy: eager });
    const engine = await bench.open();
    await bench.run(
      Promise.all([1, 2, 3].map((keyspace) => put(engine, 'k', `of ${keyspace}`, { keyspace }))),
    );
    for (let index = 0; index < 40; index++) await bench.run(put(engine, `fill-${index}`, 'x'.repeat(30)));
    await bench.run(engine.settle());
    expect(engine.statistics().coldDiskBytes).toBeGreaterThan(0);
    const partition = partitionOfKey('k');
    for (const keyspace of [1, 2, 3]) {
      expect(await bench.run(get(engine, 'k', keyspace))).toBe(`of ${keyspace}`);
      const page = await bench.run(
        scan(engine, { keyspace, partition, fromPosition: partitionStart(partition), countMax: 10 }),
      );
      expect(page.records.map(({ value }) => value.toString())).toEqual([`of ${keyspace}`]);
    }
  });

  it('keeps keys of one token apart, in memory, in the log and in one cold block', async () => {
    const bench = new Bench({ segmentBytesMax: 400, hotBytesMax: 0, policy: eager });
    const engine = await bench.open();
    const { tokenHigh, tokenLow } = addressOf(0, Buffer.from('k'));
    const addresses = ['a', 'b', 'c'].map((key) => ({
      keyspace: 0,
      tokenHigh,
      tokenLow,
      key: Buffer.from(key),
    }));
    for (const address of addresses) {
      const value = Buffer.from(`of ${address.key}`);
      await bench.run(new Promise((resolve) => engine.put(address, value, noFacts, 'always', resolve)));
    }
    for (let index = 0; index < 40; index++) await bench.run(put(engine, `fill-${index}`, 'x'.repeat(30)));
    const partition = partitionOf(tokenHigh);
    const look = async (from: StorageEngine) => {
      for (const address of addresses) {
        const value = await bench.run(
          new Promise((resolve) => from.get(address, (_, found) => resolve(found))),
        );
        expect(String(value)).toBe(`of ${address.key}`);
      }
      const request = { partition, fromPosition: partitionStart(partition), countMax: 1 };
      const page = await bench.run(scan(from, request));
      expect(page.records.map(({ key }) => key.toString()).sort()).toEqual(
        expect.arrayContaining(['a', 'b', 'c']),
      );
    };
    await look(engine);
    await bench.run(engine.settle());
    expect(engine.statistics().coldDiskBytes).toBeGreaterThan(0);
    await look(engine);
    await bench.run(engine.close());
    await look(await bench.open());
  });

  it('never gives up a durable value for one that the disk does not have yet', async () => {
    let compactionCount = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const policy = { deadShareMax: 0.1, warmSegmentCountMax: 100, smallBytes: 0, smallCountMax: 100 };
      const bench = new Bench({ segmentBytesMax: 1_500, hotBytesMax: 0, policy }, seed);
      const random = new SeededRandom(seed);
      const engine = await bench.open();
      const durable = new Map<string, number>();
      const versionOf = (text: string | null) => (text === null ? -1 : Number.parseInt(text, 10));
      for (let version = 1; version <= 300; version++) {
        const key = `k${random.below(25)}`;
        const always = version < 100 || random.chance(0.05);
        put(engine, key, `${version} `.repeat(12), { durability: always ? 'always' : 'interval' }).then(
          () => {
            if (always) durable.set(key, version);
          },
        );
        await bench.time.advance(random.below(30));
        if (version % 10 !== 0) continue;
        // What a power cut at this moment would leave, looked at without one.
        const left = await bench.open(bench.disk.afterCrash());
        for (const [name, least] of durable) {
          const found = versionOf(await bench.run(get(left, name)));
          expect({ seed, version, name, found: found >= least }).toEqual({
            seed,
            version,
            name,
            found: true,
          });
        }
      }
      compactionCount += engine.statistics().compactionCount;
    }
    expect(compactionCount).toBeGreaterThan(8);
  });

  it('that cannot begin, because the disk refuses a new file, leaves everything as it was', async () => {
    const policy = { deadShareMax: 0.1, warmSegmentCountMax: 100, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 1_000, hotBytesMax: 0, policy });
    const engine = await bench.open();
    for (let index = 0; index < 60; index++) await bench.run(put(engine, `k${index % 30}`, `v${index}`));
    bench.disk.faults.createFails = true;
    await bench.run(engine.settle());
    bench.disk.faults.createFails = false;
    for (let index = 0; index < 30; index++)
      expect(await bench.run(get(engine, `k${index}`))).toBe(`v${index + 30}`);
    await bench.run(engine.settle());
    expect(engine.statistics().compactionCount).toBeGreaterThan(0);
  });

  it('goes on with the other segments when one is damaged, and reports that one', async () => {
    const policy = { deadShareMax: 0.3, warmSegmentCountMax: 100, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 2_000, hotBytesMax: 0, policy });
    const engine = await bench.open();
    for (let index = 0; index < 60; index++)
      await bench.run(put(engine, `k${index}`, `first ${index} `.repeat(10)));
    const first = (await bench.run(bench.disk.list('data'))).find((name) => name.endsWith('.log'))!;
    bench.disk.flipBit(`data/${first}`, 60);
    for (let index = 0; index < 60; index++)
      await bench.run(put(engine, `k${index}`, `second ${index} `.repeat(10)));
    await bench.run(engine.settle());
    expect(engine.statistics().quarantinedSegmentCount).toBe(1);
    expect(engine.statistics().compactionCount).toBeGreaterThan(2);
    for (let index = 0; index < 60; index++) {
      expect(await bench.run(get(engine, `k${index}`))).toBe(`second ${index} `.repeat(10));
    }
  });

  it('carries a removal along while an older segment still holds what it removed', async () => {
    const policy = { deadShareMax: 0.5, warmSegmentCountMax: 100, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 1_000, hotBytesMax: 0, policy });
    let engine = await bench.open();
    // Oldest segment: two records among many that stay, so it is not rewritten.
    await bench.run(put(engine, 'removed', 'old'));
    await bench.run(put(engine, 'dropped', 'old', { keyspace: 1 }));
    await bench.run(put(engine, 'cleared', 'old', { keyspace: 2 }));
    for (let index = 0; index < 40; index++) await bench.run(put(engine, `stays-${index}`, 'x'.repeat(20)));
    const sealedBefore = engine.statistics().segmentCount;
    // A later one: all markers among records that die, so it is rewritten; nothing live is left in it.
    await bench.run(remove(engine, 'removed'));
    await bench.run(drop(engine, 1));
    await bench.run(dropPartition(engine, 2, partitionOfKey('cleared')));
    for (let index = 0; index < 80; index++)
      await bench.run(put(engine, `dies-${index % 2}`, 'x'.repeat(20)));
    await bench.run(engine.settle());
    expect(sealedBefore).toBeGreaterThan(1);
    expect(engine.statistics().compactionCount).toBeGreaterThan(0);
    await bench.run(engine.close());
    engine = await bench.open();
    expect(await bench.run(get(engine, 'removed'))).toBeNull();
    expect(await bench.run(get(engine, 'dropped', 1))).toBeNull();
    expect(await bench.run(get(engine, 'cleared', 2))).toBeNull();
    expect(await bench.run(get(engine, 'stays-0'))).toBe('x'.repeat(20));
  });

  it('lets no removed or dropped key come back, in whatever order segments are rewritten and reopened', async () => {
    const bench = new Bench({
      segmentBytesMax: 700,
      hotBytesMax: 0,
      policy: { ...eager, smallBytes: 600, smallCountMax: 2 },
    });
    let engine = await bench.open();
    for (let round = 0; round < 12; round++) {
      for (let index = 0; index < 20; index++) {
        await bench.run(put(engine, `k${index}`, `round ${round}`, { keyspace: index % 2 }));
      }
      for (let index = 0; index < 20; index += 4) await bench.run(remove(engine, `k${index}`, 0));
      if (round % 4 === 3) await bench.run(drop(engine, 1));
      await bench.run(engine.settle());
      await bench.run(engine.close());
      engine = await bench.open();
      for (let index = 0; index < 20; index++) {
        const keyspace = index % 2;
        const gone = index % 4 === 0 || (keyspace === 1 && round % 4 === 3);
        expect(await bench.run(get(engine, `k${index}`, keyspace))).toBe(gone ? null : `round ${round}`);
      }
    }
  });
});
