import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { UdpDatagrams } from '../../core/platform/udp-datagrams.ts';
import { type DatagramsUnderTest, describeDatagrams } from './datagrams-suite.ts';

function udp(host: string): DatagramsUnderTest {
  const nodes = new Map<number, { datagrams: UdpDatagrams; port: number }>();
  const ended = new Map<number, UdpDatagrams>();
  const leave = async (id: number) => {
    const datagrams = nodes.get(id)?.datagrams ?? ended.get(id);
    nodes.delete(id);
    if (datagrams === undefined) return;
    ended.set(id, datagrams);
    await datagrams.close();
  };
  return {
    join: async (id) => {
      const datagrams = new UdpDatagrams({ host, port: 0 });
      nodes.set(id, { datagrams, port: await datagrams.listen() });
      const addresses = [...nodes].map(([other, { port }]) => ({ id: other, host, port }));
      for (const node of nodes.values()) node.datagrams.setPeers(addresses);
      return datagrams;
    },
    leave,
    until: async (condition, meanwhile = () => {}) => {
      for (let turn = 0; !condition(); turn++) {
        if (turn % 20 === 0) meanwhile();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    dispose: async () => {
      for (const id of [...nodes.keys()]) await leave(id);
    },
  };
}

const hasVersion6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

describeDatagrams('over UDP', () => udp('127.0.0.1'));
if (hasVersion6) describeDatagrams('over UDP by IPv6', () => udp('::1'));

describe('a UDP port', () => {
  it('that another program has is refused as busy, and is free again once that has ended', async () => {
    const first = new UdpDatagrams({ host: '127.0.0.1', port: 0 });
    const port = await first.listen();
    const second = new UdpDatagrams({ host: '127.0.0.1', port });
    await expect(second.listen()).rejects.toMatchObject({ code: 'busy' });
    await second.close();
    await first.close();
    const third = new UdpDatagrams({ host: '127.0.0.1', port });
    expect(await third.listen()).toBe(port);
    await third.close();
  });

  it('is not held by what was closed before it was bound, or while it was', async () => {
    const never = new UdpDatagrams({ host: '127.0.0.1', port: 0 });
    await never.close();
    never.setPeers([{ id: 1, host: '127.0.0.1', port: 9 }]);
    never.send(1, Buffer.alloc(1));
    const closed = new UdpDatagrams({ host: '127.0.0.1', port: 0 });
    const listening = expect(closed.listen()).rejects.toMatchObject({ code: 'not-ready' });
    await closed.close();
    await listening;
  });
});
