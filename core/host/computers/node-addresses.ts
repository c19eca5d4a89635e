/** Where the nodes of other computers are reached, as those tell. */
import type { LayoutNode } from '../../layout/layout.ts';
import type { NodeAddress } from '../../node-process/messages.ts';
import type { OtherComputer } from './other-computer.ts';

/** `known`: the nodes of the layouts that count, by id. */
export function addressesOf(
  others: Iterable<OtherComputer>,
  known: ReadonlyMap<number, LayoutNode>,
): NodeAddress[] {
  const addresses: NodeAddress[] = [];
  for (const { place, news, clientHost = '' } of others) {
    if (place === undefined || news === null) continue;
    const { host } = place;
    for (const { id, status } of news.nodes) {
      const name = known.get(id)?.name;
      const { peerPort, networkPort } = status;
      if (name === undefined || peerPort === null) continue;
      addresses.push({
        ...{ id, name, host, peerPort },
        ...{ clientHost, clientPort: 0, networkPort: clientHost === '' ? 0 : (networkPort ?? 0) },
      });
    }
  }
  return addresses;
}
