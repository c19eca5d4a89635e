/** What every StorageEngine does, as tests that run on each implementation. Long, because it is the whole contract. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoterieError } from '../../core/base/errors.ts';
import { addressOf, partitionCount, partitionOf, partitionStart } from '../../core/base/token.ts';
import type { StorageEngine } from '../../core/ports/storage-engine.ts';
import { changed, drop, dropPartition, get, noFacts, put, putAll, remove, scan } from '../support/engines.ts';
import { check } from '../support/seeds.ts';

export interface EngineUnderTest {
  readonly engine: StorageEngine;
  /** Waits for a promise of the engine, moving time on where time is simulated. */
  run<T>(promise: Promise<T>): Promise<T>;
  nowMs(): number;
  advance(durationMs: number): Promise<void>;
  /** Closes the engine and opens it anew over the same data; undefined where nothing outlives it. */
  reopen?(): Promise<EngineUnderTest>;
  /** Opened with `putBytesMax` of this. */
  readonly putBytesMax: number;
  dispose(): Promise<void>;
}

const partitionOfKey = (key: string) => partitionOf(addressOf(0, Buffer.from(key)).tokenHigh);

async function allKeys({ engine, run }: EngineUnderTest, keyspace = 0, countMax = 7): Promise<string[]> {
  const keys: string[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    let from: number | null = partitionStart(partition);
    while (from !== null) {
      const page: Awaited<ReturnType<typeof scan>> = await run(
        scan(engine, { keyspace, partition, fromPosition: from, countMax }),
      );
      keys.push(...page.records.map((record) => record.key.toString()));
      from = page.nextPosition;
    }
  }
  return keys;
}

const address = (key: string) => addressOf(0, Buffer.from(key));

const neverDone = (): void => {
  throw new Error('a refused change was reported as done');
};

/** The token's top bit is set there: its marker must not be taken for a negative number. */
function keyOfLastPartition(): string {
  for (let number = 0; ; number++)
    if (partitionOfKey(`k${number}`) === partitionCount - 1) return `k${number}`;
}

type Step =
  | { kind: 'put'; key: string; value: string; tombstone: boolean }
  | { kind: 'remove'; key: string }
  | { kind: 'dropPartition'; key: string }
  | { kind: 'reopen' }
  | { kind: 'settle' };

const keyNames = fc.constantFrom('a', 'b', 'c', '{tag}1', '{tag}2', '{tag}3', 'ключ', 'a longer key');
const steps = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        key: keyNames,
        value: fc.string({ maxLength: 300 }),
        tombstone: fc.boolean(),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), key: keyNames }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('dropPartition' as const), key: keyNames }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
  ),
  { maxLength: 60 },
) as fc.Arbitrary<Step[]>;

export function describeStorageEngine(
  name: string,
  open: () => Promise<EngineUnderTest>,
  runCount: number,
): void {
  const withEngine = async (body: (test: EngineUnderTest) => Promise<void>) => {
    const test = await open();
    try {
      await body(test);
    } finally {
      await test.dispose();
    }
  };

  describe(`the storage engine ${name}`, () => {
    it('answers what was put, and nothing for a key that was not', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'k', 'v'));
        expect(await run(get(engine, 'k'))).toBe('v');
        expect(await run(get(engine, 'other'))).toBeNull();
      }));

    it('shows a put to reads at once, before it is durable', () =>
      withEngine(async ({ engine, run }) => {
        const written = put(engine, 'k', 'early');
        let seen: string | null = null;
        engine.get(addressOf(0, Buffer.from('k')), (_, value) => {
          seen = value?.toString() ?? null;
        });
        expect(seen).toBe('early');
        await run(written);
      }));

    it('keeps the last of several puts of one key, in call order', () =>
      withEngine(async ({ engine, run }) => {
        const writes = Array.from({ length: 50 }, (_, index) => put(engine, 'k', `v${index}`));
        await run(Promise.all(writes));
        expect(await run(get(engine, 'k'))).toBe('v49');
      }));

    it('keeps keyspaces apart', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'k', 'one', { keyspace: 1 }));
        await run(put(engine, 'k', 'two', { keyspace: 2 }));
        expect(await run(get(engine, 'k', 1))).toBe('one');
        await run(drop(engine, 1));
        expect(await run(get(engine, 'k', 1))).toBeNull();
        expect(await run(get(engine, 'k', 2))).toBe('two');
        expect(engine.countLive(1, partitionOfKey('k'))).toBe(0);
      }));

    it('does not change a value whose buffer the caller uses again', () =>
      withEngine(async ({ engine, run }) => {
        const buffer = Buffer.from('original');
        const written = put(engine, 'k', buffer);
        buffer.fill('x');
        await run(written);
        expect(await run(get(engine, 'k'))).toBe('original');
      }));

    it('forgets removed keys', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'k', 'v'));
        await run(remove(engine, 'k'));
        expect(await run(get(engine, 'k'))).toBeNull();
        expect(engine.statistics().recordCount).toBe(0);
      }));

    it('counts live keys: no tombstones, no expired ones', () =>
      withEngine(async ({ engine, run, nowMs, advance }) => {
        const partition = partitionOfKey('{t}a');
        await run(put(engine, '{t}a', 'v'));
        await run(put(engine, '{t}b', 'v', { tombstone: true }));
        await run(put(engine, '{t}c', 'v', { expiresAtMs: nowMs() + 2_000 }));
        expect(engine.countLive(0, partition)).toBe(2);
        await advance(3_000);
        expect(engine.countLive(0, partition)).toBe(1);
        await run(put(engine, 'k', 'v', { keyspace: 1 }));
        expect([engine.countRecords(0), engine.countRecords(1), engine.countRecords(2)]).toEqual([3, 1, 0]);
        await run(put(engine, '{t}b', 'alive again'));
        expect(engine.countLive(0, partition)).toBe(2);
      }));

    it('scans each key once, in order of position, a bounded number at a time', () =>
      withEngine(async (test) => {
        const keys = Array.from({ length: 300 }, (_, index) =>
          index % 3 ? `key-${index}` : `{hot}${index}`,
        );
        await test.run(Promise.all(keys.map((key) => put(test.engine, key, 'v'))));
        for (const countMax of [1, 7, 1000]) {
          expect((await allKeys(test, 0, countMax)).sort()).toEqual([...keys].sort());
        }
      }));

    it('ends a page before it would hold more bytes than asked for, and never between keys of one position', () =>
      withEngine(async ({ engine, run }) => {
        const partition = partitionOfKey('{t}');
        const keys = Array.from({ length: 20 }, (_, index) => `{t}${index}`);
        await run(Promise.all(keys.map((key) => put(engine, key, 'v'.repeat(100)))));
        // One position: each page holds all of them, though that is more.
        const { tokenHigh, tokenLow } = addressOf(0, Buffer.from('{t}crowd'));
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const address = { keyspace: 0, tokenHigh, tokenLow, key: Buffer.from(`crowd ${name}`) };
          const value = Buffer.alloc(100);
          await run(changed((done) => engine.put(address, value, noFacts, 'always', done)));
        }
        const seen: string[] = [];
        let from: number | null = partitionStart(partition);
        while (from !== null) {
          const request = { partition, fromPosition: from, countMax: 1_000, bytesMax: 400 };
          const page: Awaited<ReturnType<typeof scan>> = await run(scan(engine, request));
          const names = page.records.map(({ key }) => key.toString());
          const crowd = names.filter((name) => name.startsWith('crowd')).length;
          expect(page.records.length).toBeGreaterThan(0);
          expect([0, 5]).toContain(crowd);
          const bytes = page.records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
          if (crowd === 0) expect(bytes).toBeLessThanOrEqual(400);
          else expect(names.length).toBe(5);
          seen.push(...names);
          from = page.nextPosition;
        }
        expect(seen.sort()).toEqual([...keys, ...['a', 'b', 'c', 'd', 'e'].map((n) => `crowd ${n}`)].sort());
      }));

    it('scans only what is dead, when asked: tombstones and values that have expired', () =>
      withEngine(async ({ engine, run, nowMs, advance }) => {
        await run(put(engine, '{t}live', 'v'));
        await run(put(engine, '{t}gone', 'v', { tombstone: true }));
        await run(put(engine, '{t}brief', 'v', { expiresAtMs: nowMs() + 2_000 }));
        await run(put(engine, '{t}long', 'v', { expiresAtMs: nowMs() + 200_000 }));
        await advance(3_000);
        const partition = partitionOfKey('{t}');
        const request = { partition, fromPosition: partitionStart(partition), countMax: 100, deadOnly: true };
        const page = await run(scan(engine, request));
        expect(page.records.map(({ key }) => key.toString()).sort()).toEqual(['{t}brief', '{t}gone']);
      }));

    it('runs `done` of an applied change once, and not before the call has returned', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'old', 'v'));
        await run(put(engine, 'old', 'v', { keyspace: 7 }));
        const changes: ((done: (error: CoterieError | null) => void) => CoterieError | null)[] = [
          (done) => engine.put(address('k'), Buffer.from('v'), noFacts, 'always', done),
          (done) => engine.put(address('k2'), Buffer.from('v'), noFacts, 'interval', done),
          (done) => engine.remove(address('old'), done),
          (done) => engine.remove(address('absent'), done),
          (done) => engine.dropKeyspace(7, done),
          (done) => engine.dropKeyspace(8, done),
          (done) => engine.dropPartition(0, partitionOfKey('k2'), done),
          (done) => engine.dropPartition(8, 0, done),
        ];
        for (const change of changes) {
          let doneCount = 0;
          let first: (error: CoterieError | null) => void = () => {};
          const finished = new Promise<CoterieError | null>((resolve) => {
            first = resolve;
          });
          const refusal = change((error) => {
            doneCount++;
            first(error);
          });
          expect(refusal).toBeNull();
          expect(doneCount).toBe(0);
          expect(await run(finished)).toBeNull();
          await run(engine.settle());
          expect(doneCount).toBe(1);
        }
      }));

    it('takes several puts as one: all are there at once, and done is told once', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'b', 'before'));
        let doneCount = 0;
        const puts = ['a', 'b', 'c'].map((key) => ({
          address: address(key),
          value: Buffer.from(`together ${key}`),
          facts: noFacts,
        }));
        const durable = new Promise<void>((resolve) => {
          const refusal = engine.putAll(puts, 'always', (error) => {
            expect(error).toBeNull();
            doneCount++;
            resolve();
          });
          expect(refusal).toBeNull();
          expect(doneCount).toBe(0);
        });
        for (const key of ['a', 'b', 'c']) expect(await run(get(engine, key))).toBe(`together ${key}`);
        await run(durable);
        await run(putAll(engine, {}));
        await run(put(engine, 'a', 'alone'));
        expect(doneCount).toBe(1);
        expect(await run(get(engine, 'a'))).toBe('alone');
      }));

    it('refuses several puts when one of them is too large, and nothing has changed by it', () =>
      withEngine(async ({ engine, run, putBytesMax }) => {
        await run(put(engine, 'a', 'before'));
        const puts = [Buffer.from('small'), Buffer.alloc(putBytesMax)].map((value, index) => ({
          address: address(index === 0 ? 'a' : 'b'),
          value,
          facts: noFacts,
        }));
        expect(engine.putAll(puts, 'always', neverDone)?.code).toBe('too-large');
        expect(await run(get(engine, 'a'))).toBe('before');
        expect(await run(get(engine, 'b'))).toBeNull();
      }));

    it('refuses what is too large, and nothing has changed by it', () =>
      withEngine(async ({ engine, run, putBytesMax }) => {
        await run(put(engine, 'k', 'before'));
        const value = Buffer.alloc(putBytesMax);
        const refusal = engine.put(address('k'), value, noFacts, 'always', neverDone);
        expect(refusal).toMatchObject({ code: 'too-large' });
        expect(engine.refusal).toBeNull();
        await run(engine.settle());
        expect(await run(get(engine, 'k'))).toBe('before');
        await run(put(engine, 'k', Buffer.alloc(putBytesMax - 1, 'x')));
        expect((await run(get(engine, 'k')))?.length).toBe(putBytesMax - 1);
      }));

    it('refuses every change once it is closed, and nothing has changed by them', () =>
      withEngine(async (test) => {
        const { engine, run } = test;
        expect(engine.refusal).toBeNull();
        await run(put(engine, 'k', 'v'));
        const closing = engine.close();
        for (const refusal of [
          engine.put(address('k'), Buffer.from('late'), noFacts, 'always', neverDone),
          engine.put(address('new'), Buffer.from('late'), noFacts, 'interval', neverDone),
          engine.remove(address('k'), neverDone),
          engine.remove(address('absent'), neverDone),
          engine.dropKeyspace(0, neverDone),
          engine.dropPartition(0, partitionOfKey('k'), neverDone),
          engine.refusal,
        ]) {
          expect(refusal).toMatchObject({ code: 'not-ready' });
        }
        await run(closing);
        if (test.reopen === undefined) {
          expect(await run(get(engine, 'k'))).toBe('v');
          return;
        }
        const reopened = await test.reopen();
        expect(await reopened.run(get(reopened.engine, 'k'))).toBe('v');
        expect(await reopened.run(get(reopened.engine, 'new'))).toBeNull();
        await reopened.run(reopened.engine.close());
      }));

    it('does nothing about a key that is not there: removing and forgetting it', () =>
      withEngine(async ({ engine, run }) => {
        await run(put(engine, 'k', 'v'));
        await run(remove(engine, 'absent'));
        engine.forget(address('absent'));
        expect(engine.statistics().recordCount).toBe(1);
        expect(await run(get(engine, 'k'))).toBe('v');
      }));

    it('forgets a record at once, in reads, scans and counts, and takes it again', () =>
      withEngine(async (test) => {
        const { engine, run } = test;
        const partition = partitionOfKey('k');
        await run(put(engine, 'k', 'v'));
        await run(put(engine, 'other', 'v'));
        engine.forget(address('k'));
        expect(await run(get(engine, 'k'))).toBeNull();
        await run(engine.settle());
        expect(await allKeys(test)).toEqual(['other']);
        expect(engine.countLive(0, partition)).toBe(0);
        await run(put(engine, 'k', 'again'));
        expect(await run(get(engine, 'k'))).toBe('again');
      }));

    it('forgets a dropped keyspace for good, and takes new records of its number', () =>
      withEngine(async (start) => {
        let test = start;
        await test.run(put(test.engine, 'k', 'before', { keyspace: 3 }));
        await test.run(put(test.engine, 'k2', 'before', { keyspace: 3 }));
        await test.run(put(test.engine, 'k', 'stays', { keyspace: 4 }));
        const dropped = drop(test.engine, 3);
        expect(await test.run(get(test.engine, 'k', 3))).toBeNull();
        await test.run(put(test.engine, 'k2', 'after', { keyspace: 3 }));
        await test.run(dropped);
        await test.run(test.engine.settle());
        if (test.reopen !== undefined) test = await test.reopen();
        expect(await test.run(get(test.engine, 'k', 3))).toBeNull();
        expect(await test.run(get(test.engine, 'k2', 3))).toBe('after');
        expect(await test.run(get(test.engine, 'k', 4))).toBe('stays');
        if (test !== start) await test.run(test.engine.close());
      }));

    it('forgets one partition of one keyspace for good, and takes new records of it', () =>
      withEngine(async (start) => {
        let test = start;
        const last = keyOfLastPartition();
        const partition = partitionOfKey(last);
        const elsewhere = 'k';
        await test.run(put(test.engine, last, 'before', { keyspace: 3 }));
        await test.run(put(test.engine, `{${last}}2`, 'before', { keyspace: 3 }));
        await test.run(put(test.engine, last, 'other keyspace', { keyspace: 4 }));
        await test.run(put(test.engine, elsewhere, 'other partition', { keyspace: 3 }));
        const dropped = dropPartition(test.engine, 3, partition);
        expect(await test.run(get(test.engine, last, 3))).toBeNull();
        expect(test.engine.countLive(3, partition)).toBe(0);
        expect(test.engine.countLive(3, partitionOfKey(elsewhere))).toBe(1);
        await test.run(put(test.engine, `{${last}}2`, 'after', { keyspace: 3 }));
        await test.run(dropped);
        await test.run(test.engine.settle());
        if (test.reopen !== undefined) test = await test.reopen();
        const read = (key: string, keyspace: number) => test.run(get(test.engine, key, keyspace));
        expect(await read(last, 3)).toBeNull();
        expect(await read(`{${last}}2`, 3)).toBe('after');
        expect(await read(last, 4)).toBe('other keyspace');
        expect(await read(elsewhere, 3)).toBe('other partition');
        expect(test.engine.statistics().recordCount).toBe(3);
        if (test !== start) await test.run(test.engine.close());
      }));

    it('gives each record of a scan with the address under which it was put', () =>
      withEngine(async ({ engine, run }) => {
        // As hints do: the token is another than that of the stored key.
        const hint = { ...address('another'), keyspace: 5, key: Buffer.from('stored') };
        await run(changed((done) => engine.put(hint, Buffer.from('v'), noFacts, 'always', done)));
        const partition = partitionOf(hint.tokenHigh);
        const request = { keyspace: 5, partition, fromPosition: partitionStart(partition), countMax: 10 };
        expect((await run(scan(engine, request))).records).toEqual([{ ...hint, value: Buffer.from('v') }]);
      }));

    it('behaves as a map does, whatever the order of operations', async () => {
      await check(
        fc.asyncProperty(steps, async (sequence) => {
          let test = await open();
          try {
            const model = new Map<string, { value: string; tombstone: boolean }>();
            for (const step of sequence) {
              const { engine, run } = test;
              if (step.kind === 'put') {
                await run(put(engine, step.key, step.value, { tombstone: step.tombstone }));
                model.set(step.key, step);
              } else if (step.kind === 'remove') {
                await run(remove(engine, step.key));
                model.delete(step.key);
              } else if (step.kind === 'dropPartition') {
                const partition = partitionOfKey(step.key);
                await run(dropPartition(engine, 0, partition));
                for (const key of model.keys()) if (partitionOfKey(key) === partition) model.delete(key);
              } else if (step.kind === 'settle') await run(engine.settle());
              else if (test.reopen !== undefined) test = await test.reopen();
            }
            for (const [key, { value }] of model) expect(await test.run(get(test.engine, key))).toBe(value);
            const scanned = (await allKeys(test)).sort();
            expect(scanned).toEqual([...model.keys()].sort());
            let live = 0;
            for (let partition = 0; partition < partitionCount; partition++) {
              live += test.engine.countLive(0, partition);
            }
            expect(live).toBe([...model.values()].filter(({ tombstone }) => !tombstone).length);
          } finally {
            await test.dispose();
          }
        }),
        runCount,
      );
    });
  });
}
