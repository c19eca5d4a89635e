import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, summarise } from '../../core/versions/record-codec.ts';
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
