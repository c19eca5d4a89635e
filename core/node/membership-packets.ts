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
  type ReceivedPacket,
} from '../wire/membership/packet-codec.ts';
import { FreshPackets } from './fresh-packets.ts';
import type { LayoutWord } from './layout-gossip.ts';
import { PacketSources } from './packet-sources.ts';

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
  readonly #sources = new PacketSources();
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

  /** A datagram. Null: it is not taken. */
  takeDatagram(bytes: Buffer, source: string): Packet | null {
    const nowMs = this.#components.clock.monotonicMs();
    if (!this.#sources.mayOpen(source, nowMs)) return this.ignore('one of too many');
    const packet = this.#opened(bytes);
    if (packet === null) {
      this.#sources.bad(source, nowMs);
      return null;
    }
    const { layout, stamp, ...said } = packet;
    if (!this.#fresh.isFresh(said.from, stamp, said.probe)) {
      // Recorded ones could be sent again as often as forged ones.
      this.#sources.bad(source, nowMs);
      this.#place(said);
      return this.ignore('not new');
    }
    this.#sources.good(source, nowMs);
    return this.#heard(said, layout);
  }

  /** One over the stream of a peer, which has shown who it is. Null: it is not taken. */
  takeFrom(peer: number, bytes: Buffer): Packet | null {
    const packet = this.#opened(bytes);
    if (packet === null) return null;
    const { layout, stamp, ...said } = packet;
    if (peer !== said.from) return this.ignore('a sender that is not the peer');
    // So that what it sends as datagrams can be placed.
    this.#fresh.isFresh(said.from, stamp, said.probe);
    return this.#heard(said, layout);
  }

  #opened(bytes: Buffer): ReceivedPacket | null {
    const packet = decodePacket(bytes, this.#envelope, this.#selfId);
    return 'ignored' in packet ? this.ignore(packet.ignored) : packet;
  }

  #heard(said: Packet, layout: ReceivedPacket['layout']): Packet {
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
