/** What comes by datagram, and what nodes tell each other of who is alive. */
import { decodeBeacon, encodeBeacon } from '../../../../core/discovery/beacon.ts';
import type { Claim } from '../../../../core/membership/claims.ts';
import type { PacketSeal } from '../../../../core/ports/packet-seal.ts';
import { packetSealOf } from '../../../../core/security/packet-seal.ts';
import { Secrets } from '../../../../core/security/secrets.ts';
import {
  clusterTagOf,
  decodePacket,
  decodeStates,
  encodePacket,
  encodeStates,
  layoutMarkOf,
  type Packet,
  type ReceivedPacket,
} from '../../../../core/wire/membership/packet-codec.ts';
import {
  decodeStream,
  encodeStream,
  type StreamMessage,
} from '../../../../core/wire/membership/stream-messages.ts';
import { beaconOf, clusterId, datagramOf, keyOf } from '../../beacons.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { type FuzzTarget, reader } from '../target.ts';

const claims: readonly Claim[] = [
  { member: 7, state: 'dead', incarnation: 3, by: 9, agreed: [2, 2 ** 52] },
  { member: 2 ** 40, state: 'alive', incarnation: 0, by: 2, agreed: [] },
  { member: 1, state: 'suspect', incarnation: 2 ** 32 - 1, by: 3, agreed: [] },
  { member: 4, state: 'left', incarnation: 1, by: 4, agreed: [] },
];
const packets: readonly Packet[] = [
  { from: 2, probe: { type: 'ping', sequence: 5, target: 7 }, claims },
  { from: 2, probe: { type: 'pingRequest', sequence: 2 ** 32 - 1, target: 2 ** 33 }, claims: [] },
  { from: 3, probe: { type: 'ack', sequence: 5 }, claims: claims.slice(0, 1) },
  { from: 2 ** 50, probe: { type: 'nack', sequence: 0 }, claims: [] },
  { from: 1, probe: null, claims: claims.slice(1) },
];
const self = 2;
const tag = clusterTagOf('cluster');
const mark = layoutMarkOf(3, 'digest');
/** What is inside is read as if the seal held. */
const open: PacketSeal = { close: (_, body) => body, open: (_, sealed) => sealed };
const sealed = packetSealOf(Secrets.of(Buffer.alloc(32, 7)), new SeededRandom(1));
const bytesOf = (packet: Packet, seal: PacketSeal) =>
  encodePacket(packet, { tag, seal }, mark, { to: self, stamp: { run: 1, number: 2 } });

/** What the readers of membership say where others throw. */
type Said<T> = T | { readonly ignored: string };

function taken<T extends object>(again: (value: T) => Buffer): (said: Said<T>, input: Buffer) => string {
  return (said, input) => {
    if ('ignored' in said) return said.ignored;
    if (!again(said as T).equals(input)) throw new Error('A packet has two forms.');
    return 'taken';
  };
}

const packetAgain = ({ layout, stamp, from, probe, claims: said }: ReceivedPacket) =>
  encodePacket({ from, probe, claims: said }, { tag, seal: open }, layout, { to: self, stamp });

const beacons = [
  beaconOf('c1', { asks: true, clusterName: '', computerName: 'Anna’s \u{1f4bb}' }),
  beaconOf('c2', {
    kind: 'member',
    clusterId,
    clusterName: 'Office',
    authority: '0f'.repeat(32),
    port: 65_535,
  }),
  beaconOf('c3', { kind: 'farewell', run: 2 ** 32 - 1, timeMs: 2 ** 48 - 1, publicKey: keyOf(3) }),
];

export const membershipTargets: readonly FuzzTarget[] = [
  reader({
    name: 'beacon',
    seeds: beacons.map(datagramOf),
    words: ['CTRB', clusterId, '\u202e', '\x1b[2J'],
    read: decodeBeacon,
    holds(decoded, input) {
      if (decoded === null) return 'none';
      const { beacon, signedBytes, signature } = decoded;
      if (signedBytes.length + signature.length !== input.length) throw new Error('Bytes are lost.');
      // Names may have been made fit to be shown: said again, they stay as they are.
      const once = encodeBeacon(beacon);
      const again = decodeBeacon(Buffer.concat([once, signature]))?.beacon;
      if (again === undefined || !encodeBeacon(again).equals(once))
        throw new Error('A beacon changes when it is said again.');
      return `${beacon.kind} ${beacon.authority === null}`;
    },
  }),
  reader({
    name: 'packet',
    seeds: packets.map((packet) => bytesOf(packet, open)),
    read: (bytes) => decodePacket(bytes, { tag, seal: open }, self),
    holds: taken(packetAgain),
  }),
  reader({
    name: 'sealed-packet',
    seeds: packets.map((packet) => bytesOf(packet, sealed)),
    read: (bytes) => decodePacket(bytes, { tag, seal: sealed }, self),
    holds(said, input) {
      if ('ignored' in said) return said.ignored;
      if (!packets.some((packet) => packet.from === said.from))
        throw new Error('A seal held over other bytes.');
      return `taken ${input.length > 100}`;
    },
  }),
  reader({
    name: 'states',
    seeds: [encodeStates(claims), encodeStates([])],
    read: decodeStates,
    holds: taken((said: { claims: Claim[] }) => encodeStates(said.claims)),
  }),
  reader({
    name: 'membership-stream',
    seeds: [
      encodeStream({ type: 'states', claims }),
      encodeStream({ type: 'probe' }),
      encodeStream({ type: 'received' }),
      encodeStream({ type: 'packet', bytes: bytesOf(packets[0], sealed) }),
    ],
    read: decodeStream,
    holds(said: Said<StreamMessage>, input) {
      if ('ignored' in said) return said.ignored;
      // A probe and an answer to one are a byte; what stands behind it means nothing.
      if (said.type === 'probe' || said.type === 'received') return said.type;
      return `${said.type} ${taken(encodeStream)(said, input)}`;
    },
  }),
];
