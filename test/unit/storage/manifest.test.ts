import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { StorageEngine } from '../../../core/ports/storage-engine.ts';
import { headBytes, kind, writeRecord } from '../../../core/storage/record-format.ts';
import { Bench, get, put, remove } from '../../support/engines.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import type { SimulatedDisk } from '../../support/simulated-disk.ts';

const idle = { deadShareMax: 1, warmSegmentCountMax: 1_000, smallBytes: 0, smallCountMax: 1_000 };
const eager = { deadShareMax: 0.2, warmSegmentCountMax: 1, smallBytes: 600, smallCountMax: 2 };
const copies = ['data/manifest', 'data/manifest.copy'];

async function written(bench: Bench, count = 40): Promise<void> {
  const engine = await bench.open();
  for (let index = 0; index < count; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
  await bench.run(engine.close());
}

const logsOf = (bench: Bench, disk: SimulatedDisk = bench.disk) =>
  bench.run(disk.list('data')).then((names) => names.filter((name) => name.endsWith('.log')));

/** Writes keys over and over, waiting for each, while compaction runs as it likes. */
async function history(bench: Bench, engine: StorageEngine, seed: number, count: number, start = 0) {
  const random = new SeededRandom(seed);
  const expected = new Map<string, string | null>();
  for (let index = start; index < start + count; index++) {
    const key = `k${random.below(20)}`;
    const isRemoval = random.chance(0.1);
    await bench.run(isRemoval ? remove(engine, key) : put(engine, key, `v${index}`.padEnd(30)));
    expected.set(key, isRemoval ? null : `v${index}`);
    if (random.chance(0.1)) await bench.time.advance(random.below(400));
  }
  return expected;
}

async function expectHistory(bench: Bench, engine: StorageEngine, expected: Map<string, string | null>) {
  for (const [key, value] of expected) {
    expect({ key, value: (await bench.run(get(engine, key)))?.trim() ?? null }).toEqual({ key, value });
  }
}

describe('a damaged manifest', () => {
  it('costs nothing while one of its copies is sound, whichever bit flips', async () => {
    const bench = new Bench({ segmentBytesMax: 500 });
    await written(bench);
    for (const path of copies) {
      const { length } = bench.disk.contentOf(path);
      for (let offset = 0; offset < length; offset += 3) {
        const disk = bench.disk.copy();
        disk.flipBit(path, offset, offset % 8);
        const engine = await bench.open(disk);
        expect(engine.recovery).toEqual({
          clean: true,
          tornBytes: 0,
          quarantinedSegments: [],
          recordCount: 40,
        });
        await bench.run(engine.close());
      }
    }
  });

  it('is made again from the segments, in their order, wherever compaction was when the power went', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new Bench({ segmentBytesMax: 500, hotBytesMax: 0, policy: eager }, seed);
      bench.disk.faults.delayMaxMs = 3;
      const engine = await bench.open();
      const expected = await history(bench, engine, seed, 120);
      bench.disk.crash();
      for (const path of copies) {
        if (seed % 2 === 0) bench.disk.removeFolder(path);
        else bench.disk.flipBit(path, 20);
      }
      const reopened = await bench.open();
      expect(reopened.recovery.clean).toBe(false);
      expect(reopened.recovery.quarantinedSegments).toEqual([]);
      await expectHistory(bench, reopened, expected);
      const more = await history(bench, reopened, seed + 1_000, 40, 120);
      await bench.run(reopened.settle());
      await bench.run(reopened.close());
      const again = await bench.open();
      expect(again.recovery.clean).toBe(true);
      await expectHistory(bench, again, new Map([...expected, ...more]));
    }
  });

  it('costs the one segment whose own head is damaged as well', async () => {
    const bench = new Bench({ segmentBytesMax: 500, policy: idle });
    await written(bench);
    for (const path of copies) bench.disk.removeFolder(path);
    const [first] = await logsOf(bench);
    bench.disk.flipBit(`data/${first}`, 13);
    const engine = await bench.open();
    expect(engine.recovery.quarantinedSegments).toEqual([first]);
    expect(await bench.run(bench.disk.list('data'))).toContain(`${first}.quarantine`);
    expect(await bench.run(get(engine, 'key-0'))).toBeNull();
    expect(await bench.run(get(engine, 'key-39'))).toBe('value 39');
  });
});

describe('an old manifest beside newer segments', () => {
  it('is set right by the segments: nothing that was acknowledged since is lost', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bench = new Bench({ segmentBytesMax: 500, hotBytesMax: 0, policy: eager }, seed);
      bench.disk.faults.delayMaxMs = 2;
      const engine = await bench.open();
      const before = await history(bench, engine, seed, 10 + (seed % 50));
      const old = copies.map((path) => bench.disk.snapshot(path));
      const since = await history(bench, engine, seed + 500, seed * 2, 100);
      if (seed % 2 === 0) await bench.run(engine.close());
      else bench.disk.crash();
      for (const snapshot of old) bench.disk.restore(snapshot);
      const reopened = await bench.open();
      await expectHistory(bench, reopened, new Map([...before, ...since]));
    }
  });

  it('is what a disk leaves that says a replacement is done and keeps the old file', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const bench = new Bench({ segmentBytesMax: 500, hotBytesMax: 0, policy: eager }, seed);
      bench.disk.faults.delayMaxMs = 2;
      const engine = await bench.open();
      const before = await history(bench, engine, seed, 30 + seed);
      bench.disk.faults.replaceLost = true;
      const since = await history(bench, engine, seed + 500, seed * 2, 100);
      bench.disk.crash();
      bench.disk.faults.replaceLost = false;
      // Segments that the old manifest names may have been given up since; that cannot be told from a loss, and counts as one.
      await expectHistory(bench, await bench.open(), new Map([...before, ...since]));
    }
  });
});

describe('the last segment', () => {
  it('that is missing after an orderly end is reported as lost', async () => {
    const bench = new Bench({ segmentBytesMax: 500, policy: idle });
    await written(bench);
    const last = (await logsOf(bench)).at(-1)!;
    bench.disk.removeFolder(`data/${last}`);
    const engine = await bench.open();
    expect(engine.recovery.clean).toBe(false);
    expect(engine.recovery.quarantinedSegments).toEqual([last]);
    expect(await bench.run(get(engine, 'key-0'))).toBe('value 0');
  });

  it('that ends earlier than at the orderly end is reported as lost, though it ends with a whole record', async () => {
    for (const lostSummary of [true, false]) {
      const bench = new Bench({ policy: idle });
      await written(bench);
      const last = (await logsOf(bench)).at(-1)!;
      bench.disk.cutTail(`data/${last}`, headBytes + 'key-39'.length + 'value 39'.length);
      if (lostSummary) bench.disk.removeFolder(`data/${last.replace('.log', '.sum')}`);
      const engine = await bench.open();
      expect(engine.recovery.clean).toBe(false);
      expect(engine.recovery.tornBytes).toBe(0);
      expect(engine.recovery.quarantinedSegments).toEqual([last]);
      expect(await bench.run(get(engine, 'key-38'))).toBe('value 38');
      await bench.run(engine.close());
      expect((await bench.open()).recovery.clean).toBe(true);
    }
  });

  it('that a crash left without its file had nothing in it', async () => {
    const bench = new Bench({ policy: idle });
    const engine = await bench.open();
    bench.disk.faults.createFails = true;
    put(engine, 'k', 'v').catch(() => {});
    await bench.time.advance(100);
    bench.disk.crash();
    bench.disk.faults.createFails = false;
    expect((await bench.open()).recovery.quarantinedSegments).toEqual([]);
  });
});

describe('a folder of another version', () => {
  const checked = (body: string) => Buffer.from(`${crc32(body).toString(16).padStart(8, '0')}\n${body}`);

  it('that is newer is refused by name, and nothing in it is changed', async () => {
    const bench = new Bench({ segmentBytesMax: 500 });
    await written(bench);
    const newerManifest = bench.disk.copy();
    await bench.run(newerManifest.replaceFile(copies[0], checked('{"format":4}')));
    const newerSegment = bench.disk.copy();
    const [first] = await logsOf(bench);
    const bytes = newerSegment.contentOf(`data/${first}`);
    bytes.writeUInt16BE(4, 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 20)), 20);
    await bench.run(newerSegment.replaceFile(`data/${first}`, bytes));
    for (const disk of [newerManifest, newerSegment]) {
      const before = disk.snapshot('data');
      await expect(bench.open(disk)).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('format 4'),
      });
      expect(disk.snapshot('data')).toEqual(before);
    }
  });

  it('with segments of the second version is read', async () => {
    const bench = new Bench({ segmentBytesMax: 500 });
    await written(bench);
    const older = bench.disk.copy();
    for (const name of await logsOf(bench)) {
      const bytes = older.contentOf(`data/${name}`);
      bytes.writeUInt16BE(2, 4);
      bytes.writeUInt32BE(crc32(bytes.subarray(0, 20)), 20);
      await bench.run(older.replaceFile(`data/${name}`, bytes));
    }
    const { recovery } = await bench.open(older);
    expect(recovery.quarantinedSegments).toEqual([]);
    expect(recovery.recordCount).toBe((await bench.open()).recovery.recordCount);
  });

  /** As the first version wrote them: a head of 16 bytes, then records. */
  function firstVersionSegment(number: number, records: readonly [string, string][]): Buffer {
    const head = Buffer.alloc(16);
    head.writeUInt32BE(0x434f5452, 0);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(number, 8);
    head.writeUInt32BE(crc32(head.subarray(0, 12)), 12);
    const parts = records.map(([key, value]) => {
      const bytes = Buffer.alloc(headBytes + key.length + value.length);
      const zero = { flags: 0, keyspace: 0, tokenHigh: 5, tokenLow: key.charCodeAt(0), expiryTick: 0 };
      const lengths = { keyLength: key.length, valueLength: value.length };
      writeRecord(bytes, 0, { kind: kind.put, ...zero, ...lengths }, Buffer.from(key), Buffer.from(value));
      return bytes;
    });
    return Buffer.concat([head, ...parts]);
  }

  async function firstVersion(bench: Bench): Promise<void> {
    const segments = [7, 3].map((number) => ({ number, cold: number === 7, rawBytes: 0 }));
    await bench.run(
      bench.disk.replaceFile('data/segment-00000007.log', firstVersionSegment(7, [['a', 'old']])),
    );
    await bench.run(
      bench.disk.replaceFile(
        'data/segment-00000003.log',
        firstVersionSegment(3, [
          ['a', 'new'],
          ['b', 'b'],
        ]),
      ),
    );
    await bench.run(
      bench.disk.replaceFile(copies[0], checked(JSON.stringify({ format: 1, nextNumber: 8, segments }))),
    );
  }

  const at = (bench: Bench, engine: StorageEngine, key: string) =>
    bench.run(
      new Promise((resolve) =>
        engine.get(
          { keyspace: 0, tokenHigh: 5, tokenLow: key.charCodeAt(0), key: Buffer.from(key) },
          (_, value) => resolve(value === null ? null : value.toString()),
        ),
      ),
    );

  it('that is older is read, in the order of its manifest, and goes on in this version', async () => {
    const bench = new Bench({ segmentBytesMax: 300, hotBytesMax: 0, policy: eager });
    await firstVersion(bench);
    let engine = await bench.open();
    expect(await at(bench, engine, 'a')).toBe('new');
    const expected = await history(bench, engine, 3, 60);
    await bench.run(engine.settle());
    await bench.run(engine.close());
    engine = await bench.open();
    expect(engine.recovery.clean).toBe(true);
    expect(await at(bench, engine, 'a')).toBe('new');
    expect(await at(bench, engine, 'b')).toBe('b');
    await expectHistory(bench, engine, expected);
  });

  it('that is older and has lost its manifest is set aside as a whole: the start is empty and says so', async () => {
    const bench = new Bench();
    await firstVersion(bench);
    bench.disk.removeFolder(copies[0]);
    const engine = await bench.open();
    expect(engine.recovery).toEqual({
      clean: false,
      tornBytes: 0,
      quarantinedSegments: ['segment-00000003.log', 'segment-00000007.log'],
      recordCount: 0,
    });
    await bench.run(put(engine, 'k', 'v'));
    await bench.run(engine.close());
    const again = await bench.open();
    expect(again.recovery.clean).toBe(true);
    expect(await bench.run(get(again, 'k'))).toBe('v');
    expect(await bench.run(bench.disk.list('data'))).toContain('segment-00000007.log.quarantine');
  });
});
