/**
 * A replica that has woken, or has a new address, has its links one after the other, and the first brings it commands already: what it
 * cannot do yet is done by another replica, and clients hear nothing of it.
 */
import { afterEach, expect, it } from 'vitest';
import { addressOf } from '../../core/base/token.ts';
import { serveForwarded } from '../../core/gateway/resp/forwarding.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import { VirtualGateway } from '../support/virtual-gateway.ts';

const calm = { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 };
const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);

let cluster: SimulatedCluster;

afterEach(() => {
  for (const member of cluster.members) if (member.node !== null) cluster.crash(member);
});

it.each([
  ['strict', false],
  ['sloppy', true],
] as const)('in a %s keyspace', async (_, sloppy) => {
  cluster = new SimulatedCluster(3, {
    nodeCount: 5,
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy,
    network: calm,
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  await cluster.startAll();
  const gateways = cluster.members.map((member) => new VirtualGateway(member.node!.store, cluster.time));
  for (const { gateway } of gateways) serveForwarded(gateway);
  const [linked, back] = [cluster.members[1], cluster.members[3]];
  const others = cluster.members.filter((member) => member !== back && member !== linked);
  for (const other of others) cluster.network.cut(back.id, other.id);
  await cluster.time.advance(500);
  const { store } = linked.node!;
  const goTo = keys.map((key) => store.coordinatorOf(addressOf(0, Buffer.from(key)), 'write'));
  expect(goTo).toContain(back.id);
  const replies: string[] = [];
  for (const key of keys) {
    for (const words of [
      ['SET', key, '1'],
      ['INCR', key],
    ]) {
      replies.push(...(await gateways[cluster.members.indexOf(linked)].run(words)));
    }
  }
  expect(replies.filter((reply) => reply.startsWith('-'))).toEqual([]);
  // A read may miss what a stand-in has, and so may a command that reads first.
  if (!sloppy) expect(replies).toEqual(keys.flatMap(() => ['+OK\r\n', ':2\r\n']));
});
