/** What every KeyValueStore does, seen from one gateway, as tests that run on each implementation. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { addressOf, positionOf, slotCount, slotOf } from '../../core/base/token.ts';
import type {
  KeyValueStore,
  LiveValue,
  Mutation,
  ReadResult,
  ReplicaView,
  TogetherValue,
  WriteOptions,
  WriteResult,
} from '../../core/ports/key-value-store.ts';
import { check } from '../support/seeds.ts';

export interface StoreUnderTest {
  /** Its node coordinates every key. Two empty keyspaces are there: 0 keeps siblings, 1 the last write. */
  readonly store: KeyValueStore;
  /** Waits for a promise of the store, moving time on where time is simulated. */
  run<T>(promise: Promise<T>): Promise<T>;
  nowMs(): number;
  advance(durationMs: number): Promise<void>;
  dispose(): Promise<void>;
}

const withSiblings = 0;
const lastWrite = 1;
const missing = 77;
const nothing: Mutation = { kind: 'none' };
const remove: Mutation = { kind: 'delete' };
const put = (value: string | Buffer, expiresAtMs = 0): Mutation => ({
  kind: 'put',
  value: Buffer.from(value as string),
  expiresAtMs,
});
const address = (key: string | Buffer, keyspace = withSiblings) =>
  addressOf(keyspace, Buffer.from(key as string));

let subject: StoreUnderTest;

/** The answer, awaited; fails when `done` runs more than once. */
function ask<T>(start: (done: (error: CoterieError | null, answer?: T | null) => void) => void): Promise<T> {
  let times = 0;
  const answered = new Promise<T>((resolve, reject) => {
    start((error, answer) => {
      times += 1;
      expect(times).toBe(1);
      if (error === null) resolve(answer as T);
      else reject(error);
    });
  });
  return subject.run(answered);
}

const read = (key: string | Buffer, keyspace = withSiblings) =>
  ask<ReadResult>((done) => subject.store.read(address(key, keyspace), {}, done));
const valuesOf = async (key: string | Buffer, keyspace = withSiblings) =>
  (await read(key, keyspace)).siblings.map(({ value }) => value.toString());
const write = (
  key: string | Buffer,
  mutation: Mutation | ((siblings: readonly LiveValue[]) => Mutation),
  basis: WriteOptions['basis'] = 'held',
  keyspace = withSiblings,
) =>
  ask<WriteResult>((done) => {
    const decide = typeof mutation === 'function' ? mutation : () => mutation;
    subject.store.write(address(key, keyspace), { basis }, decide, done);
  });
const together = (
  keys: readonly { key: string; onlyIf?: string }[],
  decide: (values: readonly TogetherValue[]) => readonly Mutation[],
) =>
  ask<Pick<WriteResult, 'written' | 'acknowledgedCount'>>((done) =>
    subject.store.writeTogether(
      keys.map(({ key, onlyIf }) => ({ address: address(key), ...(onlyIf === undefined ? {} : { onlyIf }) })),
      {},
      decide,
      done,
    ),
  );
const numberIn = (siblings: readonly LiveValue[]) => Number(siblings[0]?.value.toString() ?? 0);
const count = (keyspace: number, slot: number | null = null) =>
  ask<number>((done) => subject.store.count(keyspace, slot, done));
const flush = (keyspace: number) => ask<null>((done) => subject.store.flush(keyspace, done));

async function scanAll(keyspace: number, countMax: number): Promise<{ keys: string[]; largestPage: number }> {
  const keys: string[] = [];
  let largestPage = 0;
  let position: number | null = 0;
  while (position !== null) {
    const from: number = position;
    const page = await ask<{ keys: readonly Buffer[]; nextPosition: number | null }>((done) =>
      subject.store.scan(keyspace, from, countMax, done),
    );
    largestPage = Math.max(largestPage, page.keys.length);
    keys.push(...page.keys.map(String));
    if (page.nextPosition !== null) expect(page.nextPosition).toBeGreaterThan(from);
    position = page.nextPosition;
  }
  return { keys, largestPage };
}

function positionOfKey(key: string): number {
  const { tokenHigh, tokenLow } = address(key);
  return positionOf(tokenHigh, tokenLow);
}

export function describeKeyValueStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  runCount: number,
): void {
  describe(`a key-value store ${name}`, () => {
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.dispose());

    describe('reading and writing', () => {
      it('knows nothing of a key that was never written', async () => {
        const result = await read('key');
        expect({ siblings: result.siblings, context: result.context() }).toEqual({
          siblings: [],
          context: '',
        });
      });

      it('gives back the bytes of key and value', async () => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        await write(bytes, put(bytes));
        await write('empty', put(''));
        expect((await read(bytes)).siblings[0].value).toEqual(bytes);
        expect(await valuesOf('empty')).toEqual(['']);
      });

      it('keeps keyspaces apart', async () => {
        await write('key', put('here'));
        expect(await valuesOf('key', lastWrite)).toEqual([]);
      });

      it('writes nothing when the decision is none, and says so', async () => {
        expect((await write('key', nothing)).written).toBe(false);
        expect((await write('key', put('v'))).written).toBe(true);
        expect((await write('key', nothing, 'quorum')).written).toBe(false);
        expect(await valuesOf('key')).toEqual(['v']);
      });

      it('shows the decision what is there, once per write', async () => {
        const seen: string[][] = [];
        const look = (siblings: readonly LiveValue[]): Mutation => {
          seen.push(siblings.map(({ value }) => value.toString()));
          return put(`v${seen.length}`);
        };
        await write('key', look);
        await write('key', look, 'quorum');
        await write('key', look);
        expect(seen).toEqual([[], ['v1'], ['v2']]);
      });

      it('fails a write with the error that its decision throws, and changes nothing', async () => {
        await write('key', put('before'));
        const refusal = new CoterieError('bad-input', 'not a number');
        const refuse = () => {
          throw refusal;
        };
        for (const basis of ['held', 'quorum'] as const) {
          await expect(write('key', refuse, basis)).rejects.toMatchObject({ message: 'not a number' });
        }
        expect(await valuesOf('key')).toEqual(['before']);
      });

      it('forgets a deleted key, but still has a context for it', async () => {
        await write('key', put('v'));
        await write('key', remove);
        const result = await read('key');
        expect(result.siblings).toEqual([]);
        expect(result.context()).not.toBe('');
      });

      it('shows no value past its time', async () => {
        await write('soon', put('v', subject.nowMs() + 5_000));
        expect((await read('soon')).siblings[0].expiresAtMs).toBeGreaterThan(subject.nowMs());
        await subject.advance(6_000);
        expect(await valuesOf('soon')).toEqual([]);
        expect(await count(withSiblings)).toBe(0);
        expect((await scanAll(withSiblings, 10)).keys).toEqual([]);
      });

      it('runs changes of one key one after the other', async () => {
        const increment = (siblings: readonly LiveValue[]): Mutation =>
          put(String(Number(siblings[0]?.value.toString() ?? 0) + 1));
        await Promise.all(Array.from({ length: 20 }, () => write('key', increment, 'quorum')));
        expect(await valuesOf('key')).toEqual(['20']);
      });
    });

    describe('contexts', () => {
      it('two writes that knew nothing of each other are siblings, the newest first', async () => {
        await write('key', put('one'), { context: '' });
        await write('key', put('two'), { context: '' });
        expect(await valuesOf('key')).toEqual(['two', 'one']);
      });

      it('a write that asks for it is made only where its context covers all that is there', async () => {
        const writeIf = (onlyIf: string, value: string) =>
          ask<WriteResult>((done) => {
            const options: WriteOptions = { basis: 'quorum', onlyIf };
            subject.store.write(address('key', withSiblings), options, () => put(value), done);
          });
        await write('key', put('one'), { context: '' });
        const first = (await read('key')).context();
        expect((await writeIf('', 'never')).written).toBe(false);
        expect((await writeIf('damaged', 'never')).written).toBe(false);
        const second = await writeIf(first, 'two');
        expect(second.written).toBe(true);
        const late = await writeIf(first, 'never');
        expect([late.written, late.context()]).toEqual([false, second.context()]);
        await write('key', put('beside'), { context: '' });
        expect((await writeIf(second.context(), 'never')).written).toBe(false);
        expect(await valuesOf('key')).toEqual(['beside', 'two']);
        expect((await writeIf((await read('key')).context(), 'merged')).written).toBe(true);
        expect(await valuesOf('key')).toEqual(['merged']);
        const before = (await read('key')).context();
        await write('key', remove);
        expect((await writeIf(before, 'never')).written).toBe(false);
        expect(await valuesOf('key')).toEqual([]);
      });

      it('a write replaces what its context covers, and nothing else', async () => {
        await write('key', put('one'), { context: '' });
        const before = await read('key');
        await write('key', put('two'), { context: '' });
        // Asked for late, it is still that of the read.
        await write('key', put('three'), { context: before.context() });
        expect(await valuesOf('key')).toEqual(['three', 'two']);
        await write('key', put('merged'), { context: (await read('key')).context() });
        expect(await valuesOf('key')).toEqual(['merged']);
      });

      it('the context of a write’s answer covers that write', async () => {
        const first = await write('key', put('one'), { context: '' });
        const second = await write('key', put('two'), { context: first.context() });
        expect(await valuesOf('key')).toEqual(['two']);
        await write('key', remove, { context: second.context() });
        expect(await valuesOf('key')).toEqual([]);
      });

      it('writes several keys as one: what it shows of all, and what it makes of each', async () => {
        await write('{t}a', put('1'));
        await write('{t}b', put('2'));
        let shown: string[] = [];
        const { written, acknowledgedCount } = await together(
          [{ key: '{t}b' }, { key: '{t}a' }, { key: '{t}c' }, { key: '{t}d' }],
          (values) => {
            shown = values.map(({ siblings }) => siblings.map(({ value }) => value.toString()).join());
            return [put('3'), remove, put('4'), nothing];
          },
        );
        expect(shown).toEqual(['2', '1', '', '']);
        expect(written).toBe(true);
        expect(acknowledgedCount).toBeGreaterThan(0);
        expect(await Promise.all(['{t}a', '{t}b', '{t}c', '{t}d'].map((key) => valuesOf(key)))).toEqual([
          [],
          ['3'],
          ['4'],
          [],
        ]);
      });

      it('writes none of several keys when the decision throws, or is none for all', async () => {
        await write('{t}a', put('1'));
        const refused = together([{ key: '{t}a' }, { key: '{t}b' }], () => {
          throw new CoterieError('bad-input', 'no');
        });
        await expect(refused).rejects.toMatchObject({ code: 'bad-input' });
        const { written } = await together([{ key: '{t}a' }, { key: '{t}b' }], () => [nothing, nothing]);
        expect(written).toBe(false);
        expect([await valuesOf('{t}a'), await valuesOf('{t}b')]).toEqual([['1'], []]);
      });

      it('says of each of several keys whether its context still covers all that is there', async () => {
        await write('{t}a', put('1'));
        const before = (await read('{t}a')).context();
        const seen = async (key: string, onlyIf: string) => {
          let isAsExpected: boolean | null = null;
          await together([{ key: '{t}other' }, { key, onlyIf }], (values) => {
            isAsExpected = values[1].isAsExpected;
            return [nothing, nothing];
          });
          return isAsExpected;
        };
        expect(await seen('{t}a', before)).toBe(true);
        expect(await seen('{t}b', '')).toBe(true);
        expect(await seen('{t}a', '')).toBe(false);
        await write('{t}a', put('2'));
        expect(await seen('{t}a', before)).toBe(false);
      });

      it('runs writes of several keys, and of each of them, one after the other', async () => {
        const add = (values: readonly TogetherValue[]) =>
          values.map(({ siblings }) => put(String(numberIn(siblings) + 1)));
        const addOne = (siblings: readonly LiveValue[]) => put(String(numberIn(siblings) + 1));
        await Promise.all(
          Array.from({ length: 30 }, (_, index) => {
            if (index % 3 === 0) return together([{ key: '{t}a' }, { key: '{t}b' }, { key: '{t}c' }], add);
            if (index % 3 === 1) return together([{ key: '{t}c' }, { key: '{t}a' }], add);
            return write('{t}a', addOne, 'quorum');
          }),
        );
        expect(await Promise.all(['{t}a', '{t}b', '{t}c'].map((key) => valuesOf(key)))).toEqual([
          ['30'],
          ['10'],
          ['20'],
        ]);
      });

      it('a plain write replaces all siblings', async () => {
        await write('key', put('one'), { context: '' });
        await write('key', put('two'), { context: '' });
        await write('key', put('three'));
        expect(await valuesOf('key')).toEqual(['three']);
      });

      it('where the last write wins there are no siblings', async () => {
        await write('key', put('one'), { context: '' }, lastWrite);
        await write('key', put('two'), { context: '' }, lastWrite);
        expect(await valuesOf('key', lastWrite)).toEqual(['two']);
      });
    });

    describe('walks', () => {
      const names = Array.from({ length: 60 }, (_, index) => `key-${index}`);

      it('a scan meets every live key once, in ring order, in pages of the size asked for', async () => {
        for (const key of names) await write(key, put('v'));
        await write('key-7', remove);
        await write('elsewhere', put('v'), 'held', lastWrite);
        const expected = names
          .filter((key) => key !== 'key-7')
          .sort((a, b) => positionOfKey(a) - positionOfKey(b));
        for (const countMax of [1, 7, 10_000]) {
          const { keys, largestPage } = await scanAll(withSiblings, countMax);
          expect(keys).toEqual(expected);
          expect(largestPage).toBeLessThanOrEqual(countMax);
        }
      });

      it('a scan goes on from where it is told to', async () => {
        for (const key of names) await write(key, put('v'));
        const sorted = [...names].sort((a, b) => positionOfKey(a) - positionOfKey(b));
        const from = positionOfKey(sorted[30]);
        const page = await ask<{ keys: readonly Buffer[] }>((done) =>
          subject.store.scan(withSiblings, from, 3, done),
        );
        expect(page.keys.map(String)).toEqual(sorted.slice(30, 33));
      });

      it('counts all keys, and those of a slot', async () => {
        const tagged = ['{tag}1', '{tag}2', '{tag}3'];
        for (const key of [...tagged, ...names.slice(0, 10)]) await write(key, put('v'));
        await write('{tag}2', remove);
        expect(await count(withSiblings)).toBe(12);
        expect(await count(withSiblings, slotOf(Buffer.from('tag')))).toBe(2);
        expect(await count(lastWrite)).toBe(0);
      });

      it('a flush leaves nothing in its keyspace, and the others alone', async () => {
        for (const key of names.slice(0, 20)) await write(key, put('v'));
        await write('other', put('v'), 'held', lastWrite);
        await flush(withSiblings);
        expect(await count(withSiblings)).toBe(0);
        expect(await valuesOf('key-3')).toEqual([]);
        expect(await valuesOf('other', lastWrite)).toEqual(['v']);
      });
    });

    it('answers with not-found whatever is asked about a keyspace that is not there', async () => {
      const notFound = { code: 'not-found' };
      await expect(read('key', missing)).rejects.toMatchObject(notFound);
      await expect(write('key', put('v'), 'held', missing)).rejects.toMatchObject(notFound);
      await expect(count(missing)).rejects.toMatchObject(notFound);
      await expect(flush(missing)).rejects.toMatchObject(notFound);
      await expect(scanAll(missing, 10)).rejects.toMatchObject(notFound);
      await expect(
        ask((done) => subject.store.replicas(address('key', missing), done)),
      ).rejects.toMatchObject(notFound);
    });

    describe('the cluster as clients see it', () => {
      it('every slot has nodes, in order and without gaps, and this node is among the endpoints', () => {
        const { store } = subject;
        const ranges = store.slots(withSiblings);
        expect(ranges[0].firstSlot).toBe(0);
        expect(ranges.at(-1)!.lastSlot).toBe(slotCount - 1);
        ranges.slice(1).forEach((range, index) => {
          expect(range.firstSlot).toBe(ranges[index].lastSlot + 1);
        });
        const ids = store.endpoints().map(({ nodeId }) => nodeId);
        for (const { nodes } of ranges) {
          expect(nodes.length).toBeGreaterThan(0);
          for (const { nodeId } of nodes) expect(ids).toContain(nodeId);
        }
        expect(ids).toContain(store.self.nodeId);
        expect([null, ...ids]).toContain(store.coordinatorOf(address('key'), 'read-modify-write'));
        expect(store.coordinatorOf(address('key'), 'read')).toBeNull();
        expect(store.coordinatorOf(address('key'), 'write')).toBeNull();
      });

      it('the replicas of a key say whether they hold it', async () => {
        const states = async () =>
          (await ask<readonly ReplicaView[]>((done) => subject.store.replicas(address('key'), done))).map(
            ({ state }) => state,
          );
        expect(new Set(await states())).toEqual(new Set(['absent']));
        await write('key', put('v'));
        await subject.advance(500);
        expect(new Set(await states())).toEqual(new Set(['holds']));
      });
    });

    it('holds what a plain map would hold, after any commands', async () => {
      const keys = fc.constantFrom('a', 'b', 'c', '{tag}1', '{tag}2', 'ключ');
      const commands = fc.array(
        fc.oneof(
          {
            weight: 6,
            arbitrary: fc.record({ do: fc.constant('put' as const), key: keys, value: fc.string() }),
          },
          { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key: keys }) },
          { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
        ),
        { maxLength: 25 },
      );
      await check(
        fc.asyncProperty(commands, fc.constantFrom(withSiblings, lastWrite), async (list, keyspace) => {
          await flush(keyspace);
          const model = new Map<string, string>();
          for (const command of list) {
            if (command.do === 'flush') {
              await flush(keyspace);
              model.clear();
            } else if (command.do === 'put') {
              await write(command.key, put(command.value), 'held', keyspace);
              model.set(command.key, command.value);
            } else {
              await write(command.key, remove, 'quorum', keyspace);
              model.delete(command.key);
            }
          }
          const { keys: found } = await scanAll(keyspace, 3);
          expect(new Set(found)).toEqual(new Set(model.keys()));
          expect(await count(keyspace)).toBe(model.size);
          for (const [key, value] of model) expect(await valuesOf(key, keyspace)).toEqual([value]);
        }),
        runCount,
      );
    });
  });
}
