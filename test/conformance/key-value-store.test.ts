import { keyspaceView, MemoryStore } from '../support/memory-store.ts';
import { SimulatedCluster } from '../support/simulation/cluster.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { describeKeyValueStore, type StoreUnderTest } from './key-value-store-suite.ts';

async function inMemory(late: boolean): Promise<StoreUnderTest> {
  const time = new VirtualTime();
  const keyspaces = [
    keyspaceView(0, { id: 0, conflicts: 'siblings' }),
    keyspaceView(1, { id: 1, conflicts: 'last-write-wins' }),
  ];
  return {
    store: new MemoryStore({ keyspaces, nowMs: () => time.nowMs(), late }),
    run: (promise) => promise,
    nowMs: () => time.nowMs(),
    advance: (ms) => time.advance(ms),
    dispose: async () => {},
  };
}

describeKeyValueStore('in memory', () => inMemory(false), 100);
describeKeyValueStore('in memory, answering later', () => inMemory(true), 30);

/** The coordinator of one of three real nodes, over simulated network and disks. */
async function inCluster(faults: { lossShare: number; repeatShare: number }): Promise<StoreUnderTest> {
  const cluster = new SimulatedCluster(5, {
    nodeCount: 3,
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: true,
    network: { ...faults, delayMinMs: 0.2, delayMaxMs: 2, noticeMs: 100 },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
  });
  const [first] = cluster.layout.keyspaces;
  const second = { ...first, id: 1, name: 'second', database: 1, conflicts: 'last-write-wins' as const };
  cluster.setLayout({ ...cluster.layout, keyspaces: [first, second] });
  await cluster.startAll();
  return {
    store: cluster.members[0].node!.store,
    run: (promise) => cluster.time.until(promise),
    nowMs: () => cluster.time.nowMs(),
    advance: (ms) => cluster.time.advance(ms),
    dispose: async () => {
      for (const member of cluster.members) cluster.crash(member);
    },
  };
}

describeKeyValueStore('of a cluster', () => inCluster({ lossShare: 0, repeatShare: 0 }), 10);
describeKeyValueStore(
  'of a cluster that repeats frames',
  () => inCluster({ lossShare: 0, repeatShare: 0.3 }),
  5,
);
