/** What is known of computers at this moment, for those who show it. */
import type { ClientNetwork } from './client-network.ts';
import { hostIn, ownAddresses } from './known-places.ts';
import type { Lan } from './open-lan.ts';
import type { ComputerNow } from './other-computer.ts';

/** By id. `listen`: where this computer takes connections from others; null: nowhere. */
export function computersNow(
  lan: Lan | null,
  own: ReadonlySet<string>,
  listen: string | null,
  network: ClientNetwork | null,
): ReadonlyMap<string, ComputerNow> {
  const address = lan === null || listen === null ? null : (ownAddresses(listen, lan.port)[0] ?? null);
  const hosts = network?.addresses ?? null;
  const clientHost = hosts === null ? hostIn(address) : (hosts[0] ?? null);
  const here: ComputerNow = { state: 'here', address, heardAtMs: null, clientHost };
  const others = (lan?.computers.views() ?? []).map(({ id, ...now }) => [id, now] as const);
  return new Map([...others, ...[...own].map((id) => [id, here] as const)]);
}
