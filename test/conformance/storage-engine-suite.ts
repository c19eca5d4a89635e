/** What every StorageEngine does, as tests that run on each implementation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, partitionCount, partitionOf, partitionStart } from '../../core/base/token.ts';
import type { StorageEngine } from '../../core/ports/storage-engine.ts';
import { drop, get, put, remove, scan } from '../support/engines.ts';
import { check } from '../support/seeds.ts';

export interface EngineUnderTest {
  readonly engine: StorageEngine;
  /** Waits for a promise of the engine, moving time on where time is simulated. */
  run<T>(promise: Promise<T>): Promise<T>;
  nowMs(): number;
  advance(durationMs: number): Promise<void>;
  /** Closes the engine and opens it anew over the same data; undefined where nothing outlives it. */
  reopen?(): Promise<EngineUnderTest>;
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

type Step =
  | { kind: 'put'; key: string; value: string; tombstone: boolean }
  | { kind: 'remove'; key: string }
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
