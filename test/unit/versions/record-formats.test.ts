/** Records of format 1, which had one byte for the number of versions and no horizon, beside those of format 2. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashRecord } from '../../../core/merkle/record-hash.ts';
import {
  decodeRecord,
  encodeRecord,
  equalHeaders,
  headerOf,
  mergeRecords,
  summarise,
} from '../../../core/versions/record-codec.ts';
import {
  actorOf,
  type Dot,
  neverMs,
  type Version,
  type VersionSet,
} from '../../../core/versions/version-set.ts';
import { check } from '../../support/seeds.ts';

/** As the first releases wrote it. */
function inFormat1(set: VersionSet): Buffer {
  const now = encodeRecord(set);
  const head = Buffer.from([1, set.versions.length, 0, 0]);
  head.writeUInt16BE(set.context.length, 2);
  return Buffer.concat([head, now.subarray(12)]);
}

function setOf(nodes: readonly number[], horizonMs: number, superseded = 0): VersionSet {
  const versions: Version[] = nodes.map((node) => ({
    actor: actorOf(node, 1),
    counter: 1 + superseded,
    timestamp: node,
    expiresAtMs: 1_000,
    tombstone: false,
    value: Buffer.from(`value of ${node}`),
  }));
  const context: Dot[] = versions.map(({ actor, counter }) => ({ actor, counter }));
  return { context, versions, horizonMs };
}

const hashOf = (record: Buffer): string => {
  const into = { high: 0, low: 0 };
  hashRecord(Buffer.from('key'), record, into);
  return `${into.high}:${into.low}`;
};

const nodeLists = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const sets = fc
  .tuple(nodeLists, fc.integer({ min: 0, max: 1 }))
  .map(([nodes, superseded]) => setOf(nodes.sort(), superseded === 0 ? 0 : neverMs, superseded));

describe('a record of format 1', () => {
  it('is the same set as its rewrite in format 2: to decode, to compare and to hash', () => {
    check(
      fc.property(sets, (set) => {
        const old = inFormat1(set);
        const now = encodeRecord(set);
        expect(decodeRecord(old)).toEqual(set);
        expect(headerOf(old).equals(headerOf(now))).toBe(true);
        expect(equalHeaders(old, now)).toBe(true);
        expect(equalHeaders(now, old)).toBe(true);
        expect(hashOf(old)).toBe(hashOf(now));
        expect(summarise(old)).toEqual(summarise(now));
      }),
    );
  });

  it('joins with one of format 2 as sets join', () => {
    check(
      fc.property(sets, sets, (left, right) => {
        const joined = mergeRecords(encodeRecord(left), encodeRecord(right), false);
        for (const [a, b] of [
          [inFormat1(left), encodeRecord(right)],
          [encodeRecord(left), inFormat1(right)],
          [inFormat1(right), inFormat1(left)],
        ]) {
          expect(equalHeaders(mergeRecords(a, b, false), joined)).toBe(true);
        }
      }),
    );
  });

  it('is forgettable only where nothing was superseded: what it was, format 1 did not keep', () => {
    expect(summarise(inFormat1(setOf([1, 2], 0))).forgettableAtMs).toBe(1_000);
    expect(summarise(inFormat1(setOf([1, 2], 0, 1))).forgettableAtMs).toBe(0);
  });
});

describe('a record', () => {
  it('holds many times the siblings that one replica takes', () => {
    const set = setOf(
      Array.from({ length: 2_000 }, (_, index) => index + 1),
      0,
    );
    expect(decodeRecord(encodeRecord(set)).versions.length).toBe(2_000);
    const left = encodeRecord({
      ...set,
      context: set.context.slice(0, 999),
      versions: set.versions.slice(0, 999),
    });
    const right = encodeRecord({
      ...set,
      context: set.context.slice(999),
      versions: set.versions.slice(999),
    });
    expect(mergeRecords(left, right, false).equals(encodeRecord(set))).toBe(true);
  });

  it('refuses more versions than it can count with a typed error', () => {
    const [version] = setOf([1], 0).versions;
    const versions = Array.from({ length: 65_536 }, () => version);
    const tooMany = { ...setOf([1], 0), versions };
    expect(() => encodeRecord(tooMany)).toThrow(expect.objectContaining({ code: 'too-large' }));
  });
});

describe('a record with a value of a type that is not known yet', () => {
  it('is refused by name, not taken for a string', () => {
    check(
      fc.property(sets, fc.integer({ min: 2, max: 15 }), (set, type) => {
        const record = encodeRecord(set);
        const firstVersion = 12 + set.context.length * 14;
        record[firstVersion + 22] |= type << 1;
        for (const read of [decodeRecord, summarise])
          expect(() => read(record)).toThrow(/Update this computer/);
      }),
      100,
    );
  });
});

describe('a value with a content type', () => {
  const typed = fc
    .tuple(
      sets,
      fc.array(fc.constantFrom(undefined, 'text/plain', 'a/b; c=d', `x/${'y'.repeat(120)}`), {
        minLength: 5,
        maxLength: 5,
      }),
    )
    .map(([set, types]) => ({
      ...set,
      versions: set.versions.map((version, index) => {
        const contentType = types[index];
        return contentType === undefined ? version : { ...version, contentType };
      }),
    }));

  it('comes back with it, and apart from it', () => {
    check(
      fc.property(typed, (set) => {
        expect(decodeRecord(encodeRecord(set))).toEqual(set);
        expect(summarise(encodeRecord(set)).expiresAtMs).toBe(1_000);
      }),
    );
  });

  it('stays with its value when sets are joined', () => {
    check(
      fc.property(typed, typed, (left, right) => {
        const joined = decodeRecord(mergeRecords(encodeRecord(left), encodeRecord(right), false));
        for (const version of joined.versions) {
          const [from] = [left, right].flatMap(({ versions }) =>
            versions.filter(({ actor, counter }) => actor === version.actor && counter === version.counter),
          );
          expect(version.value).toEqual(from.value);
        }
      }),
    );
  });

  it('is refused where the type is longer than the value, or is none', () => {
    const [version] = setOf([1], 0).versions;
    const record = encodeRecord({ ...setOf([1], 0), versions: [{ ...version, contentType: 'text/plain' }] });
    const at = record.length - 'text/plain'.length - version.value.length - 1;
    expect(record[at]).toBe(10);
    for (const length of [0, 10 + version.value.length + 1, 255]) {
      const damaged = Buffer.from(record);
      damaged[at] = length;
      for (const read of [decodeRecord, summarise])
        expect(() => read(damaged)).toThrow(/nobody can have written/);
    }
  });
});
