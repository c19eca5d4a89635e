import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf, partitionStart } from '../../../core/base/token.ts';
import type { Disk, DiskFile } from '../../../core/ports/disk.ts';
import { silentLog } from '../../../core/ports/log.ts';
import type { ScanResult, StorageEngine } from '../../../core/ports/storage-engine.ts';
import { openLogEngine } from '../../../core/storage/log-engine.ts';
import { Bench, put, scan } from '../../support/engines.ts';

const mebibyte = 1024 * 1024;
const partition = partitionOf(addressOf(0, Buffer.from('{t}')).tokenHigh);
const cold = { deadShareMax: 1, warmSegmentCountMax: 0, smallBytes: 0, smallCountMax: 100 };
const idle = { deadShareMax: 1, warmSegmentCountMax: 1_000, smallBytes: 0, smallCountMax: 1_000 };

/** The disk of a bench, with a count of the reads that are under way. */
class Watched {
  reads = 0;
  readsMax = 0;
  readonly disk: Disk;

  constructor(disk: Disk) {
    const watch = (file: DiskFile): DiskFile => ({
      ...file,
      read: async (position, length) => {
        this.reads++;
        this.readsMax = Math.max(this.readsMax, this.reads);
        return file.read(position, length).finally(() => this.reads--);
      },
    });
    this.disk = new Proxy(disk, {
      get: (target, name: keyof Disk) => {
        if (name !== 'open') return target[name].bind(target as never);
        return (path: string, mode: 'create' | 'write' | 'read') => target.open(path, mode).then(watch);
      },
    });
  }
}

async function opened(bench: Bench): Promise<{ engine: StorageEngine; watched: Watched }> {
  const watched = new Watched(bench.disk);
  const components = { disk: watched.disk, clock: bench.time, timers: bench.time, log: silentLog };
  return { engine: await bench.run(openLogEngine(components, bench.settings)), watched };
}

const bytesOf = ({ records }: ScanResult) =>
  records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);

async function pages(bench: Bench, engine: StorageEngine, bytesMax?: number): Promise<ScanResult[]> {
  const all: ScanResult[] = [];
  let fromPosition: number | null = partitionStart(partition);
  while (fromPosition !== null) {
    const request = { partition, fromPosition, countMax: 10_000, ...(bytesMax ? { bytesMax } : {}) };
    const page: ScanResult = await bench.run(scan(engine, request));
    all.push(page);
    fromPosition = page.nextPosition;
  }
  return all;
}

const keysOf = (all: readonly ScanResult[]) =>
  all.flatMap(({ records }) => records.map(({ key }) => key.toString())).sort();

describe('a page of a scan', () => {
  it('holds a few mebibytes at most, however large the values and the count that was asked for', async () => {
    for (const [tier, hotBytesMax] of [
      ['disk', 0],
      ['memory', 64 * mebibyte],
    ] as const) {
      const bench = new Bench({ hotBytesMax, policy: idle });
      const engine = await bench.open();
      const keys = Array.from({ length: 30 }, (_, index) => `{t}${index}`);
      for (const key of keys) await bench.run(put(engine, key, Buffer.alloc(mebibyte)));
      bench.disk.bytesRead = 0;
      const all = await pages(bench, engine);
      expect(keysOf(all)).toEqual(keys.sort());
      for (const page of all) expect(bytesOf(page)).toBeLessThanOrEqual(4 * mebibyte);
      expect({ tier, pages: all.length }).toEqual({ tier, pages: 10 });
      // Nothing is read that is not shown.
      expect(bench.disk.bytesRead).toBeLessThan(31 * mebibyte);
    }
  });

  it('holds no more when its values are small on disk: unpacked, they end the page', async () => {
    const bench = new Bench({ hotBytesMax: 0, segmentBytesMax: 3 * mebibyte, policy: cold });
    const engine = await bench.open();
    const keys = Array.from({ length: 30 }, (_, index) => `{t}${index}`);
    for (const key of keys) await bench.run(put(engine, key, Buffer.alloc(mebibyte)));
    await bench.run(engine.settle());
    expect(engine.statistics().coldDiskBytes).toBeLessThan(mebibyte);
    const all = await pages(bench, engine);
    expect(keysOf(all)).toEqual(keys.sort());
    for (const page of all) expect(bytesOf(page)).toBeLessThanOrEqual(4 * mebibyte);
  });

  it('unpacks each cold block once for all of its records, and reads few at a time', async () => {
    const bench = new Bench({ hotBytesMax: 0, segmentBytesMax: 100_000, policy: cold });
    const { engine, watched } = await opened(bench);
    const keys = Array.from({ length: 3_000 }, (_, index) => `{t}${index}`);
    for (let at = 0; at < keys.length; at += 100) {
      await bench.run(Promise.all(keys.slice(at, at + 100).map((key) => put(engine, key, 'v'.repeat(50)))));
    }
    await bench.run(engine.settle());
    const { coldDiskBytes, warmDiskBytes } = engine.statistics();
    expect(coldDiskBytes).toBeGreaterThan(10_000);
    bench.disk.bytesRead = 0;
    watched.readsMax = 0;
    const all = await pages(bench, engine);
    expect(keysOf(all)).toEqual(keys.sort());
    expect(all.length).toBe(1);
    expect(bench.disk.bytesRead).toBeLessThanOrEqual(coldDiskBytes + warmDiskBytes);
    expect(watched.readsMax).toBeGreaterThan(1);
    expect(watched.readsMax).toBeLessThanOrEqual(16);
  });

  it('shows the records as of its call, though compaction moves them while they are read', async () => {
    const policy = { ...idle };
    const bench = new Bench({ hotBytesMax: 0, segmentBytesMax: 2_000, policy });
    const engine = await bench.open();
    const keys = Array.from({ length: 100 }, (_, index) => `{t}${index}`);
    for (const key of keys) await bench.run(put(engine, key, `old ${key}`.padEnd(60)));
    const request = { partition, fromPosition: partitionStart(partition), countMax: 1_000 };
    bench.disk.faults.delayMaxMs = 300;
    const reading = scan(engine, request);
    await bench.time.advance(1);
    bench.disk.faults.delayMaxMs = 0;
    Object.assign(policy, { ...cold, deadShareMax: 0.1 });
    const writes = keys.map((key) => put(engine, key, 'new'));
    await bench.run(Promise.all([...writes, engine.settle()]));
    expect(engine.statistics().compactionCount).toBeGreaterThan(0);
    const page = await bench.run(reading);
    expect(page.records.map(({ value }) => value.toString().trim()).sort()).toEqual(
      keys.map((key) => `old ${key}`).sort(),
    );
  });
});
