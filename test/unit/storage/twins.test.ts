import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, type KeyAddress, partitionOf, partitionStart } from '../../../core/base/token.ts';
import type { ScanResult, StorageEngine } from '../../../core/ports/storage-engine.ts';
import { Bench, changed, noFacts, put as putKey, scan } from '../../support/engines.ts';
import { check } from '../../support/seeds.ts';
import { craftedKey, plainKey } from '../../support/twin-keys.ts';

const { tokenHigh, tokenLow } = addressOf(0, Buffer.from('{t}'));
const partition = partitionOf(tokenHigh);
/** Keys that nothing but their bytes tells apart: one token, and a fingerprint that is the same for all. */
const alike = { fingerprint: () => 0 };
const twin = (key: string): KeyAddress => ({ keyspace: 0, tokenHigh, tokenLow, key: Buffer.from(key) });
const eager = { deadShareMax: 0.2, warmSegmentCountMax: 0, smallBytes: 500, smallCountMax: 2 };

const put = (engine: StorageEngine, key: string, value: string) =>
  changed((done) => engine.put(twin(key), Buffer.from(value), noFacts, 'always', done));
const remove = (engine: StorageEngine, key: string) => changed((done) => engine.remove(twin(key), done));
const get = (engine: StorageEngine, key: string) =>
  new Promise<string | null>((resolve, reject) => {
    engine.get(twin(key), (error, value) =>
      error === null ? resolve(value === null ? null : value.toString()) : reject(error),
    );
  });

async function scanned(bench: Bench, engine: StorageEngine): Promise<Record<string, string>> {
  const page: ScanResult = await bench.run(
    scan(engine, { partition, fromPosition: partitionStart(partition), countMax: 1_000 }),
  );
  const found = page.records.map(({ key, value }) => [key.toString(), value.toString()]);
  expect(new Set(found.map(([key]) => key)).size).toBe(found.length);
  return Object.fromEntries(found);
}

type Step =
  | { kind: 'put'; key: string; value: string; reads: boolean }
  | { kind: 'remove'; key: string; reads: boolean }
  | { kind: 'forget'; key: string }
  | { kind: 'close' | 'crash' | 'settle' };

const keys = fc.constantFrom('a', 'b', 'c', 'd');
const steps = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        key: keys,
        value: fc.string({ maxLength: 200 }),
        reads: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('remove' as const), key: keys, reads: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'crash' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  ),
  { maxLength: 40 },
) as fc.Arbitrary<Step[]>;

describe('keys that share token and fingerprint', () => {
  it('never take one another’s place: a map, whatever happens, with restarts, crashes and compaction', async () => {
    await check(
      fc.asyncProperty(steps, fc.constantFrom(0, 1_500, 100_000), async (sequence, hotBytesMax) => {
        const bench = new Bench({ ...alike, hotBytesMax, segmentBytesMax: 400, policy: eager });
        let engine = await bench.open();
        const model = new Map<string, string>();
        for (const step of sequence) {
          if (step.kind === 'put' || step.kind === 'remove') {
            if (step.reads) await bench.run(get(engine, step.key));
            const change = step.kind === 'put' ? put(engine, step.key, step.value) : remove(engine, step.key);
            if (step.kind === 'put') model.set(step.key, step.value);
            else model.delete(step.key);
            // At once, before anything was settled.
            expect(await bench.run(get(engine, step.key))).toBe(model.get(step.key) ?? null);
            await bench.run(change);
          } else if (step.kind === 'settle') await bench.run(engine.settle());
          else {
            if (step.kind === 'crash') bench.disk.crash();
            else await bench.run(engine.close());
            engine = await bench.open();
          }
          expect(await scanned(bench, engine)).toEqual(Object.fromEntries(model));
        }
        for (const key of ['a', 'b', 'c', 'd']) {
          expect(await bench.run(get(engine, key))).toBe(model.get(key) ?? null);
        }
        await bench.run(engine.settle());
        expect(engine.statistics().recordCount).toBe(model.size);
        expect(engine.countLive(0, partition)).toBe(model.size);
      }),
      120,
    );
  });

  it('are told apart after a restart in which their fingerprints are others', async () => {
    let seed = 0;
    const fingerprint = (key: Buffer) => (key[0] * seed) & 1;
    const bench = new Bench({ fingerprint, hotBytesMax: 0, segmentBytesMax: 300, policy: eager });
    const expected = Object.fromEntries('abcdefgh'.split('').map((key) => [key, `of ${key}`]));
    for (; seed < 4; seed++) {
      const engine = await bench.open();
      if (seed > 0) expect(await scanned(bench, engine)).toEqual(expected);
      for (const [key, value] of Object.entries(expected)) await bench.run(put(engine, key, value));
      await bench.run(engine.settle());
      await bench.run(engine.close());
    }
  });

  it('cost no record of a third key when one of them is damaged on disk', async () => {
    const bench = new Bench({ ...alike, hotBytesMax: 0, policy: { ...eager, warmSegmentCountMax: 1_000 } });
    const engine = await bench.open();
    for (const key of ['a', 'b', 'c']) await bench.run(put(engine, key, `value of ${key}`));
    await bench.run(engine.settle());
    const name = (await bench.run(bench.disk.list('data'))).find((file) => file.endsWith('.log'))!;
    bench.disk.flipBit(`data/${name}`, bench.disk.contentOf(`data/${name}`).indexOf('value of b'));
    await expect(bench.run(get(engine, 'b'))).rejects.toMatchObject({ code: 'corrupt' });
    await bench.run(put(engine, 'b', 'again'));
    expect(await scanned(bench, engine)).toEqual({ a: 'value of a', b: 'again', c: 'value of c' });
    await bench.run(engine.close());
    expect(await scanned(bench, await bench.open())).toEqual({
      a: 'value of a',
      b: 'again',
      c: 'value of c',
    });
  });

  it('made by somebody who knows how tokens are computed lose nothing: a crafted pair, in a store of its own key', async () => {
    const plain = addressOf(0, plainKey);
    const other = addressOf(0, craftedKey);
    expect([other.tokenHigh, other.tokenLow]).toEqual([plain.tokenHigh, plain.tokenLow]);
    const bench = new Bench({ hotBytesMax: 0 });
    let engine = await bench.open();
    const write = (address: KeyAddress, value: string) =>
      bench.run(changed((done) => engine.put(address, Buffer.from(value), noFacts, 'always', done)));
    const read = (address: KeyAddress) =>
      bench.run(new Promise<string>((resolve) => engine.get(address, (_, value) => resolve(String(value)))));
    await write(plain, 'alice-data');
    await write(other, 'x');
    for (let start = 0; start < 2; start++) {
      expect(await read(plain)).toBe('alice-data');
      expect(await read(other)).toBe('x');
      bench.disk.crash();
      engine = await bench.open();
    }
  });
});

describe('a put of a key that nobody has read lately', () => {
  it('takes its place at once, and the older record is given up when it has been read', async () => {
    const bench = new Bench({ hotBytesMax: 0 });
    const engine = await bench.open();
    await bench.run(putKey(engine, 'k', 'old'));
    const writing = putKey(engine, 'k', 'new');
    await bench.run(writing);
    await bench.run(engine.settle());
    expect(engine.statistics().recordCount).toBe(1);
    expect(engine.statistics().deadBytes).toBeGreaterThan(0);
  });

  it('waits no disk out when the key has just been read', async () => {
    const bench = new Bench({ hotBytesMax: 0 });
    const engine = await bench.open();
    await bench.run(putKey(engine, 'k', 'old'));
    bench.disk.bytesRead = 0;
    await bench.run(
      new Promise<void>((resolve, reject) => {
        const address = addressOf(0, Buffer.from('k'));
        engine.get(address, () => {
          const done = (error: Error | null) => (error === null ? resolve() : reject(error));
          expect(engine.put(address, Buffer.from('new'), noFacts, 'always', done)).toBeNull();
          expect(engine.statistics().recordCount).toBe(1);
        });
      }),
    );
    expect(bench.disk.bytesRead).toBeLessThan(100);
  });
});
