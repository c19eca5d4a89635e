/** RESP servers and connections to them that end with the test that made them. To be called once, where tests are registered. */
import { afterEach } from 'vitest';
import { RawClient, type RespNode, startRespCluster, startRespNode } from './resp-target.ts';

export interface RespNodes {
  start(...given: Parameters<typeof startRespNode>): Promise<RespNode>;
  connect(port: number): Promise<RawClient>;
  startCluster(...given: Parameters<typeof startRespCluster>): Promise<RespNode[]>;
}

export function respNodes(): RespNodes {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return {
    async start(...given) {
      const node = await startRespNode(...given);
      cleanups.push(() => node.server.close());
      return node;
    },
    async connect(port) {
      const client = await RawClient.connect(port);
      cleanups.push(() => client.close());
      return client;
    },
    async startCluster(...given) {
      const nodes = await startRespCluster(...given);
      for (const node of nodes) cleanups.push(() => node.server.close());
      return nodes;
    },
  };
}
