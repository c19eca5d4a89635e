import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf } from '../../../core/base/token.ts';
import { offsetEnd } from '../../../core/merkle/tree.ts';
import {
  type DeadRecord,
  decodePage,
  encodePage,
  isDead,
  nameOf,
  visitPages,
} from '../../../core/replication/replica/dead-records.ts';
import { holds, Rounds } from '../../../core/replication/replica/tombstone-rounds.ts';
import { MemoryEngine } from '../../../core/storage/memory-engine.ts';
import { encodeRecord } from '../../../core/versions/record-codec.ts';
import { actorOf, neverMs } from '../../../core/versions/version-set.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const entries = fc.array(
  fc.record({
    offset: fc.integer({ min: 0, max: offsetEnd - 1 }),
    hash: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  }),
  { maxLength: 20 },
);

function recordOf(options: { tombstone?: boolean; expiresAtMs?: number; horizonMs?: number } = {}): Buffer {
  const { tombstone = false, expiresAtMs = 0, horizonMs = 0 } = options;
  const dot = { actor: actorOf(1, 1), counter: 1 };
  const version = { ...dot, timestamp: 1, expiresAtMs, tombstone, value: Buffer.from('v') };
  return encodeRecord({ context: [dot], versions: [version], horizonMs });
}

describe('a page of dead records', () => {
  it('comes out as it went in', () => {
    check(
      fc.property(entries, (records: DeadRecord[]) => {
        const page = { keyspace: 3, partition: 1_023, from: 0, until: offsetEnd, records };
        expect(decodePage(encodePage(page))).toEqual(page);
      }),
    );
  });

  it('is refused with a typed error when it is cut or names no partition', () => {
    const page = { keyspace: 3, partition: 4, from: 0, until: 9, records: [{ offset: 1, hash: 2 }] };
    const bytes = encodePage(page);
    for (let cut = 0; cut < bytes.length; cut++) {
      if (cut === 16) continue;
      expect(() => decodePage(bytes.subarray(0, cut))).toThrow(
        expect.objectContaining({ code: 'bad-input' }),
      );
    }
    bytes.writeUInt16BE(1_024, 2);
    expect(() => decodePage(bytes)).toThrow(expect.objectContaining({ code: 'bad-input' }));
  });

  it.each([
    ['before its range', { offset: 6, hash: 2 }],
    ['behind its range', { offset: 9, hash: 2 }],
    ['that no hash can name', { offset: 7, hash: 2 ** 53 }],
  ])('is refused with a record %s: nobody would look there for what speaks against it', (_, record) => {
    const bytes = encodePage({ keyspace: 3, partition: 4, from: 7, until: 9, records: [record] });
    expect(() => decodePage(bytes)).toThrow(expect.objectContaining({ code: 'bad-input' }));
  });
});

describe('a record is dead for all to agree on', () => {
  const nowMs = 1_000_000;
  const marginMs = 1_000;
  it.each([
    ['a tombstone', recordOf({ tombstone: true }), true],
    ['a value for ever', recordOf(), false],
    ['a value that has just expired', recordOf({ expiresAtMs: nowMs - 500, horizonMs: neverMs }), false],
    ['one long expired that replaced one for ever', recordOf({ expiresAtMs: 5, horizonMs: neverMs }), true],
    ['one long expired that each node forgets by itself', recordOf({ expiresAtMs: 5 }), false],
    ['bytes that nobody understands', Buffer.from([9, 9, 9]), false],
  ])('%s: judged rightly', (_, record, expected) => {
    expect(isDead(record, nowMs, marginMs)).toBe(expected);
  });
});

describe('the name of a dead record', () => {
  it('differs by key and by what the record holds', () => {
    const names = [
      nameOf(addressOf(0, Buffer.from('a')), recordOf({ tombstone: true })),
      nameOf(addressOf(0, Buffer.from('b')), recordOf({ tombstone: true })),
      nameOf(addressOf(0, Buffer.from('a')), recordOf({ tombstone: true, horizonMs: 4 })),
    ];
    expect(new Set(names.map(({ hash }) => hash)).size).toBe(3);
  });
});

describe('a walk over dead records', () => {
  it('comes to each of a partition once, in pages, however many there are', async () => {
    const time = new VirtualTime();
    const engine = new MemoryEngine({ clock: time, timers: time });
    const keys = Array.from({ length: 1_500 }, (_, index) => Buffer.from(`{tag}${index}`));
    const dead = recordOf({ tombstone: true });
    const facts = { tombstone: true, expiresAtMs: 0 };
    for (const key of keys) engine.put(addressOf(0, key), dead, facts, 'always', () => {});
    const partition = partitionOf(addressOf(0, keys[0]).tokenHigh);
    const seen: string[] = [];
    const sizes: number[] = [];
    const where = { keyspace: 0, partition, from: 0, until: offsetEnd, deadOnly: true };
    await visitPages(engine, where, (records) => {
      seen.push(...records.map(({ key }) => key.toString()));
      sizes.push(records.length);
      return true;
    });
    expect(seen.sort()).toEqual(keys.map(String).sort());
    expect(Math.max(...sizes)).toBeLessThan(600);
  });
});

describe('rounds', () => {
  const round = { from: 0, until: 50, seenMs: 0, agreed: Float64Array.of(1, 5, 2 ** 52) };

  it('know what was agreed on', () => {
    expect([0, 1, 2, 5, 6, 2 ** 52, 2 ** 53].map((hash) => holds(round, hash))).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('go on behind what the last one took, then from the start, and are void together', () => {
    const rounds = new Rounds();
    rounds.begin(0, 9, round, false);
    expect(rounds.startOf(0, 9)).toBe(50);
    rounds.end(0, 9);
    rounds.begin(0, 9, { ...round, from: 50, until: offsetEnd }, true);
    expect(rounds.startOf(0, 9)).toBe(0);
    const before = rounds.generation;
    rounds.void();
    expect(rounds.get(0, 9)).toBeUndefined();
    expect(rounds.generation).toBeGreaterThan(before);
  });
});
