/**
 * The local network over UDP: on each interface multicast to 239.255.42.17 and ff12::4217 and a broadcast to the subnet, as
 * some switches and wireless networks pass only one of them. One sender for each address (lan-sender.ts), one ear for each
 * family (lan-receiver.ts). What comes from no subnet of an open interface is dropped: that keeps out what other interfaces
 * bring in, and datagrams that a router let through.
 */
import { BlockList } from 'node:net';
import type { Lan, LanEvents, LanFailure, LanInterface, LanPath, LanSocket } from '../ports/lan.ts';
import { presentInterfaces } from './interfaces.ts';
import { type Family, LanReceiver, zoneOf } from './lan-receiver.ts';
import { LanSender } from './lan-sender.ts';

/** Of the numbers that nobody is given; the same for every cluster, as whoever waits does not know one yet. */
export const discoveryPort = 7420;
const groups: Readonly<Record<Family, string>> = { udp4: '239.255.42.17', udp6: 'ff12::4217' };
const pathsIn: Readonly<Record<Family, LanPath>> = { udp4: 'receive', udp6: 'receive6' };

interface OpenInterface {
  readonly events: LanEvents;
  readonly zone: string;
  readonly subnets: BlockList;
  /** By the place where it listens. */
  readonly failures: Map<string, LanFailure>;
}

export class LanSockets implements Lan {
  readonly port: number;
  readonly #open = new Set<OpenInterface>();
  readonly #receivers = new Map<Family, LanReceiver>();

  constructor(settings: { port?: number } = {}) {
    this.port = settings.port ?? discoveryPort;
  }

  interfaces() {
    return presentInterfaces();
  }

  open(lanInterface: LanInterface, events: LanEvents): LanSocket {
    const { name, ipv4, ipv6 } = lanInterface;
    const zone = zoneOf(name, ipv6?.scopeId ?? 0);
    const subnets = new BlockList();
    for (const { address, prefixLength } of ipv4) subnets.addSubnet(address, prefixLength, 'ipv4');
    const opened: OpenInterface = { events, zone, subnets, failures: new Map() };
    this.#open.add(opened);
    const places: [Family, string][] = ipv4.map(({ address }) => ['udp4', address]);
    if (ipv6 !== null) places.push(['udp6', `::%${zone}`]);
    for (const [family, place] of places) void this.#join(opened, family, place);
    const senders = sendersOf(lanInterface, zone, this.port);
    return {
      send: async (bytes) => {
        const outcomes = await Promise.all(senders.map((sender) => sender.send(bytes)));
        return {
          sent: outcomes.some((failures, index) => failures.length < senders[index].targetCount),
          failures: outcomes.flat(),
        };
      },
      close: async () => {
        this.#open.delete(opened);
        for (const [family, place] of places) this.#receivers.get(family)?.leave(place);
        const closing: Promise<void>[] = senders.map((sender) => sender.close());
        if (this.#open.size === 0) {
          closing.push(...[...this.#receivers.values()].map((receiver) => receiver.close()));
          this.#receivers.clear();
        }
        await Promise.all(closing);
      },
    };
  }

  async #join(opened: OpenInterface, family: Family, place: string): Promise<void> {
    const failure = await this.#receiverOf(family).join(place);
    this.#tell(opened, family, place, failure);
  }

  #receiverOf(family: Family): LanReceiver {
    const present = this.#receivers.get(family);
    if (present !== undefined) return present;
    const receiver: LanReceiver = new LanReceiver(
      {
        onDatagram: (bytes, address) => this.#hear(bytes, address, family),
        onFailure: (cause) => {
          // The next interface that is opened, or opened anew, tries again.
          if (this.#receivers.get(family) === receiver) this.#receivers.delete(family);
          void receiver.close();
          for (const opened of this.#open) this.#tell(opened, family, family, cause);
        },
      },
      { family, port: this.port, group: groups[family] },
    );
    this.#receivers.set(family, receiver);
    return receiver;
  }

  #tell(opened: OpenInterface, family: Family, place: string, cause: Error | null): void {
    if (!this.#open.has(opened)) return;
    opened.failures.delete(place);
    if (cause !== null) {
      const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
      opened.failures.set(place, { path: pathsIn[family], code, message });
    }
    opened.events.onReceiving([...opened.failures.values()]);
  }

  /** Two interfaces on one network hear everything twice: it counts for the one that was opened first. */
  #hear(bytes: Buffer, address: string, family: Family): void {
    for (const { events, subnets, zone } of this.#open) {
      if (family === 'udp4' ? !subnets.check(address, 'ipv4') : address.split('%')[1] !== zone) continue;
      events.onDatagram(bytes, address);
      return;
    }
  }
}

function sendersOf({ ipv4, ipv6 }: LanInterface, zone: string, port: number): LanSender[] {
  const senders = ipv4.map(({ address, broadcast }) => {
    const targets = [{ path: 'multicast' as LanPath, address: groups.udp4 }];
    if (broadcast !== null) targets.push({ path: 'broadcast', address: broadcast });
    return new LanSender({ family: 'udp4', address, multicastInterface: address, port, targets });
  });
  if (ipv6 === null) return senders;
  const targets = [{ path: 'multicast6' as LanPath, address: `${groups.udp6}%${zone}` }];
  const address = `${ipv6.address}%${zone}`;
  senders.push(new LanSender({ family: 'udp6', address, multicastInterface: `::%${zone}`, port, targets }));
  return senders;
}
