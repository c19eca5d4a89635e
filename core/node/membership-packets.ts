/** Membership packets on their way out and in: sealed for one node, numbered, and taken once. */
import type { Clock } from '../ports/clock.ts';
import type { Datagrams } from '../ports/datagrams.ts';
import type { PacketSeal } from '../ports/packet-seal.ts';
import type { Random } from '../ports/random.ts';
import {
  clusterTagOf,
  decodePacket,
  type Envelope,
  encodePacket,
  type Packet,
} from '../wire/membership/packet-codec.ts';
import { FreshPackets } from './fresh-packets.ts';
import type { LayoutWord } from './layout-gossip.ts';

interface Components {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: Datagrams;
  readonly layouts: LayoutWord;
  readonly seal: PacketSeal;
}

export class MembershipPackets {
  /** Packets not taken, by reason. */
  readonly ignored = new Map<string, number>();
  readonly #components: Components;
  readonly #envelope: Envelope;
  readonly #fresh: FreshPackets;
  readonly #selfId: number;

  constructor(components: Components, { selfId, clusterId }: { selfId: number; clusterId: string }) {
    this.#components = components;
    this.#selfId = selfId;
    this.#envelope = { tag: clusterTagOf(clusterId), seal: components.seal };
    this.#fresh = new FreshPackets(components.random);
  }

  setPeers(ids: readonly number[]): void {
    this.#fresh.follow(ids.filter((id) => id !== this.#selfId));
  }

  /** Returns what was sent. */
  send(to: number, packet: Packet): Buffer {
    const { layouts, datagrams } = this.#components;
    const addressing = { to, stamp: this.#fresh.stampFor(to) };
    const bytes = encodePacket(packet, this.#envelope, layouts.own(), addressing);
    datagrams.send(to, bytes);
    return bytes;
  }

  /** `peer`: over whose stream it came; null: as a datagram. Null: it is not taken. */
  take(bytes: Buffer, peer: number | null): Packet | null {
    const packet = decodePacket(bytes, this.#envelope, this.#selfId);
    if ('ignored' in packet) return this.ignore(packet.ignored);
    const { layout, stamp, ...said } = packet;
    if (peer !== null && peer !== said.from) return this.ignore('a sender that is not the peer');
    // Over a stream the sender has shown who it is.
    if (!this.#fresh.isFresh(said.from, stamp, said.probe) && peer === null) {
      this.#place(said);
      return this.ignore('not new');
    }
    this.#components.layouts.heard(said.from, layout);
    return said;
  }

  ignore(reason: string): null {
    this.ignored.set(reason, (this.ignored.get(reason) ?? 0) + 1);
    return null;
  }

  /** A packet that was recorded, or one of a sender that has just started. */
  #place({ from, probe }: Packet): void {
    const nowMs = this.#components.clock.monotonicMs();
    const say = (message: Packet['probe']) =>
      this.send(from, { from: this.#selfId, probe: message, claims: [] });
    if (probe?.type === 'ping' && this.#fresh.mayAnswer(from, nowMs)) {
      say({ type: 'ack', sequence: probe.sequence });
    }
    const sequence = this.#fresh.question(from, nowMs);
    if (sequence !== null) say({ type: 'ping', sequence, target: from });
  }
}
