import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreedCountMax, type Claim, incarnationMax } from '../../../core/membership/claims.ts';
import { systemRandom } from '../../../core/platform/system-random.ts';
import type { PacketSeal } from '../../../core/ports/packet-seal.ts';
import { packetSealOf } from '../../../core/security/packet-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import {
  clusterTagOf,
  datagramBytesMax,
  decodePacket,
  decodeStates,
  encodePacket,
  encodeStates,
  noLayout,
  type Packet,
  type ProbeMessage,
} from '../../../core/wire/membership/packet-codec.ts';
import {
  decodeStream,
  encodeStream,
  type StreamMessage,
} from '../../../core/wire/membership/stream-messages.ts';
import { check } from '../../support/seeds.ts';

const clusterId = '9f6a1c1e-0000-4000-8000-000000000001';
const sealed = (by: string): PacketSeal => packetSealOf(Secrets.of(Buffer.from(by)), systemRandom);
const envelope = { tag: clusterTagOf(clusterId), seal: sealed('the secret of the cluster') };
const aliveClaim: Claim = { state: 'alive', member: 0xabcdef01, incarnation: 1, by: 0xabcdef01, agreed: [] };
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

const addressing = { to: 2, stamp: { run: 7, number: 1 } };

describe('a membership packet', () => {
  it('reads back as it was written, within one datagram', () => {
    check(
      fc.property(packet, fc.record({ version: uint32, high: uint32, low: uint32 }), (written, layout) => {
        const bytes = encodePacket(written, envelope, layout, addressing);
        expect(bytes.length).toBeLessThanOrEqual(datagramBytesMax);
        expect(decodePacket(bytes, envelope, 2)).toEqual({ ...written, layout, stamp: addressing.stamp });
      }),
    );
  });

  it('opens at the node that it was made for, and at no other', () => {
    const bytes = encodePacket({ from: 1, probe: null, claims: [] }, envelope, noLayout, addressing);
    expect(decodePacket(bytes, envelope, 3)).toEqual({ ignored: 'not sealed by this cluster' });
  });

  it('of another cluster is ignored', () => {
    const bytes = encodePacket(
      { from: 1, probe: null, claims: [] },
      { ...envelope, tag: clusterTagOf('other') },
      noLayout,
      addressing,
    );
    expect(decodePacket(bytes, envelope, 2)).toEqual({ ignored: 'another cluster' });
  });

  it('of a stranger, another version or a seal not known is ignored with the reason', () => {
    const change = (at: number) => {
      const bytes = encodePacket({ from: 1, probe: null, claims: [] }, envelope, noLayout, addressing);
      bytes[at] ^= 0xff;
      return decodePacket(bytes, envelope, 2);
    };
    expect(change(0)).toEqual({ ignored: 'not of this protocol' });
    expect(change(2)).toEqual({ ignored: 'another version' });
    expect(change(3)).toEqual({ ignored: 'another seal' });
    expect(change(12)).toEqual({ ignored: 'an id out of range' });
    expect(decodePacket(Buffer.alloc(datagramBytesMax + 1), envelope, 2)).toEqual({ ignored: 'too long' });
  });

  it('can be neither read, made nor changed without the secret', () => {
    const words = { from: 1, probe: null, claims: [aliveClaim] };
    const bytes = encodePacket(words, envelope, noLayout, addressing);
    const forged = encodePacket(words, { ...envelope, seal: sealed('a guess') }, noLayout, addressing);
    expect(decodePacket(forged, envelope, 2)).toEqual({ ignored: 'not sealed by this cluster' });
    // The member's number stands nowhere in the open.
    expect(bytes.includes(Buffer.from([0xab, 0xcd, 0xef, 0x01]))).toBe(false);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1;
      expect(decodePacket(changed, envelope, 2)).toHaveProperty('ignored');
    }
    // As if another had sent it: the sender stands in the head, which the seal covers.
    const asAnother = Buffer.from(bytes);
    asAnother[19] = 2;
    expect(decodePacket(asAnother, envelope, 2)).toEqual({ ignored: 'not sealed by this cluster' });
  });

  it('never throws on arbitrary bytes', () => {
    check(
      fc.property(fc.uint8Array({ maxLength: 1_600 }), (bytes) => {
        expect(decodePacket(Buffer.from(bytes), envelope, 2)).toHaveProperty('ignored');
        decodeStates(Buffer.from(bytes));
      }),
      500,
    );
  });

  it('never throws on a damaged packet, and takes no cut one', () => {
    check(
      fc.property(packet, fc.nat(), fc.nat(255), (written, place, value) => {
        const bytes = encodePacket(written, envelope, noLayout, addressing);
        expect(decodePacket(bytes.subarray(0, place % bytes.length), envelope, 2)).toHaveProperty('ignored');
        bytes[place % bytes.length] = value;
        decodePacket(bytes, envelope, 2);
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
