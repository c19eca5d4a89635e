import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { silentLog } from '../../core/ports/log.ts';
import { openLogEngine } from '../../core/storage/log-engine.ts';
import { MemoryEngine } from '../../core/storage/memory-engine.ts';
import { Bench } from '../support/engines.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { describeStorageEngine, type EngineUnderTest } from './storage-engine-suite.ts';

const putBytesMax = 5_000;

describeStorageEngine(
  'in memory',
  async () => {
    const time = new VirtualTime();
    return {
      engine: new MemoryEngine({ clock: time, timers: time }, { putBytesMax }),
      putBytesMax,
      run: (promise) => time.until(promise),
      nowMs: () => time.nowMs(),
      advance: (ms) => time.advance(ms),
      dispose: async () => {},
    };
  },
  50,
);

/** Small segments and an eager policy, so that short histories seal, compact and reopen. */
const eager = {
  segmentBytesMax: 600,
  hotBytesMax: 2_000,
  putBytesMax,
  policy: { deadShareMax: 0.3, warmSegmentCountMax: 1, smallBytes: 400, smallCountMax: 2 },
};

async function simulated(bench: Bench): Promise<EngineUnderTest> {
  const engine = await bench.open();
  return {
    engine,
    putBytesMax,
    run: (promise) => bench.run(promise),
    nowMs: () => bench.time.nowMs(),
    advance: (ms) => bench.time.advance(ms),
    reopen: async () => {
      await bench.run(engine.close());
      return simulated(bench);
    },
    dispose: () => bench.run(engine.close()),
  };
}

describeStorageEngine('on a simulated disk', () => simulated(new Bench(eager)), 150);
describeStorageEngine(
  'on a simulated disk, without memory for values',
  () => simulated(new Bench({ ...eager, hotBytesMax: 0 })),
  60,
);

async function real(folder: string): Promise<EngineUnderTest> {
  let skewMs = 0;
  const clock = { ...systemClock, nowMs: () => Date.now() + skewMs };
  const engine = await openLogEngine(
    { disk: new NodeDisk(folder), clock, timers: systemTimers, log: silentLog },
    { folder: 'data', ...eager, segmentBytesMax: 4_000 },
  );
  return {
    engine,
    putBytesMax,
    run: (promise) => promise,
    nowMs: clock.nowMs,
    advance: async (ms) => {
      skewMs += ms;
    },
    reopen: async () => {
      await engine.close();
      return real(folder);
    },
    dispose: async () => {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describeStorageEngine('on a real disk', () => real(mkdtempSync(join(tmpdir(), 'coterie-engine-'))), 4);
