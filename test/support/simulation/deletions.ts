/**
 * Writes, deletes and crashes on a rough network, while tombstones are collected. The checker of deletions: a key whose last
 * acknowledged change deleted it shows nothing in the end.
 */
import { addressOf } from '../../../core/base/token.ts';
import type { LocalRecords } from '../../../core/replication/replica/local-records.ts';
import { summarise } from '../../../core/versions/record-codec.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedCluster } from './cluster.ts';

/** Between the two looks of the rule; above the longest delay of the simulated network. */
export const collectGraceMs = 2_000;

const rough = { lossShare: 0.03, repeatShare: 0.05, delayMinMs: 0.2, delayMaxMs: 300, noticeMs: 200 };

/** Answers the keys that came back. `by time` is what the rule forbids: each replica forgets by itself, after a while. */
export async function resurrectedAfter(seed: number, collect: 'by rule' | 'by time'): Promise<string[]> {
  const cluster = new SimulatedCluster(seed, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: false,
    nodeCount: 3,
    network: { ...rough },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    ...(collect === 'by rule' ? { collectGraceMs } : {}),
  });
  await cluster.startAll();
  const random = new SeededRandom(seed ^ 0xdead);
  const keys = Array.from({ length: 4 }, (_, index) => `key-${index}`);
  const deleted = new Map<string, boolean>();
  for (let turn = 0; turn < 30; turn++) {
    if (random.chance(0.3)) {
      const victim = random.pick(cluster.members);
      if (victim.node !== null && cluster.running().length === 3) cluster.crash(victim);
    } else if (cluster.running().length < 3 && random.chance(0.5)) {
      const away = cluster.members.find((member) => member.node === null)!;
      await cluster.time.until(cluster.start(away));
    }
    const key = random.pick(keys);
    const member = random.pick(cluster.running());
    const isDelete = random.chance(0.5);
    try {
      const change = isDelete
        ? cluster.remove(member, key)
        : cluster.write(member, key, String(turn), 'quorum');
      await cluster.time.until(cluster.within(change, 1_500));
      deleted.set(key, isDelete);
    } catch {
      // Nobody knows what became of it.
      deleted.set(key, false);
    }
    if (collect === 'by time') {
      for (const { node } of cluster.running()) forgetTombstones(node!.parts.records, keys);
    }
    await cluster.time.advance(random.next() * 1_500);
  }
  for (const member of cluster.members) {
    if (member.node === null) await cluster.time.until(cluster.start(member));
  }
  cluster.network.faults.lossShare = 0;
  await cluster.time.advance(20_000);
  const found: string[] = [];
  for (const [key, isDeleted] of deleted) {
    for (let index = 0; index < 3 && isDeleted; index++) {
      const member = cluster.members[index];
      const values = await cluster.time.until(cluster.within(cluster.read(member, key), 4_000));
      if (values.length > 0) found.push(`seed ${seed}: n${index + 1} shows ${key} = ${values.join()}`);
    }
  }
  for (const member of cluster.running()) cluster.crash(member);
  return found;
}

function forgetTombstones(records: LocalRecords, keys: readonly string[]): void {
  const isTombstone = (record: Buffer) => summarise(record).tombstone;
  for (const key of keys) records.removeIf(addressOf(0, Buffer.from(key)), isTombstone, () => {});
}
