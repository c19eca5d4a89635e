/** Where the nodes of the cluster listen, as the host tells it; whoever sends to them is told of each change. */
import type { PeerAddress } from '../platform/tcp-peer-network.ts';
import type { NodeAddress } from './messages.ts';

export class AddressBook {
  #addresses = new Map<number, NodeAddress>();
  readonly #readers: { readonly selfId: number; setPeers(peers: readonly PeerAddress[]): void }[] = [];

  of(id: number): NodeAddress | undefined {
    return this.#addresses.get(id);
  }

  /** All that there are: others are not called any more, and their calls not taken. */
  take(addresses: readonly NodeAddress[]): void {
    this.#addresses = new Map(addresses.map((address) => [address.id, address]));
    this.#tell();
  }

  /** They were given up for dead: at once, and not when the host says so. */
  forget(ids: readonly number[]): void {
    if (!ids.some((id) => this.#addresses.delete(id))) return;
    for (const id of ids) this.#addresses.delete(id);
    this.#tell();
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
