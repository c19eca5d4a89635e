/** Whatever bytes come from the network, they are a beacon or nothing, and nothing else happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBeacon, encodeBeacon } from '../../core/discovery/beacon.ts';
import { beaconOf, clusterId, datagramOf, keyOf } from '../support/beacons.ts';
import { check } from '../support/seeds.ts';

const anyBeacon = fc
  .record({
    isMember: fc.boolean(),
    isFarewell: fc.boolean(),
    asks: fc.boolean(),
    clusterName: fc.string({ unit: 'binary', maxLength: 80 }),
    computerName: fc.string({ unit: 'binary', maxLength: 80 }),
    computerId: fc.stringMatching(/^[\w-]{1,64}$/),
    hasAuthority: fc.boolean(),
    port: fc.integer({ min: 1, max: 65_535 }),
    timeMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    run: fc.nat(2 ** 32 - 1),
    seed: fc.nat(),
  })
  .map(({ isMember, isFarewell, hasAuthority, seed, ...rest }) =>
    beaconOf(rest.computerId, {
      ...rest,
      kind: isFarewell ? 'farewell' : isMember ? 'member' : 'waiting',
      clusterId: isMember ? clusterId : '',
      authority: hasAuthority ? '0f'.repeat(32) : null,
      publicKey: keyOf(seed),
    }),
  );

describe('beacons', () => {
  it('come back as they went, in 512 bytes, and say the same when they are made again', () => {
    check(
      fc.property(anyBeacon, (beacon) => {
        const bytes = datagramOf(beacon);
        expect(bytes.length).toBeLessThanOrEqual(512);
        const decoded = decodeBeacon(bytes);
        const { clusterName: _, computerName: __, ...exact } = beacon;
        expect(decoded?.beacon).toMatchObject(exact);
        expect(encodeBeacon(decoded!.beacon).equals(decoded!.signedBytes)).toBe(true);
      }),
    );
  });

  it('are understood or refused, whatever is done to their bytes', () => {
    const change = fc.record({ at: fc.nat(600), value: fc.nat(255) });
    check(
      fc.property(anyBeacon, fc.array(change, { maxLength: 6 }), fc.nat(600), (beacon, changes, length) => {
        const bytes = datagramOf(beacon);
        for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
        for (const cut of [bytes, bytes.subarray(0, length), Buffer.concat([bytes, bytes])]) {
          const decoded = decodeBeacon(cut);
          if (decoded !== null)
            expect(decoded.signedBytes.length + decoded.signature.length).toBe(cut.length);
        }
      }),
    );
  });

  it('are not seen in noise', () => {
    check(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        expect(decodeBeacon(Buffer.from(bytes))).toBeNull();
      }),
    );
  });
});
