/** Disks that are slow, full, or fail: nothing durable is lost by any of them. */
import type { DiskFaults } from '../simulated-disk.ts';
import type { Member } from './cluster.ts';
import type { Hand } from './nemesis.ts';

/**
 * slow-disk: each operation takes up to a second. disk-full: no byte more fits, then there is room again. disk-busy: nothing can
 * be opened for the moment (EMFILE). disk-error: one operation fails (EIO). sync-fails: a sync fails, and the node, which
 * trusts its disk no more, is started anew.
 */
export const diskFaults = ['slow-disk', 'disk-full', 'disk-busy', 'disk-error', 'sync-fails'] as const;
export type DiskFault = (typeof diskFaults)[number];

export async function strikeDisk(kind: DiskFault, victim: Member, hand: Hand): Promise<boolean> {
  const { cluster, fate, pause } = hand;
  const { disk } = victim;
  cluster.note(`the disk of n${victim.id}: ${kind}`);
  switch (kind) {
    case 'slow-disk':
      await lasting(victim, { delayMaxMs: 1_000 }, () => pause(300, 2_000));
      return true;
    case 'disk-full':
      // A little room at times: then the disk is full in the middle of something.
      await lasting(victim, { capacityBytes: disk.usedBytes + fate.below(2_000), shortWrites: true }, () =>
        pause(300, 2_500),
      );
      return true;
    case 'disk-busy':
      await lasting(victim, { opensBusy: true }, () => pause(300, 2_500));
      return true;
    case 'disk-error': {
      const one = fate.pick(['failNextWrites', 'failNextReads', 'failNextOpens'] as const);
      disk.faults[one] = 1;
      await pause(300, 1_500);
      disk.faults[one] = 0;
      return restartIfReadOnly(victim, hand);
    }
    case 'sync-fails':
      disk.faults.failNextSyncs = 1;
      await pause(300, 1_500);
      disk.faults.failNextSyncs = 0;
      return restartIfReadOnly(victim, hand);
  }
}

async function lasting(
  { disk }: Member,
  faults: Partial<DiskFaults>,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const before = { ...disk.faults };
  Object.assign(disk.faults, faults);
  await meanwhile();
  for (const name of Object.keys(faults) as (keyof DiskFaults)[]) {
    Object.assign(disk.faults, { [name]: before[name] });
  }
}

/** What a host does with a node whose disk failed for good. */
async function restartIfReadOnly(victim: Member, { cluster, pause }: Hand): Promise<boolean> {
  if (victim.node?.engine.refusal?.code !== 'disk-failed') return true;
  cluster.crash(victim);
  await pause(50, 500);
  await cluster.start(victim);
  return true;
}
