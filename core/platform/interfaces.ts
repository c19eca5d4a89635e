/** The network interfaces of this computer: the one place where the operating system is asked for them. */
import { networkInterfaces } from 'node:os';
import type { InterfaceAddress, InterfaceTable } from '../ports/lan.ts';

/** As they are now, by name: addresses come and go. */
export function presentInterfaces(): InterfaceTable {
  return networkInterfaces() as InterfaceTable;
}

/** All addresses in the order of the system, those of IPv6 without the zone that some systems put behind them (`%en0`). */
export function addressesIn(table: InterfaceTable): InterfaceAddress[] {
  return Object.values(table)
    .flatMap((addresses) => addresses ?? [])
    .map((one) => ({ ...one, address: one.address.replace(/%.*$/, '') }));
}
