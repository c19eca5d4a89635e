import { SeededRandom } from '../support/seeded-random.ts';
import { SimulatedNetwork } from '../support/simulation/network.ts';
import { TcpPeers } from '../support/tcp-peers.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { describePeerNetwork, type NetworkUnderTest } from './peer-network-suite.ts';

describePeerNetwork('over TCP', () => new TcpPeers());

function simulated(): NetworkUnderTest {
  const time = new VirtualTime();
  const network = new SimulatedNetwork(
    { time, random: new SeededRandom(5), transcript: () => {} },
    { lossShare: 0, repeatShare: 0, delayMinMs: 1, delayMaxMs: 20, noticeMs: 50 },
  );
  return {
    join: async (id) => network.attach(id),
    leave: async (id) => network.detach(id),
    until: async (condition) => {
      while (!condition()) {
        if (!(await time.step())) throw new Error('Nothing is planned, yet something is awaited.');
      }
    },
    dispose: async () => {},
  };
}

describePeerNetwork('in a simulation', simulated);
