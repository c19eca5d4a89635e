/** Everything that comes from another node: whatever bytes they are, they are understood or refused, and nothing else happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../core/base/errors.ts';
import { partitionStart, slotOf, slotsPerPartition } from '../../core/base/token.ts';
import { historyOf, withTracker } from '../../core/layout/history.ts';
import type { Claim } from '../../core/membership/claims.ts';
import type { PacketSeal } from '../../core/ports/packet-seal.ts';
import { decodeRecord, summarise } from '../../core/versions/record-codec.ts';
import {
  clusterTagOf,
  decodePacket,
  decodeStates,
  encodePacket,
  encodeStates,
  layoutMarkOf,
  type Packet,
} from '../../core/wire/membership/packet-codec.ts';
import { decodeStream, encodeStream } from '../../core/wire/membership/stream-messages.ts';
import { calls, decodeAnswer, encodeAnswer } from '../../core/wire/peer/calls.ts';
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
} from '../../core/wire/peer/exchange-codec.ts';
import {
  encodeCall,
  encodeKeyed,
  encodeStatus,
  FrameReader,
  frameType,
  parseCall,
  parseKeyed,
  parseStatus,
  requestIdOf,
  typeOf,
} from '../../core/wire/peer/frames.ts';
import { decodeNews, encodeNews } from '../../core/wire/peer/layout-messages.ts';
import { decodeLeftoverQuestion, encodeLeftoverQuestion } from '../../core/wire/peer/layout-versions.ts';
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
} from '../../core/wire/peer/record-batch-codec.ts';
import {
  decodeCount,
  decodeCountQuestion,
  decodeFlushQuestion,
  decodeKeysPage,
  decodeScanQuestion,
  encodeCount,
  encodeKeysPage,
  encodeQuestion,
} from '../../core/wire/peer/walk-messages.ts';
import { layoutOf } from '../support/layouts.ts';
import { check } from '../support/seeds.ts';

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));

describe('frames between nodes', () => {
  it('come out as they went in, however the stream is cut', () => {
    const frame = fc.oneof(
      fc.tuple(fc.nat(65_535), bytes(50), bytes(300)).map(([keyspace, key, record]) => ({
        frame: encodeKeyed(frameType.replicaPut, 7, keyspace, key, record, record.length),
        check: (found: Buffer) => {
          const body = parseKeyed(found);
          expect([body.keyspace, body.key.equals(key), body.rest.equals(record)]).toEqual([
            keyspace,
            true,
            true,
          ]);
        },
      })),
      bytes(100).map((body) => ({
        frame: encodeStatus(frameType.replicaRecord, 8, 3, body),
        check: (found: Buffer) => {
          const parsed = parseStatus(found);
          expect([parsed.code, parsed.body.equals(body)]).toEqual([3, true]);
        },
      })),
      bytes(100).map((payload) => ({
        frame: encodeCall(9, 515, payload),
        check: (found: Buffer) => {
          const parsed = parseCall(found);
          expect([parsed.method, parsed.payload.equals(payload)]).toEqual([515, true]);
        },
      })),
    );
    check(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.nat(1_000), { maxLength: 20 }),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map((item) => item.frame));
          const reader = new FrameReader();
          const found: Buffer[] = [];
          const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort(
            (a, b) => a - b,
          );
          let start = 0;
          for (const end of ends) {
            reader.push(stream.subarray(start, end), (item) => found.push(Buffer.from(item)));
            start = end;
          }
          expect(found.length).toBe(frames.length);
          found.forEach((item, index) => {
            expect(item.equals(frames[index].frame)).toBe(true);
            expect(requestIdOf(item)).toBeGreaterThan(6);
            expect(typeOf(item)).toBeGreaterThan(3);
            frames[index].check(item);
          });
        },
      ),
    );
  });

  it('of random bytes end in a typed error or in nothing, never in a crash', () => {
    check(
      fc.property(bytes(400), (stream) => {
        try {
          new FrameReader(10_000).push(stream, (item) => {
            for (const parse of [parseKeyed, parseStatus, parseCall]) {
              try {
                parse(item);
              } catch (error) {
                expect(error).toMatchObject({ code: 'bad-input' });
              }
            }
          });
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-input' });
        }
      }),
      2_000,
    );
  });
});

describe('records from a peer', () => {
  it('of random bytes are refused with a typed error, never with a crash', () => {
    check(
      fc.property(bytes(200), fc.nat(3), fc.nat(3), (body, versions, entries) => {
        const record = Buffer.concat([Buffer.from([1, versions, 0, entries]), body]);
        for (const read of [decodeRecord, summarise]) {
          try {
            read(record);
          } catch (error) {
            expect(error).toMatchObject({ code: 'corrupt' });
          }
        }
      }),
      3_000,
    );
  });
});

const scanned = { keyspace: 1, partition: 5, fromPosition: partitionStart(5), countMax: 100 };
const keyOfPartition5 = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`key-${index}`)).find(
  (key) => Math.floor(slotOf(key) / slotsPerPartition) === 5,
)!;
const headless = (question: Buffer) => question.subarray(7);
/** What is inside is read as if the seal held: the seal has tests of its own. */
const broken: PacketSeal = { close: (_, body) => body, open: (_, sealed) => sealed };
const layouts = withTracker(historyOf([{ layout: layoutOf({ here: 3 }), digest: 'd' }]), 1, {
  ...{ turn: 2, key: 'k', heard: 1, ack: 1, sync: 1, syncAck: 1 },
});
const envelope = { tag: clusterTagOf('cluster'), seal: broken };
const claim: Claim = { member: 7, state: 'dead', incarnation: 3, by: 9, agreed: [2] };
const packet: Packet = { from: 2, probe: { type: 'ping', sequence: 5, target: 7 }, claims: [claim] };

/** Everything that a node reads from another, by what it is: a message that means something, and how it is read. */
const messages: Record<string, readonly [Buffer, (bytes: Buffer) => unknown]> = {
  'question of a scan': [encodeQuestion(scanned), decodeScanQuestion],
  'question of a count': [encodeQuestion({ keyspace: 1, partitions: [1, 2] }), decodeCountQuestion],
  'question of a flush': [encodeQuestion({ keyspace: 1, partition: 2 }), decodeFlushQuestion],
  'page of keys': [
    encodeKeysPage({ keys: [keyOfPartition5], nextPosition: partitionStart(5) + 9 }),
    (bytes) => decodeKeysPage(bytes, scanned),
  ],
  count: [encodeCount(1_234), decodeCount],
  answer: [
    encodeAnswer(1, new CoterieError('busy', 'Later.'), null),
    (bytes) => decodeAnswer(bytes, calls.scan),
  ],
  'head of a comparison': [encodePartitions(questionKind.roots, 1, 1, [3]), decodeHead],
  partitions: [headless(encodePartitions(questionKind.roots, 1, 1, [3, 4])), decodePartitions],
  roots: [
    encodeRoots([{ bits: 4, isLost: false, keyCount: 3, high: 1, low: 2 }, null]),
    (bytes) => decodeRoots(bytes, 2),
  ],
  'request of nodes': [
    headless(encodeNodeRequest(1, 1, 5, { parentBits: 2, childBits: 4, parents: [1, 2] })),
    decodeNodeRequest,
  ],
  nodes: [encodeNodes(Uint32Array.of(1, 2, 3, 4)), (bytes) => decodeNodes(bytes, 2)],
  'request of leaves': [
    headless(
      encodeLeafRequest(questionKind.leaves, 1, 1, 5, {
        bits: 4,
        leaves: [1, 7],
        fromOffset: 10,
        forgottenUntilMs: 99,
      }),
    ),
    decodeLeafRequest,
  ],
  listing: [
    encodeListing({ positions: [{ offset: 12, high: 1, low: 2 }], nextOffset: 20, forgottenUntilMs: 0 }),
    (bytes) => decodeListing(bytes, 10),
  ],
  'request of records': [headless(encodeFetch(1, 1, 5, [10, 11])), decodeFetch],
  'records fetched': [encodeFetched(1, [{ key: keyOfPartition5, record: Buffer.alloc(9) }]), decodeFetched],
  'request of a page': [
    headless(encodePageRequest(1, 1, { partition: 5, fromOffset: 10, bytesMax: 65_536 })),
    decodePageRequest,
  ],
  'page of records': [
    encodeRecordPage({ nextOffset: 20, records: [{ key: keyOfPartition5, record: Buffer.alloc(9) }] }),
    (bytes) => decodeRecordPage(bytes, 10),
  ],
  'records to store': [
    headless(encodeStore(1, 1, 5, [{ key: keyOfPartition5, record: Buffer.alloc(9) }])),
    decodeStore,
  ],
  'records refused': [encodeRefused(3), decodeRefused],
  leftovers: [encodeLeftoverQuestion({ keyspace: 1, partitions: [4, 5] }), decodeLeftoverQuestion],
  'view of the layouts': [encodeNews(layouts, layouts.live), decodeNews],
  'packet of membership': [
    encodePacket(packet, envelope, layoutMarkOf(3, 'digest'), { to: 2, stamp: { run: 1, number: 1 } }),
    (bytes) => decodePacket(bytes, envelope, 2),
  ],
  'states of membership': [encodeStates([claim]), decodeStates],
  'stream of membership': [encodeStream({ type: 'states', claims: [claim] }), decodeStream],
};

/** What the readers of membership say instead of throwing; `not-ready`: of another layout. */
const refusals = ['bad-input', 'not-ready'];

describe('what another node says', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'drop', 'insert', 'double'));
  const mutated = (message: Buffer, changes: readonly (readonly [number, number, string])[]): Buffer => {
    let bytes = Buffer.from(message);
    for (const [place, value, what] of changes) {
      const at = place % (bytes.length + 1);
      if (what === 'set' && at < bytes.length) bytes[at] = value;
      else if (what === 'cut') bytes = bytes.subarray(0, at);
      else if (what === 'drop') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      else if (what === 'double' && bytes.length < 1_000) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at)]);
    }
    return bytes;
  };

  it.each(Object.entries(messages))('as a %s is read when it is whole', (_, [message, read]) => {
    expect(read(message)).not.toHaveProperty('ignored');
  });

  it.each(Object.entries(messages))(
    'as a %s is understood or refused in words, whatever bytes come',
    (_, [message, read]) => {
      const tried = (given: Buffer) => {
        try {
          read(given);
        } catch (error) {
          expect(refusals).toContain((error as CoterieError).code);
        }
      };
      check(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) =>
          tried(mutated(message, changes)),
        ),
        1_000,
      );
      check(fc.property(bytes(120), tried), 500);
    },
  );
});
