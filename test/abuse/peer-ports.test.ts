/**
 * Another account of the computer at the ports between nodes, with all that it can learn: INFO tells it the cluster's and the
 * nodes' numbers. It gets nothing, changes nothing, and nobody is slower for it than the bounds below say.
 */

import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemRandom } from '../../core/platform/system-random.ts';
import { packetSealOf } from '../../core/security/packet-seal.ts';
import { Secrets } from '../../core/security/secrets.ts';
import { clusterTagOf, encodePacket, noLayout } from '../../core/wire/membership/packet-codec.ts';
import { encodeCall, encodeJson, frameType, protocolVersion } from '../../core/wire/peer/frames.ts';
import { allowedMs } from '../support/abuse.ts';
import { RealCluster } from '../support/cluster.ts';

const cluster = new RealCluster();
const loopback = '127.0.0.1';
let peerPorts: number[];
let nodeIds: number[];
let pids: (number | null)[];
const sockets: Socket[] = [];

beforeAll(async () => {
  await cluster.start();
  const { nodes } = await cluster.api.call('cluster.snapshot', {});
  peerPorts = nodes.map(({ peer }) => Number(peer!.split(':')[1]));
  nodeIds = nodes.map(({ id }) => Number.parseInt(id, 16));
  pids = nodes.map(({ pid }) => pid);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await cluster.dispose();
});

function knock(port: number, ...frames: Buffer[]): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ host: loopback, port });
    sockets.push(socket);
    socket.on('error', () => resolve(socket));
    socket.once('connect', () => {
      for (const frame of frames) socket.write(frame);
      resolve(socket);
    });
    socket.resume();
  });
}

/** Writes by a client until `attack` is over: how many were acknowledged, and how long the slowest hundredth took. */
async function writesDuring(attack: () => Promise<unknown>, prefix: string) {
  const client = new Redis({ host: loopback, port: cluster.ports[0] });
  const times: number[] = [];
  let refused = 0;
  let going = true;
  const writer = (async () => {
    while (going || times.length < 100) {
      const startedMs = performance.now();
      await client.set(`${prefix} ${times.length}`, times.length).catch(() => refused++);
      times.push(performance.now() - startedMs);
    }
  })();
  await attack();
  going = false;
  await writer;
  const other = new Redis({ host: loopback, port: cluster.ports[2] });
  const values = await other.mget(times.map((_, index) => `${prefix} ${index}`));
  client.disconnect();
  other.disconnect();
  return {
    refused,
    lost: values.filter((value, index) => value !== String(index)).length,
    p99Ms: [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.99)],
  };
}

async function unharmed(): Promise<void> {
  const { nodes, activity } = await cluster.api.call('cluster.snapshot', {});
  expect(nodes.map(({ pid, state, membership }) => ({ pid, state, member: membership?.state }))).toEqual(
    pids.map((pid) => ({ pid, state: 'up', member: 'alive' })),
  );
  expect(activity.filter(({ kind, severity }) => kind === 'membership' && severity !== 'info')).toEqual([]);
}

test('names that anybody can learn open nothing, and idle connections displace nobody', async () => {
  const { id } = cluster.ready.cluster;
  const asOf = (nodeId: number) =>
    encodeJson(frameType.hello, 0, {
      protocol: protocolVersion,
      clusterId: id,
      nodeId,
      nonce: '00'.repeat(32),
    });
  const forged = encodeJson(frameType.proof, 0, { node: nodeIds[1], proof: '00'.repeat(32) });
  const asHost = encodeJson(frameType.proof, 0, { node: 'host', proof: '00'.repeat(32) });
  const drain = encodeJson(frameType.host, 0, { type: 'drain' });
  const flood = async () => {
    for (let round = 0; round < 150; round++) {
      for (const port of peerPorts) {
        await knock(port);
        await knock(port, asOf(nodeIds[round % 3]));
        await knock(port, asOf(nodeIds[1]), forged, encodeCall(1, 3, Buffer.alloc(8)));
        await knock(port, asOf(nodeIds[1]), asHost, drain);
        await knock(port, Buffer.from([0x0f, 0xff, 0xff, 0xff, 9, 0, 0, 0, 0]));
      }
    }
  };
  const { refused, lost, p99Ms } = await writesDuring(flood, 'during connections');
  expect({ refused, lost }).toEqual({ refused: 0, lost: 0 });
  expect(p99Ms).toBeLessThan(allowedMs(1_000));
  await unharmed();
}, 120_000);

test('forged datagrams mark nobody as gone, and fill no audit trail', async () => {
  const strangers = {
    tag: clusterTagOf(cluster.ready.cluster.id),
    seal: packetSealOf(Secrets.of(Buffer.alloc(32)), systemRandom),
  };
  const claims = nodeIds.map((member) => ({
    ...{ state: 'left' as const, member, incarnation: 2 ** 31, by: member },
    agreed: [],
  }));
  const addressing = { to: nodeIds[0], stamp: { run: 1, number: 1 } };
  const forged = nodeIds.map((from) =>
    encodePacket({ from, probe: null, claims }, strangers, noLayout, addressing),
  );
  // The same in the open, as packets were before they were sealed.
  const open = Buffer.concat([forged[0].subarray(0, 20), Buffer.from([0, 0])]);
  open[2] = 1;
  open[3] = 0;
  const socket = createSocket('udp4');
  const flood = async () => {
    for (let round = 0; round < 2_000; round++) {
      for (const port of peerPorts) {
        for (const bytes of [...forged, open, systemRandom.bytes(1_400)]) socket.send(bytes, port, loopback);
      }
      if (round % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const { refused, lost, p99Ms } = await writesDuring(flood, 'during datagrams');
  await new Promise((resolve) => socket.close(() => resolve(null)));
  expect({ refused, lost }).toEqual({ refused: 0, lost: 0 });
  expect(p99Ms).toBeLessThan(allowedMs(1_000));
  await unharmed();
}, 120_000);
