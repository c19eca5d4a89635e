import { expect, it } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import type { PeerNetwork } from '../../../core/ports/peer-network.ts';
import { MessageRelay } from '../../../core/replication/message-relay.ts';
import type { PeerService } from '../../../core/replication/replica/peer-service.ts';
import { Requests } from '../../../core/replication/requests.ts';
import type { Topology } from '../../../core/replication/topology.ts';
import { SimulatedCluster } from '../../support/simulation/cluster.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

async function start(): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(3, {
    ...{ readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings', sloppy: false, nodeCount: 3 },
    network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 0.3, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
  return cluster;
}

it('tells every other node what one tells, and not itself', async () => {
  const cluster = await start();
  const heard: string[][] = cluster.members.map(() => []);
  for (const [index, { node }] of cluster.members.entries()) {
    node!.messages.onTold((message) => heard[index].push(message.toString()));
  }
  const { messages } = cluster.members[1].node!;
  for (const message of ['one', '', 'three']) messages.tellOthers(Buffer.from(message));
  await cluster.time.advance(50);
  expect(heard).toEqual([['one', '', 'three'], [], ['one', '', 'three']]);
  for (const member of cluster.members) cluster.crash(member);
});

it('drops what is too much for a node that does not answer, and goes on once it is given up', async () => {
  const time = new VirtualTime();
  const sentTo: number[] = [];
  const network: PeerNetwork = {
    send: (to) => sentTo.push(to) > 0,
    isUp: (peer) => peer !== 4,
    onFrame() {},
    onChange() {},
  };
  const settings = { deadlineMs: 3_000, slowMs: 100, pendingCountMax: 1_000 };
  const requests = new Requests({ network, clock: time, timers: time, log: silentLog }, settings);
  const nodes = new Map([1, 2, 3, 4].map((id) => [id, {}]));
  const topology = () => ({ nodes }) as unknown as Topology;
  const service = { onCall() {} } as unknown as PeerService;
  const relay = new MessageRelay({ selfId: 1, network, requests, timers: time, topology }, service);
  for (let turn = 0; turn < 40; turn++) {
    relay.tellOthers(Buffer.alloc(500_000));
    await time.advance(1);
  }
  // Two nodes can be reached, and to each there are 8 MiB under way.
  expect(sentTo.length).toBe(2 * 16);
  expect(relay.droppedCount).toBe(2 * 24);
  await time.advance(10_000);
  relay.tellOthers(Buffer.alloc(20_000_000));
  await time.advance(1);
  expect(sentTo.length).toBe(2 * 17);
});
