/**
 * The process that test/integration/storage-kill.test.ts ends by force: writes without pause, and tells on its output what
 * was acknowledged, as `P key version` and `R key version` lines. Arguments: folder, first version.
 */
import { writeSync } from 'node:fs';
import { addressOf } from '../../core/base/token.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { silentLog } from '../../core/ports/log.ts';
import { openLogEngine } from '../../core/storage/log-engine.ts';
import { storageKillKeyCount, storageKillSettings, valueOfVersion } from './storage-kill-values.ts';

const [folder, firstVersion] = process.argv.slice(2);
const components = { disk: new NodeDisk(folder), clock: systemClock, timers: systemTimers, log: silentLog };
const engine = await openLogEngine(components, storageKillSettings);

const lastingKeyCount = 50;
let version = Number(firstVersion);
// Synchronous output: a line that was written is out, however the process ends.
const tell = (what: string, key: string, mine: number) => writeSync(1, `${what} ${key} ${mine}\n`);

function step(): void {
  version++;
  const mine = version;
  // A factor without common divisors with the key count: every key comes up, in no simple order.
  const drawn = (mine * 7) % storageKillKeyCount;
  // Some are written at first only: without them old segments would hold nothing that is worth copying to a cold one.
  const key = `k${mine > 2 * storageKillKeyCount ? Math.max(drawn, lastingKeyCount) : drawn}`;
  const address = addressOf(0, Buffer.from(key));
  const done = (what: string) => (error: Error | null) => {
    if (error !== null) throw error;
    tell(what, key, mine);
    step();
  };
  tell('T', key, mine);
  const facts = { tombstone: false, expiresAtMs: 0 };
  const refusal =
    mine % 11 === 0
      ? engine.remove(address, done('R'))
      : engine.put(address, valueOfVersion(mine), facts, 'always', done('P'));
  if (refusal !== null) throw refusal;
}

for (let writer = 0; writer < 32; writer++) setImmediate(step);
