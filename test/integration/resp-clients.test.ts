/** Real Redis clients against the gateway over memory stores: one node, and three that forward to each other. */

import { MemoryStore } from '../support/memory-store.ts';
import { describeRespClients } from '../support/resp-client-suite.ts';
import { type RespNode, startRespCluster, startRespNode } from '../support/resp-target.ts';

const targetOf = (nodes: readonly RespNode[]) => ({
  ports: nodes.map((node) => node.port),
  stop: async () => {
    await Promise.all(nodes.map((node) => node.server.close()));
  },
});

describeRespClients('one node', async () => targetOf([await startRespNode()]));
describeRespClients('one node whose store answers late', async () =>
  targetOf([await startRespNode({}, new MemoryStore({ late: true }))]),
);
describeRespClients('three nodes', async () => targetOf(await startRespCluster(3)));
