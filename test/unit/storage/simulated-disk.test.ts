import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../support/seeded-random.ts';
import { type DiskFaults, SimulatedDisk } from '../../support/simulated-disk.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

function rig(faults: Partial<DiskFaults> = {}) {
  const time = new VirtualTime();
  const disk = new SimulatedDisk({ timers: time, random: new SeededRandom(3) }, faults);
  return { time, disk, run: <T>(promise: Promise<T>) => time.until(promise) };
}

const bytes = (text: string) => Buffer.from(text);

describe('the simulated disk', () => {
  it('makes durable what was written before a sync began, and nothing that came while it ran', async () => {
    const { time, disk, run } = rig();
    const file = await run(disk.open('data/f', 'create'));
    await run(disk.syncFolder('data'));
    await run(file.write(bytes('one'), 0));
    disk.faults.delayMaxMs = 100;
    const syncing = file.sync();
    disk.faults.delayMaxMs = 0;
    await run(file.write(bytes('two'), 3));
    await run(syncing);
    disk.crash();
    expect(disk.contentOf('data/f').toString()).toBe('one');
    expect(time.pendingCount).toBe(0);
  });

  it('keeps a name only once its folder was synced after the name was made', async () => {
    const { disk, run } = rig();
    disk.faults.delayMaxMs = 100;
    const syncing = disk.syncFolder('data');
    disk.faults.delayMaxMs = 0;
    await run(disk.open('data/late', 'create'));
    await run(syncing);
    expect(disk.afterCrash().snapshot('data').files.size).toBe(0);
    await run(disk.syncFolder('data'));
    disk.crash();
    expect(await run(disk.list('data'))).toEqual(['late']);
  });

  it('fails once where it is told to, and works again', async () => {
    const { disk, run } = rig();
    const file = await run(disk.open('data/f', 'create'));
    const attempts: [keyof DiskFaults, () => Promise<unknown>][] = [
      ['failNextWrites', () => file.write(bytes('x'), 0)],
      ['failNextReads', () => file.read(0, 1)],
      ['failNextSyncs', () => file.sync()],
      ['failNextOpens', () => disk.open('data/f', 'read')],
    ];
    for (const [fault, attempt] of attempts) {
      Object.assign(disk.faults, { [fault]: 1 });
      await expect(run(attempt())).rejects.toMatchObject({ code: 'disk-failed' });
      await run(attempt());
    }
  });

  it('is busy for a while, and loses a replacement that it had promised', async () => {
    const { time, disk, run } = rig();
    await run(disk.replaceFile('identity', bytes('old')));
    disk.during({ opensBusy: true }, 50);
    await expect(run(disk.readFile('identity'))).rejects.toMatchObject({ code: 'busy' });
    await time.advance(60);
    disk.during({ busy: true }, 50);
    await expect(run(disk.list(''))).rejects.toMatchObject({ code: 'busy' });
    await time.advance(60);
    disk.faults.replaceLost = true;
    await run(disk.replaceFile('identity', bytes('new')));
    expect((await run(disk.readFile('identity'))).toString()).toBe('old');
  });

  it('puts an old copy of a folder back, and leaves other folders alone', async () => {
    const { disk, run } = rig();
    await run(disk.replaceFile('data/a', bytes('old')));
    await run(disk.replaceFile('identity', bytes('1')));
    const copy = disk.snapshot('data');
    await run(disk.replaceFile('data/a', bytes('new')));
    await run(disk.replaceFile('data/b', bytes('new')));
    await run(disk.replaceFile('identity', bytes('2')));
    disk.restore(copy);
    disk.cutTail('data/a', 1);
    disk.crash();
    expect(disk.contentOf('data/a').toString()).toBe('ol');
    expect(disk.contentOf('identity').toString()).toBe('2');
    expect(await run(disk.list('data'))).toEqual(['a']);
  });
});
