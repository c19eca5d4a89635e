/** Abuses of the ports between nodes by somebody without the cluster's secret: greetings over TCP, membership over UDP. */
import { createSocket } from 'node:dgram';
import { systemRandom } from '../../../core/platform/system-random.ts';
import { packetSealOf } from '../../../core/security/packet-seal.ts';
import { Secrets } from '../../../core/security/secrets.ts';
import { clusterTagOf, encodePacket, noLayout } from '../../../core/wire/membership/packet-codec.ts';
import { encodeCall, encodeJson, frameType, protocolVersion } from '../../../core/wire/peer/frames.ts';
import { mebibyte } from '../intruder.ts';
import type { Abuse, AbuseTarget } from './abuse.ts';

function greetings({ cluster }: AbuseTarget): Buffer[] {
  const nodeId = Number.parseInt(cluster.ready.nodes[1].id, 16);
  const nonce = '00'.repeat(32);
  const hello = encodeJson(frameType.hello, 0, {
    ...{ protocol: protocolVersion, clusterId: cluster.ready.cluster.id, nodeId, nonce },
  });
  const proof = encodeJson(frameType.proof, 0, { node: nodeId, proof: nonce });
  return [
    Buffer.alloc(0),
    hello,
    hello.subarray(0, hello.length - 1),
    Buffer.concat([hello, proof, encodeCall(1, 3, Buffer.alloc(8))]),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0]),
    Buffer.alloc(mebibyte, 1),
  ];
}

const peerFlood: Abuse = {
  name: 'the peer ports: 2,400 greetings, half and forged',
  holds: false,
  async run(target) {
    const bytes = greetings(target);
    for (let round = 0; round < 16 && !target.isOver; round++) {
      for (const port of target.peerPorts) {
        const sockets = await target.connectAll(50, port);
        for (const [index, socket] of sockets.entries()) socket.resume().write(bytes[index % bytes.length]);
      }
    }
  },
};

const membershipFlood: Abuse = {
  name: 'the membership ports: 60,000 datagrams, forged',
  holds: false,
  async run({ cluster, peerPorts }) {
    const nodeIds = cluster.ready.nodes.map(({ id }) => Number.parseInt(id, 16));
    const strangers = {
      tag: clusterTagOf(cluster.ready.cluster.id),
      seal: packetSealOf(Secrets.of(Buffer.alloc(32)), systemRandom),
    };
    const forged = nodeIds.map((from) =>
      encodePacket({ from, probe: null, claims: [] }, strangers, noLayout, {
        ...{ to: nodeIds[0], stamp: { run: 1, number: 1 } },
      }),
    );
    const socket = createSocket('udp4');
    const packets = [...forged, systemRandom.bytes(1_400)];
    for (let round = 0; round < 5_000; round++) {
      const sent = peerPorts.flatMap((port) =>
        packets.map((bytes) => new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve))),
      );
      await Promise.all(sent);
    }
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  },
};

export const abusesBetweenNodes: readonly Abuse[] = [peerFlood, membershipFlood];
