import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  encodePutTogether,
  parsePutTogether,
  togetherKeysMax,
} from '../../../core/wire/peer/put-together.ts';
import { check } from '../../support/seeds.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const records = fc.uniqueArray(fc.record({ key: bytes, record: bytes }), {
  selector: ({ key }) => key.toString('latin1'),
  maxLength: 8,
});

it('gives back what was put in', () => {
  check(
    fc.property(fc.nat(0xffff), records, (keyspace, given) => {
      expect(parsePutTogether(encodePutTogether(keyspace, given))).toEqual({ keyspace, records: given });
    }),
  );
});

it('refuses what was cut off, has bytes too many, or is something else', () => {
  check(
    fc.property(records, fc.nat(), bytes, (given, at, more) => {
      const payload = encodePutTogether(1, given);
      expect(() => parsePutTogether(payload.subarray(0, at % payload.length))).toThrow(/malformed/);
      if (more.length > 0)
        expect(() => parsePutTogether(Buffer.concat([payload, more]))).toThrow(/malformed/);
    }),
  );
  check(
    fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
      try {
        parsePutTogether(Buffer.from(any));
      } catch (error) {
        expect((error as Error).message).toMatch(/malformed/);
      }
    }),
  );
});

it('refuses one key twice, and more keys than one change may have', () => {
  const one = { key: Buffer.from('k'), record: Buffer.from('r') };
  expect(() => parsePutTogether(encodePutTogether(1, [one, one]))).toThrow(/malformed/);
  const many = Array.from({ length: togetherKeysMax + 1 }, (_, index) => ({
    ...one,
    key: Buffer.from(String(index)),
  }));
  expect(() => parsePutTogether(encodePutTogether(1, many))).toThrow(/malformed/);
});
