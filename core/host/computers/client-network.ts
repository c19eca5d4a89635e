/**
 * The way of programs on other computers to this one, while it is open: where their ports listen, and the certificate by which they
 * check this computer. Follows its addresses, which change.
 */
import type { NetworkPlaces } from '../../gateway/network-listeners.ts';
import { addressesIn, presentInterfaces } from '../../platform/interfaces.ts';
import type { Cancellable, Clock, Timers } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { oneAddress } from '../ports.ts';
import { type ClientPlaces, hostsFor } from './client-interfaces.ts';
import { addressCertificates, type TrustKeeper } from './trust.ts';

/** As often as discovery looks at the interfaces. */
const lookEveryMs = 10_000;

interface Components {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export class ClientNetwork {
  readonly #parts: Components;
  readonly #trust: TrustKeeper;
  readonly #wanted: ClientPlaces;
  readonly #handlers: ((places: NetworkPlaces) => void)[] = [];
  #places: NetworkPlaces = { hosts: [], certificates: '', privateKey: '' };
  /** For what addresses, and beside what certificate of its own, that is. */
  #seen = '';
  #timer: Cancellable | null = null;
  #closed = false;

  private constructor(parts: Components, trust: TrustKeeper, wanted: ClientPlaces) {
    this.#parts = parts;
    this.#trust = trust;
    this.#wanted = wanted;
  }

  static async open(parts: Components, trust: TrustKeeper, wanted: ClientPlaces): Promise<ClientNetwork> {
    const network = new ClientNetwork(parts, trust, wanted);
    await network.#look();
    network.#later();
    return network;
  }

  get places(): NetworkPlaces {
    return this.#places;
  }

  /** At which programs find this computer; null: at each of its own. */
  get addresses(): readonly string[] | null {
    const { hosts } = this.#places;
    return hosts.every((host) => oneAddress(host) !== null) ? hosts : null;
  }

  onChange(handler: (places: NetworkPlaces) => void): void {
    this.#handlers.push(handler);
  }

  /** The computer has another certificate, or its cluster another authority. */
  renew(): Promise<void> {
    return this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #later(): void {
    this.#timer = this.#parts.timers.after(lookEveryMs, () => {
      this.#look()
        .catch((cause: Error) => {
          this.#parts.log.warn('Programs on other computers may not find this one at its new address.', {
            cause: cause.message,
          });
        })
        .finally(() => {
          if (!this.#closed) this.#later();
        });
    });
  }

  async #look(): Promise<void> {
    const table = presentInterfaces();
    const hosts = hostsFor(this.#wanted, table);
    const all = addressesIn(table).map(({ address }) => address);
    const { trust } = this.#trust;
    const seen = JSON.stringify([hosts, all, trust.computer.certificate]);
    if (seen === this.#seen) return;
    const { listen } = this.#wanted;
    const certificates = await addressCertificates(trust, listen, this.#parts.clock.nowMs());
    this.#seen = seen;
    this.#places = { hosts, certificates, privateKey: trust.computer.privateKey };
    for (const handler of this.#handlers) handler(this.#places);
  }
}
