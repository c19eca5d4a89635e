import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { addressOf, type KeyAddress, partitionOf } from '../../../core/base/token.ts';
import type { StorageEngine } from '../../../core/ports/storage-engine.ts';
import type { Change } from '../../../core/replication/replica/changes.ts';
import { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { MemoryEngine } from '../../../core/storage/memory-engine.ts';
import { decodeRecord, mergeRecords, summarise } from '../../../core/versions/record-codec.ts';
import { Bench } from '../../support/engines.ts';
import { recordBy } from '../../support/records.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const a = addressOf(0, Buffer.from('a'));
const b = addressOf(0, Buffer.from('b'));
const siblings = { durability: 'always', newestOnly: false } as const;

function changeTo(record: Buffer): Change {
  return { record, summary: summarise(record) };
}

const text = (record: Buffer | null) => record?.toString('latin1') ?? null;

/** Everything that one desk's changes and its observer hear, in order. */
class Desk {
  readonly engine: StorageEngine;
  readonly records: LocalRecords;
  readonly heard: string[] = [];
  readonly seen: { before: string | null; after: string | null }[] = [];
  doubts = 0;

  constructor(engine: StorageEngine) {
    this.engine = engine;
    this.records = new LocalRecords(engine);
    this.records.observe({
      onChange: (_, before, after) => this.seen.push({ before: text(before), after: text(after) }),
      onDoubt: () => this.doubts++,
    });
  }

  change(
    transform: (current: Buffer | null) => Change | 'remove' | 'forget' | null,
    name = '',
    address: KeyAddress = a,
  ): void {
    this.records.change(address, 'always', {
      transform,
      onRefused: ({ code }) => this.heard.push(`${name}refused ${code}`),
      onApplied: (_, isChanged) => this.heard.push(`${name}${isChanged ? 'applied' : 'unchanged'}`),
      onDurable: () => this.heard.push(`${name}durable`),
      onFailed: ({ code }) => this.heard.push(`${name}failed ${code}`),
    });
  }

  together(
    addresses: readonly KeyAddress[],
    transform: (current: readonly (Buffer | null)[]) => readonly (Change | null)[],
    name = '',
  ): void {
    this.records.changeTogether(addresses, 'always', {
      transform,
      onRefused: ({ code }) => this.heard.push(`${name}refused ${code}`),
      onApplied: (_, changed) => this.heard.push(`${name}applied ${changed.join()}`),
      onDurable: () => this.heard.push(`${name}durable`),
      onFailed: ({ code }) => this.heard.push(`${name}failed ${code}`),
    });
  }

  put(record: Buffer, name = '', address: KeyAddress = a): void {
    this.change(() => changeTo(record), name, address);
  }
}

/** The file of the engine that holds these bytes. */
async function fileWith(bench: Bench, bytes: string): Promise<string> {
  const paths = (await bench.run(bench.disk.list('data'))).map((name) => `data/${name}`);
  return paths.find((path) => bench.disk.contentOf(path).includes(bytes))!;
}

async function logDesk(): Promise<{ bench: Bench; desk: Desk }> {
  const bench = new Bench({ hotBytesMax: 0 });
  return { bench, desk: new Desk(await bench.open()) };
}

function memoryDesk(putBytesMax?: number): { time: VirtualTime; desk: Desk } {
  const time = new VirtualTime();
  const engine = new MemoryEngine({ clock: time, timers: time }, { putBytesMax });
  return { time, desk: new Desk(engine) };
}

describe('a change', () => {
  it('is applied within the call, and durable later', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    expect(desk.heard).toEqual(['applied']);
    await time.advance(10);
    expect(desk.heard).toEqual(['applied', 'durable']);
    expect(desk.seen).toEqual([{ before: null, after: text(recordBy(1)) }]);
    expect(desk.records.changeCount).toBe(1);
  });

  it('shows the observer exactly what was there and what is there now', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    desk.put(recordBy(1, 2));
    desk.change(() => 'remove');
    await time.advance(10);
    desk.put(recordBy(1, 3));
    desk.change(() => 'forget');
    const [one, two, three] = [1, 2, 3].map((counter) => text(recordBy(1, counter)));
    expect(desk.seen).toEqual([
      { before: null, after: one },
      { before: one, after: two },
      { before: two, after: null },
      { before: null, after: three },
      { before: three, after: null },
    ]);
  });

  it('that finds nothing to do changes nothing, and nothing follows', async () => {
    const { time, desk } = memoryDesk();
    desk.change(() => null);
    await time.advance(10);
    expect(desk.heard).toEqual(['unchanged']);
    expect(desk.seen).toEqual([]);
    expect(desk.records.changeCount).toBe(0);
  });

  it('whose transform throws is refused with what it threw', () => {
    const { desk } = memoryDesk();
    desk.change(() => {
      throw new CoterieError('too-many-siblings', 'no');
    });
    expect(desk.heard).toEqual(['refused too-many-siblings']);
    desk.put(recordBy(1));
    expect(desk.heard.at(-1)).toBe('applied');
  });

  it('is heard of once where the disk is full, and shown to nobody', async () => {
    const { bench, desk } = await logDesk();
    bench.disk.faults.capacityBytes = bench.disk.usedBytes;
    desk.put(recordBy(1));
    await bench.time.advance(5_000);
    // The first one may find out; from then on they are refused.
    const { heard, seen } = desk;
    const before = { heard: heard.length, seen: seen.length };
    desk.put(recordBy(2));
    desk.change(() => 'remove');
    await bench.time.advance(100);
    expect(desk.heard.slice(before.heard)).toEqual(['refused disk-full', 'refused disk-full']);
    expect(desk.seen).toHaveLength(before.seen);
    expect(desk.records.refusal?.code).toBe('disk-full');
  });

  it('is refused when the engine is closed, and when the record is too large', async () => {
    const { time, desk } = memoryDesk(40);
    desk.put(recordBy(1));
    await time.until(desk.engine.close());
    desk.put(recordBy(1));
    desk.change(() => 'remove');
    expect(desk.heard).toEqual(['refused too-large', 'refused not-ready', 'refused not-ready']);
    expect(desk.seen).toEqual([]);
    expect(desk.records.changeCount).toBe(0);
  });

  it('that fails after it was shown leaves the observer in doubt', async () => {
    const { bench, desk } = await logDesk();
    bench.disk.faults.syncFails = true;
    desk.put(recordBy(1));
    await bench.time.advance(60_000);
    expect(desk.heard).toEqual(['applied', 'failed disk-failed']);
    expect(desk.doubts).toBe(1);
  });
});

describe('changes of one key', () => {
  it('wait behind a read from disk and run in the order of their calls', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    const order: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      desk.change((current) => {
        order.push(`${name} on ${decodeRecord(current!).versions[0].counter}`);
        return changeTo(recordBy(1, order.length + 1));
      }, `${name} `);
    }
    expect(order).toEqual([]);
    await bench.time.advance(1_000);
    expect(order).toEqual(['first on 1', 'second on 2', 'third on 3']);
    expect(desk.heard.filter((line) => line.endsWith('durable'))).toHaveLength(4);
  });

  it('do not wait for those of another key', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    desk.put(recordBy(1, 2), 'a ');
    desk.put(recordBy(2), 'b ', b);
    expect(desk.heard.slice(2)).toEqual(['b applied']);
  });

  it('of which more than 10,000 wait are refused as busy, and those that wait still run', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    let ran = 0;
    const count = () => {
      ran++;
      return null;
    };
    for (let index = 0; index < 10_002; index++) desk.change(count);
    expect(desk.heard.slice(2)).toEqual(['refused busy']);
    await bench.time.advance(1_000);
    expect(ran).toBe(10_001);
  });

  it('go on after one whose record could not be read, or whose transform threw', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    bench.disk.faults.failNextReads = 100;
    desk.put(recordBy(1, 2), 'first ');
    await bench.time.advance(10_000);
    bench.disk.faults.failNextReads = 0;
    desk.change(() => {
      throw new TypeError('of the caller');
    }, 'second ');
    desk.put(recordBy(1, 3), 'third ');
    await bench.time.advance(1_000);
    const ends = desk.heard.slice(2).map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(ends).toEqual(['first refused', 'second refused', 'third applied', 'third durable']);
  });

  it('that a handler asks for while others wait run behind them', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    const order: string[] = [];
    const note = (name: string) => () => {
      order.push(name);
      return null;
    };
    desk.change(() => {
      desk.change(note('asked for meanwhile'));
      order.push('first');
      return null;
    });
    desk.change(note('second'));
    await bench.time.advance(1_000);
    expect(order).toEqual(['first', 'second', 'asked for meanwhile']);
  });

  it('are not stopped for ever by a handler that throws', async () => {
    // One get answers at once, the next one late: as it is while records come from disk and stay.
    const time = new VirtualTime();
    const engine = new MemoryEngine({ clock: time, timers: time });
    const late: (() => void)[] = [];
    const get = engine.get.bind(engine);
    let isLate = true;
    engine.get = (address, done) => {
      if (isLate) late.push(() => get(address, done));
      else get(address, done);
    };
    const { records } = new Desk(engine);
    const ran: string[] = [];
    const change = (name: string, fails: boolean) =>
      records.change(a, 'always', {
        transform: () => null,
        onApplied: () => {
          ran.push(name);
          if (fails) throw new TypeError('of the caller');
        },
        onRefused() {},
        onDurable() {},
        onFailed() {},
      });
    change('first', true);
    change('second', true);
    change('third', false);
    isLate = false;
    expect(() => late[0]()).toThrow('of the caller');
    change('fourth', false);
    expect(ran).toEqual(['first', 'second', 'third', 'fourth']);
  });
});

describe('a record from another replica', () => {
  const mergeInto = (desk: Desk, record: Buffer) =>
    new Promise<string>((resolve) =>
      desk.records.merge(a, record, siblings, (error) => resolve(error === null ? 'durable' : error.code)),
    );

  it('is joined, and durable again when nothing in it was new', async () => {
    const { bench, desk } = await logDesk();
    expect(await bench.run(mergeInto(desk, recordBy(1)))).toBe('durable');
    expect(await bench.run(mergeInto(desk, recordBy(2)))).toBe('durable');
    const syncs = desk.engine.statistics().syncCount;
    expect(await bench.run(mergeInto(desk, recordBy(1)))).toBe('durable');
    expect(desk.engine.statistics().syncCount).toBeGreaterThan(syncs);
    const expected = mergeRecords(recordBy(1), recordBy(2), false);
    expect(await bench.run(desk.records.get(a))).toEqual(expected);
    expect(desk.seen.at(-1)).toEqual({ before: text(expected), after: text(expected) });
  });

  it('gives the same in any order and number, and only the newest where that is the policy', async () => {
    const parts = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 8,
    });
    await check(
      fc.asyncProperty(parts, fc.boolean(), async (events, newestOnly) => {
        const held: (Buffer | null)[] = [];
        for (const order of [events, [...events].reverse(), [...events, ...events]]) {
          const { time, desk } = memoryDesk();
          for (const [node, counter] of order) {
            desk.records.merge(a, recordBy(node, counter), { durability: 'always', newestOnly }, () => {});
          }
          await time.advance(1);
          held.push(await time.until(desk.records.get(a)));
        }
        expect(held[1]).toEqual(held[0]);
        expect(held[2]).toEqual(held[0]);
        if (newestOnly) expect(decodeRecord(held[0]!).versions).toHaveLength(1);
      }),
      60,
    );
  });

  it('that is malformed is refused, whatever is here', async () => {
    const { time, desk } = memoryDesk();
    const broken = recordBy(1).subarray(0, 30);
    expect(await time.until(mergeInto(desk, broken))).toBe('corrupt');
    desk.put(recordBy(1));
    expect(await time.until(mergeInto(desk, broken))).toBe('corrupt');
    expect(desk.seen).toHaveLength(1);
  });
});

describe('a partition that is to go if nothing has changed in it', () => {
  const [keyspace, partition] = [a.keyspace, partitionOf(a.tokenHigh)];

  it('goes as a whole, and its observer does not count on it any more', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    const watch = desk.records.watches.begin(keyspace, partition);
    expect(await time.until(desk.records.dropUnchanged(watch))).toBe(true);
    expect(await time.until(desk.records.get(a))).toBeNull();
    expect(desk.doubts).toBe(1);
  });

  it('stays after a change, also one that only forgets, and where the engine refuses', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    const first = desk.records.watches.begin(keyspace, partition);
    desk.put(recordBy(2));
    expect(await time.until(desk.records.dropUnchanged(first))).toBe(false);
    const second = desk.records.watches.begin(keyspace, partition);
    desk.change(() => 'forget', '', addressOf(keyspace, Buffer.from(`{${a.key}}2`)));
    expect(await time.until(desk.records.dropUnchanged(second))).toBe(false);
    const third = desk.records.watches.begin(keyspace, partition);
    desk.put(recordBy(3), '', addressOf(keyspace + 1, a.key));
    await time.until(desk.engine.close());
    expect(await time.until(desk.records.dropUnchanged(third))).toBe(false);
    expect(text(await time.until(desk.records.get(a)))).toBe(text(recordBy(2)));
    expect(desk.doubts).toBe(0);
  });
});

describe('a record that is to go if it is still the expected one', () => {
  it.each(['removeIf', 'forgetIf'] as const)('goes only then (%s)', async (how) => {
    const { time, desk } = memoryDesk();
    const ends: string[] = [];
    const drop = (isExpected: boolean) =>
      desk.records[how](
        a,
        () => isExpected,
        (error, isGone) => ends.push(error === null ? String(isGone) : error.code),
      );
    drop(true);
    desk.put(recordBy(1));
    drop(false);
    expect(text(await time.until(desk.records.get(a)))).toBe(text(recordBy(1)));
    drop(true);
    await time.advance(10);
    expect(ends).toEqual(['false', 'false', 'true']);
    expect(await time.until(desk.records.get(a))).toBeNull();
  });

  it('stays where the engine refuses', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    await time.until(desk.engine.close());
    const ends: string[] = [];
    desk.records.removeIf(
      a,
      () => true,
      (error, isGone) => ends.push(`${error?.code} ${isGone}`),
    );
    expect(ends).toEqual(['not-ready false']);
    expect(desk.seen).toHaveLength(1);
  });
});

describe('a record that cannot be read any more', () => {
  it('is told of when it is read and when it is changed, and can be discarded', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1));
    await bench.time.advance(100);
    const lost: string[] = [];
    desk.records.onLost(({ key }) => lost.push(key.toString()));
    const path = await fileWith(bench, 'event 1 of 1');
    bench.disk.flipBit(path, bench.disk.contentOf(path).indexOf('event 1 of 1'));
    await expect(bench.run(desk.records.get(a))).rejects.toMatchObject({ code: 'corrupt' });
    desk.put(recordBy(1, 2));
    await bench.time.advance(1_000);
    expect(desk.heard.at(-1)).toBe('refused corrupt');
    expect(lost).toEqual(['a', 'a']);
    const ends: (string | null)[] = [];
    desk.records.discard(a, (error) => ends.push(error?.code ?? null));
    expect(desk.doubts).toBe(1);
    await bench.time.advance(100);
    desk.put(recordBy(1, 3));
    await bench.time.advance(100);
    expect(ends).toEqual([null]);
    expect(desk.heard.slice(-2)).toEqual(['applied', 'durable']);
  });

  it('is not discarded, nor in doubt, where the engine refuses', async () => {
    const { time, desk } = memoryDesk();
    await time.until(desk.engine.close());
    const ends: (string | null)[] = [];
    desk.records.discard(a, (error) => ends.push(error?.code ?? null));
    expect(ends).toEqual(['not-ready']);
    expect(desk.doubts).toBe(0);
  });
});

describe('over a disk with faults', () => {
  it('a refused change is never shown, every other is shown once and ends once, and reads show the last one shown', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          key: fc.integer({ min: 0, max: 2 }),
          node: fc.integer({ min: 1, max: 3 }),
          size: fc.constantFrom(1, 3_000),
        }),
      },
      { weight: 1, arbitrary: fc.record({ key: fc.integer({ min: 0, max: 2 }), remove: fc.constant(true) }) },
      {
        weight: 2,
        arbitrary: fc.record({ fault: fc.constantFrom('full', 'busy', 'slow', 'writes', 'none') }),
      },
      { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(1, 50, 2_000) }) },
    );
    await check(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const bench = new Bench({ hotBytesMax: 2_000 });
        const engine = await bench.open();
        const records = new LocalRecords(engine);
        const shown = new Map<string, Buffer | null>();
        records.observe({
          onChange: (address, before, after) => {
            expect(text(before)).toBe(text(shown.get(address.key.toString()) ?? null));
            shown.set(address.key.toString(), after === null ? null : Buffer.from(after));
          },
          onDoubt() {},
        });
        const histories: string[] = [];
        let counter = 0;
        for (const one of steps) {
          if ('waitMs' in one) await bench.time.advance(one.waitMs);
          else if ('fault' in one) {
            const { faults } = bench.disk;
            faults.capacityBytes =
              one.fault === 'full' ? bench.disk.usedBytes + 100 : Number.POSITIVE_INFINITY;
            faults.busy = one.fault === 'busy';
            faults.delayMaxMs = one.fault === 'slow' ? 300 : 0;
            faults.failNextWrites = one.fault === 'writes' ? 2 : 0;
          } else {
            const index = histories.push('') - 1;
            const event = ++counter;
            records.change(addressOf(0, Buffer.from(`key-${one.key}`)), 'always', {
              transform: () =>
                'remove' in one
                  ? 'remove'
                  : changeTo(recordBy(one.node, event, { value: Buffer.alloc(one.size, event) })),
              onRefused: () => (histories[index] += 'r'),
              onApplied: () => (histories[index] += 'a'),
              onDurable: () => (histories[index] += 'd'),
              onFailed: () => (histories[index] += 'f'),
            });
          }
        }
        Object.assign(bench.disk.faults, {
          capacityBytes: Number.POSITIVE_INFINITY,
          busy: false,
          delayMaxMs: 0,
          failNextWrites: 0,
        });
        await bench.time.advance(20_000);
        for (const history of histories) expect(history).toMatch(/^(r|ad|af)$/);
        expect(histories.filter((history) => history !== 'r')).toHaveLength(records.changeCount);
        for (const [key, record] of shown) {
          expect(text(await bench.run(records.get(addressOf(0, Buffer.from(key)))))).toBe(text(record));
        }
      }),
      30,
    );
  });
});

describe('a change of several keys', () => {
  const putBoth = (record: Buffer) => () => [changeTo(record), changeTo(record)];

  it('is applied to all of them within the call, shown to the observer, and durable as one', async () => {
    const { time, desk } = memoryDesk();
    desk.put(recordBy(1));
    await time.advance(1);
    desk.together([b, a], (current) => {
      expect(current.map(text)).toEqual([null, text(recordBy(1))]);
      return [changeTo(recordBy(2)), null];
    });
    desk.together([a, b], () => [null, null]);
    expect(desk.heard.slice(2)).toEqual(['applied true,false', 'applied false,false']);
    await time.advance(1);
    expect(desk.heard.slice(4)).toEqual(['durable']);
    expect(desk.seen).toHaveLength(2);
    expect(await desk.records.get(b)).toEqual(recordBy(2));
  });

  it('is refused as a whole when one of them is, or when its transform throws', async () => {
    const { time, desk } = memoryDesk(1_000);
    const large = recordBy(1, 1, { value: Buffer.alloc(2_000) });
    desk.together([a, b], () => [changeTo(recordBy(1)), changeTo(large)]);
    desk.together([a, b], () => {
      throw new CoterieError('bad-input', 'no');
    });
    await time.advance(1);
    expect(desk.heard).toEqual(['refused too-large', 'refused bad-input']);
    expect(desk.seen).toEqual([]);
    expect([await desk.records.get(a), await desk.records.get(b)]).toEqual([null, null]);
  });

  it('comes between no two changes of any of them that wait for the disk, and none comes between it', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1), '', a);
    desk.put(recordBy(1), '', b);
    await bench.run(desk.engine.settle());
    desk.heard.length = 0;
    desk.put(recordBy(2), 'a: ', a);
    desk.together([b, a], putBoth(recordBy(3)), 'both: ');
    desk.put(recordBy(4), 'b: ', b);
    desk.together([a, b], putBoth(recordBy(5)), 'both again: ');
    desk.put(recordBy(6), 'a again: ', a);
    await bench.time.advance(1_000);
    const applied = desk.heard.filter((line) => line.includes('applied'));
    const at = (name: string) => applied.findIndex((line) => line.startsWith(name));
    expect(applied).toHaveLength(5);
    expect(at('a: ')).toBeLessThan(at('both: '));
    // Nobody said which of these comes first: while the one waits for a, the other has b.
    expect(at('b: ')).toBeLessThan(at('both again: '));
    expect(at('both: ')).toBeLessThan(at('both again: '));
    expect(at('both again: ')).toBeLessThan(at('a again: '));
    expect(await bench.run(desk.records.get(a))).toEqual(recordBy(6));
    expect(await bench.run(desk.records.get(b))).toEqual(recordBy(5));
  });

  it('of which thousands wait run one after the other, in whatever order they name their keys', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1), '', a);
    desk.put(recordBy(1), '', b);
    await bench.run(desk.engine.settle());
    desk.heard.length = 0;
    const count = 5_000;
    for (let index = 0; index < count; index++) {
      desk.together(index % 2 === 0 ? [a, b] : [b, a], () => [null, null]);
    }
    await bench.time.advance(60_000);
    expect(desk.heard).toHaveLength(count);
  });

  it('frees its keys when a record cannot be read', async () => {
    const { bench, desk } = await logDesk();
    desk.put(recordBy(1, 1, { value: Buffer.from('a value to find') }), '', a);
    desk.put(recordBy(1), '', b);
    await bench.run(desk.engine.settle());
    const path = await fileWith(bench, 'a value to find');
    bench.disk.flipBit(path, bench.disk.contentOf(path).indexOf('a value to find'));
    desk.heard.length = 0;
    desk.together([a, b], putBoth(recordBy(3)));
    desk.put(recordBy(4), 'b: ', b);
    await bench.time.advance(1_000);
    expect(desk.heard).toEqual(['refused corrupt', 'b: applied', 'b: durable']);
  });
});
