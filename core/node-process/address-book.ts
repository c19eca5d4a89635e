/** Where the nodes of the cluster listen, as the host tells it; whoever sends to them is told of each change. */
import type { PeerAddress } from '../platform/tcp-peer-network.ts';
import type { ClientEndpoint } from '../ports/key-value-store.ts';
import type { NodeAddress } from './messages.ts';

export class AddressBook {
  readonly #addresses = new Map<number, NodeAddress>();
  readonly #readers: { readonly selfId: number; setPeers(peers: readonly PeerAddress[]): void }[] = [];

  get ids(): number[] {
    return [...this.#addresses.keys()];
  }

  of(id: number): NodeAddress | undefined {
    return this.#addresses.get(id);
  }

  /** Beside what is known: a host that was just started does not know of all nodes yet. */
  take(addresses: readonly NodeAddress[]): void {
    for (const address of addresses) this.#addresses.set(address.id, address);
    this.#tell();
  }

  /** They are not called any more, and their calls not taken. */
  forget(ids: readonly number[]): void {
    let isKnown = false;
    for (const id of ids) isKnown = this.#addresses.delete(id) || isKnown;
    if (isKnown) this.#tell();
  }

  #tell(): void {
    for (const reader of this.#readers) reader.setPeers(this.#peersOf(reader.selfId));
  }

  /** Told at once, and at each change from here on: all but the node itself. */
  tell(selfId: number, setPeers: (peers: readonly PeerAddress[]) => void): void {
    this.#readers.push({ selfId, setPeers });
    setPeers(this.#peersOf(selfId));
  }

  #peersOf(selfId: number): PeerAddress[] {
    return [...this.#addresses.values()]
      .filter(({ id }) => id !== selfId)
      .map(({ id, name, host, peerPort }) => ({ id, name, host, port: peerPort }));
  }
}

/** Where clients on other computers reach a node; of this computer's own nodes: at whatever address they reached this one. */
export function networkPlaceOf({ clientHost: host, networkPort }: NodeAddress): ClientEndpoint['network'] {
  if (networkPort === 0) return null;
  return { host: host.startsWith('127.') || host === '::1' ? null : host, port: networkPort };
}
