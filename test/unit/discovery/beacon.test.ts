import { describe, expect, it } from 'vitest';
import { decodeBeacon, encodeBeacon } from '../../../core/discovery/beacon.ts';
import { beaconOf, clusterId, datagramOf, keyOf } from '../../support/beacons.ts';

const member = beaconOf('c1', {
  kind: 'member',
  clusterId,
  clusterName: 'Küche',
  authority: 'ab'.repeat(32),
  asks: true,
  timeMs: 2 ** 48 - 1,
  run: 2 ** 32 - 1,
});

describe('a beacon', () => {
  it('comes back as it was, with the bytes that are signed', () => {
    for (const beacon of [member, beaconOf('c2'), { ...member, kind: 'farewell' as const }]) {
      const decoded = decodeBeacon(datagramOf(beacon));
      expect(decoded?.beacon).toEqual(beacon);
      expect(decoded?.signedBytes).toEqual(encodeBeacon(beacon));
      expect(decoded?.signature.length).toBe(64);
    }
  });

  it('fits 512 bytes whatever the names are, and cuts them between characters', () => {
    const names = { clusterName: '𝄞'.repeat(99), computerName: 'é'.repeat(300), computerId: 'x'.repeat(64) };
    const bytes = datagramOf({ ...member, ...names });
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(decodeBeacon(bytes)?.beacon).toMatchObject({
      clusterName: '𝄞'.repeat(25),
      computerName: 'é'.repeat(50),
    });
  });

  it('carries no name that a terminal would obey', () => {
    const bytes = encodeBeacon(beaconOf('c1', { computerName: 'a\u001b[2Jb' }));
    expect(bytes.includes(0x1b)).toBe(false);
    // One that somebody else has made.
    const forged = datagramOf(beaconOf('c1', { computerName: 'a~b' }));
    forged[forged.indexOf('a~b') + 1] = 0x1b;
    expect(decodeBeacon(forged)?.beacon.computerName).toBe('a\\u{1b}b');
  });

  it('is refused when it is cut, longer, of another version, or contradicts itself', () => {
    const bytes = datagramOf(member);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeBeacon(bytes.subarray(0, length))).toBeNull();
    }
    expect(decodeBeacon(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
    expect(decodeBeacon(Buffer.concat([bytes, Buffer.alloc(512)]))).toBeNull();
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(bytes);
      copy[at] = value;
      return decodeBeacon(copy);
    };
    expect(changed(0, 0)).toBeNull();
    expect(changed(4, 2)).toBeNull();
    expect(changed(5, 3)).toBeNull();
    // A member that waits.
    expect(changed(5, 1)).toBeNull();
    expect(changed(6, 7)).toBeNull();
    // A key on another curve.
    expect(changed(19 + 20, 0)).toBeNull();
    const portless = Buffer.from(bytes);
    portless.writeUInt16BE(0, 7);
    expect(decodeBeacon(portless)).toBeNull();
  });

  it('is not made of what cannot be said', () => {
    expect(() => encodeBeacon({ ...member, clusterId: '' })).toThrow('names a computer');
    expect(() => encodeBeacon({ ...member, publicKey: keyOf(1).subarray(1) })).toThrow('P-256');
    expect(() => encodeBeacon({ ...member, authority: 'ab' })).toThrow('32 bytes');
  });
});
