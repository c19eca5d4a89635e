/**
 * Data of one replica that is gone, old, or damaged. A replica that lost data is one failure until it is whole: each strike
 * waits for that, because two replicas that lose the same at once are beyond what is promised.
 */
import type { DiskSnapshot } from '../simulated-disk.ts';
import type { Member } from './cluster.ts';
import type { Hand } from './nemesis.ts';

/**
 * wipe: all of a node's data is gone. bit-rot: a byte of a record on disk changes. records-gone: the records are gone, the
 * identity stays, as after a person followed the advice to delete a folder. identity-gone: the reverse. old-records, old-identity:
 * an old copy of either is put back. tail-cut: the end of the log is gone after an orderly stop. segment-gone: one of its files.
 * manifest-rot: a byte of the list of segments changes.
 */
export const dataFaults = [
  'wipe',
  'bit-rot',
  'records-gone',
  'identity-gone',
  'old-records',
  'old-identity',
  'tail-cut',
  'segment-gone',
  'manifest-rot',
] as const;
export type DataFault = (typeof dataFaults)[number];

const records = 'data';
const identity = 'identity.json';

export async function strikeData(kind: DataFault, victim: Member, hand: Hand): Promise<boolean> {
  const { cluster, fate, pause } = hand;
  const struck = kind === 'bit-rot' ? await rot(victim, hand) : await whileDown(kind, victim, hand);
  if (struck) cluster.note(`n${victim.id} suffers ${kind}`);
  if (victim.node === null) {
    await pause(50, 500);
    await cluster.start(victim);
  } else if (fate.chance(0.3)) {
    cluster.crash(victim);
    await cluster.start(victim);
  }
  await hand.whole();
  return struck;
}

async function rot({ disk }: Member, { fate }: Hand): Promise<boolean> {
  const files = await segmentsOf(disk);
  if (files.length === 0) return false;
  const path = fate.pick(files);
  const { length } = disk.contentOf(path);
  if (length < 64) return false;
  disk.flipBit(path, 32 + fate.below(length - 32), fate.below(8));
  return true;
}

async function segmentsOf(disk: Member['disk']): Promise<string[]> {
  const names = await disk.list(records);
  return names.filter((name) => /^segment-.*\.log$/.test(name)).map((name) => `${records}/${name}`);
}

async function whileDown(kind: Exclude<DataFault, 'bit-rot'>, victim: Member, hand: Hand): Promise<boolean> {
  const { cluster, fate, pause } = hand;
  const { disk } = victim;
  let old: DiskSnapshot | null = null;
  if (kind === 'old-records' || kind === 'old-identity') {
    old = disk.snapshot(kind === 'old-records' ? records : identity);
    // Long enough for writes, and for the next mark (core/node/identity.ts).
    await pause(2_500, 4_000);
  }
  if (kind === 'tail-cut' || fate.chance(0.5)) await cluster.stop(victim);
  else cluster.crash(victim);
  switch (kind) {
    case 'wipe':
      disk.wipe();
      return true;
    case 'records-gone':
      disk.removeFolder(records);
      return true;
    case 'identity-gone':
      disk.removeFolder(identity);
      return true;
    case 'old-records':
    case 'old-identity':
      disk.restore(old!);
      return true;
    case 'tail-cut': {
      const path = (await segmentsOf(disk)).at(-1);
      if (path === undefined) return false;
      const { length } = disk.contentOf(path);
      disk.cutTail(path, 1 + fate.below(Math.max(1, length - 16)));
      return true;
    }
    case 'segment-gone': {
      const files = await segmentsOf(disk);
      if (files.length === 0) return false;
      disk.removeFolder(fate.pick(files));
      return true;
    }
    case 'manifest-rot': {
      const { length } = disk.contentOf(`${records}/manifest`);
      disk.flipBit(`${records}/manifest`, fate.below(length), fate.below(8));
      return true;
    }
  }
}
