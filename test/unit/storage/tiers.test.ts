import { describe, expect, it } from 'vitest';
import { addressOf, partitionCount } from '../../../core/base/token.ts';
import { keyedFingerprint } from '../../../core/storage/fingerprint.ts';
import { HotCache } from '../../../core/storage/hot-cache.ts';
import { KeyIndex } from '../../../core/storage/key-index.ts';
import { Bench, get, put } from '../../support/engines.ts';

describe('the hot cache', () => {
  it('never holds more than its bound', () => {
    const cache = new HotCache(100_000);
    for (let id = 0; id < 5_000; id++) {
      cache.put(id, Buffer.from(`k${id}`), Buffer.alloc(id % 3_000));
      expect(cache.bytes).toBeLessThanOrEqual(100_000);
    }
  });

  it('keeps what is used through a scan over ten times its size', () => {
    const cache = new HotCache(200_000);
    const used = Array.from({ length: 50 }, (_, id) => id);
    const key = (id: number) => Buffer.from(`k${id}`);
    for (const id of used) cache.put(id, key(id), Buffer.alloc(1_000));
    for (let round = 0; round < 3; round++) for (const id of used) cache.get(id, key(id));
    for (let id = 1_000; id < 3_000; id++) cache.put(id, key(id), Buffer.alloc(1_000));
    expect(used.filter((id) => cache.get(id, key(id)) !== null).length).toBe(50);
  });

  it('answers nothing for another key under the same entry', () => {
    const cache = new HotCache(10_000);
    cache.put(1, Buffer.from('old'), Buffer.from('v'));
    expect(cache.get(1, Buffer.from('new'))).toBeNull();
  });
});

describe('the index', () => {
  it('costs at most 40 bytes a key plus slack for growth', () => {
    const index = new KeyIndex(keyedFingerprint(Buffer.alloc(8, 7)));
    const count = 300_000;
    for (let number = 0; number < count; number++) {
      const key = Buffer.from(`user:${number}`);
      const { tokenHigh, tokenLow } = addressOf(0, key);
      const facts = { flags: 0, expiryTick: 0 };
      index.insert(0, tokenHigh, tokenLow, key, false, facts, {
        segment: 1,
        offset: number,
        length: 9,
      });
    }
    // 36 bytes of entry, 4 for each bucket (half to two buckets a key), and at most one chunk not yet used.
    expect(index.bytes / count).toBeLessThanOrEqual(36 + 8 + (65_536 * 36) / count);
    for (let number = 0; number < count; number += 997) {
      const key = Buffer.from(`user:${number}`);
      const { tokenHigh, tokenLow } = addressOf(0, key);
      const id = index.find(0, tokenHigh, tokenLow, key);
      expect(index.placeOf(id).offset).toBe(number);
    }
  });

  it('walks a partition in pages without losing or repeating a key, also when all share one hash tag', () => {
    const index = new KeyIndex(keyedFingerprint(Buffer.alloc(8, 7)));
    const facts = { flags: 0, expiryTick: 0 };
    for (let number = 0; number < 5_000; number++) {
      const key = Buffer.from(`{tag}${number}`);
      const { tokenHigh, tokenLow } = addressOf(0, key);
      index.insert(0, tokenHigh, tokenLow, key, false, facts, {
        segment: 1,
        offset: number,
        length: 1,
      });
    }
    const seen = new Set<number>();
    let pages = 0;
    for (let partition = 0; partition < partitionCount; partition++) {
      let from: number | null = partition * 2 ** 43;
      while (from !== null) {
        const { entries, next } = index.walk(0, partition, from, 100);
        for (const id of entries) {
          expect(seen.has(id)).toBe(false);
          seen.add(id);
        }
        if (entries.length > 0) pages++;
        from = next;
      }
    }
    expect(seen.size).toBe(5_000);
    expect(pages).toBeGreaterThan(20);
  });
});

describe('the cold tier', () => {
  it('holds what compaction rewrites, compressed, and serves it', async () => {
    const policy = { deadShareMax: 0.3, warmSegmentCountMax: 1, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 60_000, hotBytesMax: 0, policy });
    const engine = await bench.open();
    const text = (index: number) =>
      `{"order":${index},"customer":"someone","items":["a","b","c"]}`.repeat(20);
    for (let index = 0; index < 300; index++) await bench.run(put(engine, `order-${index}`, text(index)));
    await bench.run(engine.settle());
    const { coldDiskBytes, coldRawBytes, compactionCount } = engine.statistics();
    expect(compactionCount).toBeGreaterThan(2);
    expect(coldRawBytes / coldDiskBytes).toBeGreaterThan(5);
    for (let index = 0; index < 300; index++) {
      expect(await bench.run(get(engine, `order-${index}`))).toBe(text(index));
    }
    await bench.run(engine.close());
    const reopened = await bench.open();
    for (let index = 0; index < 300; index += 7) {
      expect(await bench.run(get(reopened, `order-${index}`))).toBe(text(index));
    }
  });

  it('gives the space of overwritten values back', async () => {
    const policy = { deadShareMax: 0.5, warmSegmentCountMax: 100, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 20_000, hotBytesMax: 0, policy });
    const engine = await bench.open();
    for (let index = 0; index < 600; index++) {
      await bench.run(put(engine, `k${index % 5}`, Buffer.alloc(500, index)));
    }
    await bench.run(engine.settle());
    expect(bench.disk.usedBytes).toBeLessThan(60_000);
    expect((await bench.run(get(engine, 'k4')))?.length).toBe(500);
  });

  it('never takes the place of a value that was written while it was made', async () => {
    const policy = { deadShareMax: 0.2, warmSegmentCountMax: 1, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ segmentBytesMax: 40_000, hotBytesMax: 0, policy });
    bench.disk.faults.delayMaxMs = 4;
    const engine = await bench.open();
    const latest = new Map<string, string>();
    for (let index = 0; index < 1_500; index++) {
      // Keys come back while the segments that hold their older values are being rewritten.
      const key = `k${(index * 7) % 60}`;
      const value = `${index} `.repeat(100);
      put(engine, key, value).catch(() => {});
      latest.set(key, value);
      await bench.time.advance(1);
      // Looked at again before the next round writes it anew.
      const earlier = `k${((index - 40) * 7) % 60}`;
      if (index >= 40) expect(await bench.run(get(engine, earlier))).toBe(latest.get(earlier));
    }
    expect(engine.statistics().compactionCount).toBeGreaterThan(1);
  });
});
