/** Messages of an exchange come back as they were, and anything else is refused as bad input. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { offsetEnd } from '../../../core/merkle/tree.ts';
import {
  decodeHead,
  decodeLeafRequest,
  decodeListing,
  decodeNodeRequest,
  decodeNodes,
  decodePartitions,
  decodeRoots,
  encodeLeafRequest,
  encodeListing,
  encodeNodeRequest,
  encodeNodes,
  encodePartitions,
  encodeRoots,
  questionKind,
} from '../../../core/wire/peer/exchange-codec.ts';
import {
  decodeFetch,
  decodeFetched,
  decodePageRequest,
  decodeRecordPage,
  decodeRefused,
  decodeStore,
  encodeFetch,
  encodeFetched,
  encodePageRequest,
  encodeRecordPage,
  encodeRefused,
  encodeStore,
} from '../../../core/wire/peer/record-batch-codec.ts';
import { check } from '../../support/seeds.ts';

const bodyOf = (question: Buffer) => decodeHead(question).body;
const records = [
  { key: Buffer.from('a'), record: Buffer.from('first') },
  { key: Buffer.from('bb'), record: Buffer.alloc(0) },
];

describe('a message of an exchange', () => {
  it('comes back as it was sent', () => {
    const question = encodePartitions(questionKind.roots, 9, 3, [0, 7, 1_023]);
    expect(decodeHead(question).head).toEqual({ kind: questionKind.roots, exchange: 9, keyspace: 3 });
    expect(decodePartitions(bodyOf(question))).toEqual([0, 7, 1_023]);
    const root = { bits: 4, isLost: false, keyCount: 12, high: 0xffff_ffff, low: 1 };
    const roots = [null, root, { ...root, isLost: true, bits: 18 }];
    expect(decodeRoots(encodeRoots(roots), 3)).toEqual(roots);
    const nodes = { parentBits: 2, childBits: 6, parents: [0, 3] };
    expect(decodeNodeRequest(bodyOf(encodeNodeRequest(1, 2, 5, nodes)))).toEqual({
      partition: 5,
      request: nodes,
    });
    expect(decodeNodes(encodeNodes(Uint32Array.of(1, 2, 3, 4)), 2)).toEqual(Uint32Array.of(1, 2, 3, 4));
    const leaves = { bits: 6, leaves: [1, 63], fromOffset: 2 ** 42, forgottenUntilMs: 1_800_000_000_000 };
    const asked = encodeLeafRequest(questionKind.leaves, 1, 2, 5, leaves);
    expect(decodeLeafRequest(bodyOf(asked))).toEqual({ partition: 5, request: leaves });
    const listing = {
      positions: [{ offset: 2 ** 42, high: 1, low: 2 }],
      nextOffset: 2 ** 43,
      forgottenUntilMs: 7,
    };
    expect(decodeListing(encodeListing(listing), 0)).toEqual(listing);
    expect(decodeFetch(bodyOf(encodeFetch(1, 2, 5, [4, 2 ** 42])))).toEqual({
      partition: 5,
      offsets: [4, 2 ** 42],
    });
    expect(decodeFetched(encodeFetched(2, records))).toEqual({ answeredCount: 2, records });
    expect(decodeStore(bodyOf(encodeStore(1, 2, 5, records)))).toEqual({ partition: 5, records });
    const wanted = { partition: 5, fromOffset: 2 ** 42, bytesMax: 65_536 };
    expect(decodePageRequest(bodyOf(encodePageRequest(1, 2, wanted)))).toEqual(wanted);
    const page = { nextOffset: 2 ** 43, records };
    expect(decodeRecordPage(encodeRecordPage(page), 2 ** 42)).toEqual(page);
    expect(decodeRefused(encodeRefused(3))).toBe(3);
  });

  it('with a page of a stream that gets no further is refused: it would be asked for again for ever', () => {
    const page = encodeRecordPage({ nextOffset: 9, records: [] });
    expect(() => decodeRecordPage(page, 9)).toThrow(CoterieError);
    expect(() => decodeRecordPage(encodeRecordPage({ nextOffset: offsetEnd + 1, records: [] }), 9)).toThrow(
      CoterieError,
    );
  });

  it('that is none is refused as bad input, whatever its bytes', () => {
    const readers = [
      (bytes: Buffer) => decodeHead(bytes),
      decodePartitions,
      (bytes: Buffer) => decodeRoots(bytes, 2),
      decodeNodeRequest,
      (bytes: Buffer) => decodeNodes(bytes, 2),
      decodeLeafRequest,
      (bytes: Buffer) => decodeListing(bytes, 0),
      decodeFetch,
      decodeFetched,
      decodeStore,
      decodePageRequest,
      (bytes: Buffer) => decodeRecordPage(bytes, 0),
      decodeRefused,
    ];
    check(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...readers), (bytes, read) => {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(CoterieError);
          expect((error as CoterieError).code).toBe('bad-input');
        }
      }),
      2_000,
    );
  });
});
