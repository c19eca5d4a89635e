/** What applications do with a Redis client, on a real cluster of three node processes. */
import { RealCluster } from '../support/cluster.ts';
import { describeRespClients } from '../support/resp-client-suite.ts';

describeRespClients('Redis clients on a real cluster', async () => {
  const cluster = new RealCluster();
  await cluster.start();
  return { ports: cluster.ports, stop: () => cluster.dispose() };
});
