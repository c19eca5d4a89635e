/**
 * Values with and without an expiry, deletes and crashes on a rough network, one node away for long, while expired values are
 * forgotten and tombstones collected. The checker: in the end a key shows nothing that an acknowledged change replaced,
 * whether or not what replaced it has expired and been forgotten since.
 */
import { addressOf } from '../../../core/base/token.ts';
import type { StorageNode } from '../../../core/node/storage-node.ts';
import { summarise } from '../../../core/versions/record-codec.ts';
import { SeededRandom } from '../seeded-random.ts';
import { SimulatedCluster } from './cluster.ts';
import { collectGraceMs } from './deletions.ts';

const rough = { lossShare: 0.03, repeatShare: 0.05, delayMinMs: 0.2, delayMaxMs: 300, noticeMs: 200 };
const expiry = { cycleMs: 2_000, marginMs: 1_000 };
const keys = Array.from({ length: 4 }, (_, index) => `key-${index}`);

/** What may be seen of a key in the end. */
interface Expected {
  /** Of the last change that was acknowledged; null when it left nothing, or what it left has an end. */
  last: string | null;
  /** Nobody knows what became of these. */
  readonly unsure: Set<string>;
}

/** Returns what came back. `once expired` is what the horizon forbids: expired values are forgotten whatever they superseded. */
export async function cameBack(
  seed: number,
  forget: 'by the horizon' | 'once expired',
): Promise<{ found: string[]; forgottenCount: number }> {
  const cluster = new SimulatedCluster(seed, {
    readLevel: 'QUORUM',
    writeLevel: 'QUORUM',
    conflicts: 'siblings',
    sloppy: false,
    nodeCount: 3,
    network: { ...rough },
    clockSkewMaxMs: 0,
    diskDelayMaxMs: 1,
    collectGraceMs,
    antiEntropyTickMs: 2_000,
    expiry,
  });
  const { time } = cluster;
  await cluster.startAll();
  const random = new SeededRandom(seed ^ 0xe0f1);
  const expected = new Map<string, Expected>(keys.map((key) => [key, { last: null, unsure: new Set() }]));
  let forgottenCount = 0;
  let awayTurns = 0;
  for (let turn = 0; turn < 40; turn++) {
    const away = cluster.members.find((member) => member.node === null);
    if (away === undefined && random.chance(0.25)) {
      const victim = random.pick(cluster.members);
      forgottenCount += victim.node!.collectedCount;
      cluster.crash(victim);
      // Often longer than it takes the others to forget what they write now.
      awayTurns = random.chance(0.7) ? 12 : 2;
    } else if (away !== undefined && --awayTurns <= 0) await time.until(cluster.start(away));
    await change(cluster, random, String(turn), expected);
    if (forget === 'once expired') {
      for (const { node } of cluster.running()) forgetExpired(node!, time.nowMs());
    }
    await time.advance(random.next() * 1_500);
  }
  for (const member of cluster.members) {
    if (member.node === null) await time.until(cluster.start(member));
  }
  cluster.network.faults.lossShare = 0;
  await time.advance(20_000);
  const found: string[] = [];
  for (const [key, { last, unsure }] of expected) {
    for (const member of cluster.members) {
      const values = await time.until(cluster.within(cluster.read(member, key), 4_000));
      for (const value of values) {
        if (value !== last && !unsure.has(value)) found.push(`seed ${seed}: n${member.id} ${key} = ${value}`);
      }
    }
  }
  for (const member of cluster.running()) {
    forgottenCount += member.node!.collectedCount;
    cluster.crash(member);
  }
  return { found, forgottenCount };
}

async function change(
  cluster: SimulatedCluster,
  random: SeededRandom,
  value: string,
  expected: Map<string, Expected>,
): Promise<void> {
  const { time } = cluster;
  const key = random.pick(keys);
  const member = random.pick(cluster.running());
  const isDelete = random.chance(0.1);
  const isExpiring = random.chance(0.6);
  const expiresAtMs = isExpiring ? time.nowMs() + 500 + Math.floor(random.next() * 2_000) : 0;
  const known = expected.get(key)!;
  const work = isDelete
    ? cluster.remove(member, key)
    : cluster.write(member, key, value, 'quorum', expiresAtMs);
  try {
    await time.until(cluster.within(work, 1_500));
    known.last = isDelete || isExpiring ? null : value;
  } catch {
    // It may have replaced what was there, or not.
    if (known.last !== null) known.unsure.add(known.last);
    if (!isDelete) known.unsure.add(value);
  }
}

function forgetExpired(node: StorageNode, nowMs: number): void {
  const isExpired = (record: Buffer): boolean => {
    const { tombstone, expiresAtMs } = summarise(record);
    return !tombstone && expiresAtMs > 0 && expiresAtMs < nowMs;
  };
  for (const key of keys) node.parts.records.forgetIf(addressOf(0, Buffer.from(key)), isExpired, () => {});
}
