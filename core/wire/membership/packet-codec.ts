/**
 * Membership packets as bytes laid by hand, big-endian, at most one datagram each:
 *
 *   head   u16 magic · u8 version · u8 seal · u64 cluster tag · u64 sender
 *   body   u32 run · u32 number · u32 layout version · u64 hash of its digest · u8 probe kind · probe · u8 claim count · claims
 *
 *   ping, pingRequest   u32 sequence · u64 target
 *   ack, nack           u32 sequence
 *   claim               u8 state · u64 member · u32 incarnation · u64 by · dead only: u8 count · u64 each
 *
 * The body travels sealed (core/ports/packet-seal.ts): anybody can send a datagram to a node's port, and six forged ones
 * would mark all nodes as gone. The head stays readable and is covered by the seal. A datagram from elsewhere is ignored
 * with a reason; nothing here throws on bytes from outside. The seal also covers for whom the packet is, which is not sent: at another
 * node it opens nothing.
 */
import { assert } from '../../base/assert.ts';
import { hash64 } from '../../base/hash.ts';
import { agreedCountMax, type Claim, type MemberState } from '../../membership/claims.ts';
import type { PacketStamp } from '../../membership/replay-window.ts';
import { type PacketSeal, sealOverheadBytes } from '../../ports/packet-seal.ts';

export type ProbeMessage =
  | { readonly type: 'ping' | 'pingRequest'; readonly sequence: number; readonly target: number }
  | { readonly type: 'ack' | 'nack'; readonly sequence: number };

export interface Packet {
  readonly from: number;
  /** Null: gossip alone. */
  readonly probe: ProbeMessage | null;
  readonly claims: readonly Claim[];
}

/** The newest layout that a sender knows: whoever goes by another one asks it. `version` 0: it knows of none yet. */
export interface LayoutMark {
  readonly version: number;
  readonly high: number;
  readonly low: number;
}

export const noLayout: LayoutMark = { version: 0, high: 0, low: 0 };

export function layoutMarkOf(version: number, digest: string): LayoutMark {
  const { high, low } = hash64(Buffer.from(digest));
  return { version, high, low };
}

export type ReceivedPacket = Packet & { readonly layout: LayoutMark; readonly stamp: PacketStamp };

/** For whom a packet is made, and its place among those for the same one. */
export interface Addressing {
  readonly to: number;
  readonly stamp: PacketStamp;
}

/** Fits an Ethernet frame with the heads of IPv6, UDP and a tunnel. */
export const datagramBytesMax = 1_400;
const headBytes = 20;
const markBytes = 12;
const stampBytes = 8;
const probeBytesMax = 13;
/** Room for claims in any packet. */
export const claimsBytesMax =
  datagramBytesMax - sealOverheadBytes - headBytes - stampBytes - markBytes - probeBytesMax - 1;
const claimCountMax = 255;

const magic = 0xc07e;
const version = 4;
/** The only seal so far: that of packet-seal.ts. */
const sealKind = 1;
const probeCodes = { none: 0, ping: 1, ack: 2, pingRequest: 3, nack: 4 } as const;
const states: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left'];
const claimFixedBytes = 21;

export interface ClusterTag {
  readonly high: number;
  readonly low: number;
}

/** How packets of one cluster look from outside, and who can open them. */
export interface Envelope {
  readonly tag: ClusterTag;
  readonly seal: PacketSeal;
}

/** Tells packets of different clusters on one network apart. It is no secret and proves nothing. */
export function clusterTagOf(clusterId: string): ClusterTag {
  const { high, low } = hash64(Buffer.from(clusterId));
  return { high, low };
}

export function claimBytes(claim: Claim): number {
  return claim.state === 'dead' ? claimFixedBytes + 1 + claim.agreed.length * 8 : claimFixedBytes;
}

class Writer {
  readonly bytes: Buffer;
  at = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  u8(value: number): void {
    this.at = this.bytes.writeUInt8(value, this.at);
  }

  u32(value: number): void {
    this.at = this.bytes.writeUInt32BE(value, this.at);
  }

  id(value: number): void {
    this.u32(Math.floor(value / 2 ** 32));
    this.u32(value % 2 ** 32);
  }
}

/** Why bytes are not taken. */
class Refusal extends Error {}

class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  #advance(length: number): number {
    if (this.left < length) throw new Refusal('too short');
    this.at += length;
    return this.at - length;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)];
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  id(): number {
    const high = this.u32();
    if (high >= 2 ** 21) throw new Refusal('an id out of range');
    return high * 2 ** 32 + this.u32();
  }
}

function writeClaim(writer: Writer, claim: Claim): void {
  writer.u8(states.indexOf(claim.state));
  writer.id(claim.member);
  writer.u32(claim.incarnation);
  writer.id(claim.by);
  if (claim.state !== 'dead') return;
  writer.u8(claim.agreed.length);
  for (const id of claim.agreed) writer.id(id);
}

function readClaim(reader: Reader): Claim {
  const state = states[reader.u8()];
  if (state === undefined) throw new Refusal('an unknown state');
  const member = reader.id();
  const incarnation = reader.u32();
  const by = reader.id();
  const agreed: number[] = [];
  if (state === 'dead') {
    const count = reader.u8();
    if (count > agreedCountMax) throw new Refusal('too many witnesses');
    for (let index = 0; index < count; index++) agreed.push(reader.id());
  }
  return { state, member, incarnation, by, agreed };
}

function claimsLength(claims: readonly Claim[]): number {
  return claims.reduce((sum, claim) => sum + claimBytes(claim), 0);
}

export function encodePacket(
  packet: Packet,
  { tag, seal }: Envelope,
  layout: LayoutMark,
  { to, stamp }: Addressing,
): Buffer {
  const { from, probe, claims } = packet;
  const probeBytes = probe === null ? 1 : 'target' in probe ? probeBytesMax : 5;
  assert(claims.length <= claimCountMax, 'A packet holds at most 255 claims.');
  const head = new Writer(headBytes);
  head.u8(magic >>> 8);
  head.u8(magic & 0xff);
  head.u8(version);
  head.u8(sealKind);
  head.u32(tag.high);
  head.u32(tag.low);
  head.id(from);
  const body = new Writer(stampBytes + markBytes + probeBytes + 1 + claimsLength(claims));
  body.u32(stamp.run);
  body.u32(stamp.number);
  body.u32(layout.version);
  body.u32(layout.high);
  body.u32(layout.low);
  body.u8(probe === null ? probeCodes.none : probeCodes[probe.type]);
  if (probe !== null) {
    body.u32(probe.sequence);
    if ('target' in probe) body.id(probe.target);
  }
  body.u8(claims.length);
  for (const claim of claims) writeClaim(body, claim);
  const bytes = Buffer.concat([head.bytes, seal.close(covered(head.bytes, to), body.bytes)]);
  assert(bytes.length <= datagramBytesMax, 'A packet fits one datagram.');
  return bytes;
}

function covered(head: Buffer, to: number): Buffer {
  const target = new Writer(8);
  target.id(to);
  return Buffer.concat([head, target.bytes]);
}

function readProbe(reader: Reader): ProbeMessage | null {
  const code = reader.u8();
  switch (code) {
    case probeCodes.none:
      return null;
    case probeCodes.ping:
    case probeCodes.pingRequest:
      return {
        type: code === probeCodes.ping ? 'ping' : 'pingRequest',
        sequence: reader.u32(),
        target: reader.id(),
      };
    case probeCodes.ack:
    case probeCodes.nack:
      return { type: code === probeCodes.ack ? 'ack' : 'nack', sequence: reader.u32() };
    default:
      throw new Refusal('an unknown message');
  }
}

/** Runs `read`; what it refuses becomes a reason. */
function guarded<T>(bytes: Buffer, read: (reader: Reader) => T): T | { readonly ignored: string } {
  try {
    const reader = new Reader(bytes);
    const value = read(reader);
    return reader.left === 0 ? value : { ignored: 'bytes after the end' };
  } catch (error) {
    if (error instanceof Refusal) return { ignored: error.message };
    throw error;
  }
}

/** `self`: the node that it came to. */
export function decodePacket(
  bytes: Buffer,
  { tag, seal }: Envelope,
  self: number,
): ReceivedPacket | { readonly ignored: string } {
  if (bytes.length > datagramBytesMax) return { ignored: 'too long' };
  const head = guarded(bytes.subarray(0, headBytes), (reader) => {
    if (((reader.u8() << 8) | reader.u8()) !== magic) throw new Refusal('not of this protocol');
    if (reader.u8() !== version) throw new Refusal('another version');
    if (reader.u8() !== sealKind) throw new Refusal('another seal');
    if (reader.u32() !== tag.high || reader.u32() !== tag.low) throw new Refusal('another cluster');
    return { from: reader.id() };
  });
  if ('ignored' in head) return head;
  const body = seal.open(covered(bytes.subarray(0, headBytes), self), bytes.subarray(headBytes));
  if (body === null) return { ignored: 'not sealed by this cluster' };
  return guarded(body, (reader) => {
    const stamp = { run: reader.u32(), number: reader.u32() };
    const layout = { version: reader.u32(), high: reader.u32(), low: reader.u32() };
    const probe = readProbe(reader);
    const claims: Claim[] = [];
    for (let count = reader.u8(); count > 0; count--) claims.push(readClaim(reader));
    return { from: head.from, stamp, layout, probe, claims };
  });
}

/** All that a node holds, for a push/pull exchange over a stream: u32 count · claims. */
export function encodeStates(claims: readonly Claim[]): Buffer {
  const writer = new Writer(4 + claimsLength(claims));
  writer.u32(claims.length);
  for (const claim of claims) writeClaim(writer, claim);
  return writer.bytes;
}

export function decodeStates(bytes: Buffer): { readonly claims: Claim[] } | { readonly ignored: string } {
  return guarded(bytes, (reader) => {
    const count = reader.u32();
    // A claim takes at least so many bytes: a count beyond that is a lie, and must not reserve memory.
    if (count * claimFixedBytes > reader.left) throw new Refusal('too short');
    const claims: Claim[] = [];
    for (let index = 0; index < count; index++) claims.push(readClaim(reader));
    return { claims };
  });
}
