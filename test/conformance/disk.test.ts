import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoterieError } from '../../core/base/errors.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemTimers } from '../../core/platform/system-clock.ts';
import type { Disk } from '../../core/ports/disk.ts';
import { patientDisk } from '../../core/storage/patient-disk.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { SimulatedDisk } from '../support/simulated-disk.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { type DiskUnderTest, describeDisk } from './disk-suite.ts';

async function real(wrap: (disk: Disk) => Disk): Promise<DiskUnderTest> {
  const root = mkdtempSync(join(tmpdir(), 'coterie-disk-'));
  const disk = wrap(new NodeDisk(root));
  await disk.makeFolder('data');
  return {
    disk,
    run: (promise) => promise,
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

async function simulated(wrap: (disk: Disk, time: VirtualTime) => Disk): Promise<DiskUnderTest> {
  const time = new VirtualTime();
  const components = { timers: time, random: new SeededRandom(3) };
  const disk = wrap(new SimulatedDisk(components, { delayMaxMs: 5 }), time);
  await time.until(disk.makeFolder('data'));
  return { disk, run: (promise) => time.until(promise), dispose: () => {} };
}

/** Every operation but a sync is busy now and then: a third of them, by chance. */
function oftenBusy<T extends object>(target: T, random: SeededRandom): T {
  return new Proxy(target, {
    get: (_, name) => {
      const method = Reflect.get(target, name) as undefined | ((...parts: unknown[]) => Promise<object>);
      // A promise looks for a `then`.
      if (method === undefined) return undefined;
      if (name === 'sync' || name === 'syncFolder' || name === 'close') return method.bind(target);
      return async (...parts: unknown[]) => {
        if (random.chance(1 / 3)) throw new CoterieError('busy', 'Busy for the moment.');
        const result = await method.apply(target, parts);
        return name === 'open' ? oftenBusy(result, random) : result;
      };
    },
  });
}

describeDisk('of the operating system', () => real((disk) => disk), 15);
describeDisk(
  'of the operating system, with patience',
  () => real((disk) => patientDisk(disk, systemTimers)),
  5,
);
describeDisk('in a simulation', () => simulated((disk) => disk), 100);
describeDisk(
  'in a simulation, often busy, with patience',
  () => simulated((disk, time) => patientDisk(oftenBusy(disk, new SeededRandom(4)), time)),
  30,
);
