import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreedCountMax, type Claim, incarnationMax } from '../../../core/membership/claims.ts';
import {
  clusterTagOf,
  datagramBytesMax,
  decodePacket,
  decodeStates,
  encodePacket,
  encodeStates,
  type Packet,
  type ProbeMessage,
} from '../../../core/membership/packet-codec.ts';
import { decodeStream, encodeStream, type StreamMessage } from '../../../core/membership/stream-messages.ts';
import { check } from '../../support/seeds.ts';

const tag = clusterTagOf('9f6a1c1e-0000-4000-8000-000000000001');
const id = fc.maxSafeNat();
const uint32 = fc.nat(2 ** 32 - 1);

const claim: fc.Arbitrary<Claim> = fc
  .record({
    state: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
    member: id,
    incarnation: fc.nat(incarnationMax),
    by: id,
    agreed: fc.array(id, { maxLength: agreedCountMax }),
  })
  .map((made) => (made.state === 'dead' ? made : { ...made, agreed: [] })) as fc.Arbitrary<Claim>;

const probe: fc.Arbitrary<ProbeMessage | null> = fc.oneof(
  fc.constant(null),
  fc.record({ type: fc.constantFrom('ping', 'pingRequest'), sequence: uint32, target: id }),
  fc.record({ type: fc.constantFrom('ack', 'nack'), sequence: uint32 }),
) as fc.Arbitrary<ProbeMessage | null>;

const packet: fc.Arbitrary<Packet> = fc.record({
  from: id,
  probe,
  claims: fc.array(claim, { maxLength: 12 }),
});

describe('a membership packet', () => {
  it('reads back as it was written, within one datagram', () => {
    check(
      fc.property(packet, (written) => {
        const bytes = encodePacket(written, tag);
        expect(bytes.length).toBeLessThanOrEqual(datagramBytesMax);
        expect(decodePacket(bytes, tag)).toEqual(written);
      }),
    );
  });

  it('of another cluster is ignored', () => {
    const bytes = encodePacket({ from: 1, probe: null, claims: [] }, clusterTagOf('other'));
    expect(decodePacket(bytes, tag)).toEqual({ ignored: 'another cluster' });
  });

  it('of a stranger, another version or a seal not known is ignored with the reason', () => {
    const change = (at: number) => {
      const bytes = encodePacket({ from: 1, probe: null, claims: [] }, tag);
      bytes[at] ^= 0xff;
      return decodePacket(bytes, tag);
    };
    expect(change(0)).toEqual({ ignored: 'not of this protocol' });
    expect(change(2)).toEqual({ ignored: 'another version' });
    expect(change(3)).toEqual({ ignored: 'sealed' });
    expect(change(12)).toEqual({ ignored: 'an id out of range' });
    expect(decodePacket(Buffer.alloc(datagramBytesMax + 1), tag)).toEqual({ ignored: 'too long' });
  });

  it('never throws on arbitrary bytes', () => {
    check(
      fc.property(fc.uint8Array({ maxLength: 1_600 }), (bytes) => {
        expect(decodePacket(Buffer.from(bytes), tag)).toHaveProperty('ignored');
        decodeStates(Buffer.from(bytes));
      }),
      500,
    );
  });

  it('never throws on a damaged packet, and takes no cut one', () => {
    check(
      fc.property(packet, fc.nat(), fc.nat(255), (written, place, value) => {
        const bytes = encodePacket(written, tag);
        expect(decodePacket(bytes.subarray(0, place % bytes.length), tag)).toHaveProperty('ignored');
        bytes[place % bytes.length] = value;
        decodePacket(bytes, tag);
      }),
      500,
    );
  });
});

describe('a list of states', () => {
  it('reads back as it was written, and a false count is refused', () => {
    check(
      fc.property(fc.array(claim, { maxLength: 50 }), (claims) => {
        const bytes = encodeStates(claims);
        expect(decodeStates(bytes)).toEqual({ claims });
        bytes.writeUInt32BE(2 ** 31, 0);
        expect(decodeStates(bytes)).toEqual({ ignored: 'too short' });
      }),
    );
  });
});

describe('a message over the stream', () => {
  it('reads back as it was written', () => {
    const message = fc.oneof(
      fc.record({ type: fc.constant('states'), claims: fc.array(claim, { maxLength: 20 }) }),
      fc.record({ type: fc.constantFrom('probe', 'received') }),
      fc.record({
        type: fc.constant('packet'),
        bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      }),
    ) as fc.Arbitrary<StreamMessage>;
    check(
      fc.property(message, (written) => {
        expect(decodeStream(encodeStream(written))).toEqual(written);
      }),
    );
  });

  it('never throws on arbitrary bytes', () => {
    expect(decodeStream(Buffer.alloc(0))).toHaveProperty('ignored');
    check(
      fc.property(fc.uint8Array(), (bytes) => {
        decodeStream(Buffer.from(bytes));
      }),
      500,
    );
  });
});
