import { describe, expect, it } from 'vitest';
import { ownAddresses } from '../../../core/host/computers/known-places.ts';
import { addressesIn, presentInterfaces } from '../../../core/platform/interfaces.ts';
import type { InterfaceTable } from '../../../core/ports/lan.ts';
import { ipv4Of } from '../../support/beacons.ts';

const version6 = { family: 'IPv6' as const, address: 'fe80::1%en0', netmask: 'ffff:ffff::', internal: false };
const table: InterfaceTable = {
  lo: [{ ...ipv4Of('127.0.0.1'), internal: true }],
  gone: undefined,
  en0: [version6, ipv4Of('10.0.0.5'), ipv4Of('10.0.0.6')],
};

describe('the addresses of this computer', () => {
  it('are those of all interfaces, in their order and without a zone', () => {
    const addresses = addressesIn(table).map(({ address }) => address);
    expect(addresses).toEqual(['127.0.0.1', 'fe80::1', '10.0.0.5', '10.0.0.6']);
    expect(addressesIn(table)[1]).toMatchObject({ family: 'IPv6', internal: false });
    expect(addressesIn({})).toEqual([]);
  });

  it('at which others reach it are the outward ones, or the one at which it listens', () => {
    expect(ownAddresses('0.0.0.0', 7421, table)).toEqual(['10.0.0.5:7421', '10.0.0.6:7421']);
    expect(ownAddresses('10.0.0.9', 7421, table)).toEqual(['10.0.0.9:7421']);
    expect(ownAddresses('0.0.0.0', 7421, {})).toEqual([]);
  });

  it('are asked of the system anew each time', () => {
    expect(presentInterfaces()).not.toBe(presentInterfaces());
    expect(addressesIn(presentInterfaces()).every(({ address }) => !address.includes('%'))).toBe(true);
  });
});
