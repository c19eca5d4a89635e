/** What is known of computers at this moment, for those who show it. */
import type { ComputerView } from '../../contract/computer-views.ts';
import { addressOf, ownAddresses } from './known-places.ts';
import type { Lan } from './open-lan.ts';

export type ComputerNow = Pick<ComputerView, 'state' | 'address' | 'heardAtMs'>;

/** By id; those of this computer are not among them. */
export function computersNow(lan: Lan | null): ReadonlyMap<string, ComputerNow> {
  return new Map(lan?.computers.views().map(({ id, ...now }) => [id, now]));
}

/** Where this computer takes connections from others; null: nowhere. */
export function ownAddressOf(lan: Lan | null, listen: string | null): string | null {
  if (lan === null || listen === null) return null;
  return ownAddresses(listen, lan.port)[0] ?? addressOf(listen, lan.port);
}
