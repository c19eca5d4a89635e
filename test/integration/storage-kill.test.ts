/** kill -9 of a process that writes, again and again over one folder: what was acknowledged is there, whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { StorageEngine } from '../../core/ports/storage-engine.ts';
import { openLogEngine } from '../../core/storage/log-engine.ts';
import { bundleProgram } from '../support/bundle-program.ts';
import { get } from '../support/engines.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { seed } from '../support/seeds.ts';
import { storageKillKeyCount, storageKillSettings, valueOfVersion } from '../support/storage-kill-values.ts';

const roundCount = Number(process.env.COTERIE_KILLS ?? 10);
const writerSource = fileURLToPath(new URL('../support/storage-writer.ts', import.meta.url));

/** Of one key: the last version acknowledged, and every version that was asked for later. */
interface Known {
  acknowledged: { version: number; removed: boolean };
  tried: Set<number>;
}

function open(folder: string): Promise<StorageEngine> {
  const components = { disk: new NodeDisk(folder), clock: systemClock, timers: systemTimers, log: silentLog };
  return openLogEngine(components, storageKillSettings);
}

/** Lets the writer run for `durationMs` after its first acknowledgement, ends it by force, and answers its whole lines. */
async function writeUntilKilled(program: string, folder: string, version: number, durationMs: number) {
  const child: ChildProcess = spawn(process.execPath, [program, folder, String(version)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let problems = '';
  child.stderr!.on('data', (data) => {
    problems += data;
  });
  await new Promise<void>((resolve) => {
    let planned = false;
    child.stdout!.on('data', (data) => {
      output += data;
      if (planned || !output.includes('P ')) return;
      planned = true;
      setTimeout(() => child.kill('SIGKILL'), durationMs);
    });
    child.on('close', () => resolve());
  });
  expect(problems).toBe('');
  return output.slice(0, output.lastIndexOf('\n')).split('\n');
}

function take(known: Map<string, Known>, lines: readonly string[]): number {
  let last = 0;
  for (const line of lines) {
    const [what, key, text] = line.split(' ');
    const version = Number(text);
    last = Math.max(last, version);
    const state = known.get(key) ?? { acknowledged: { version: 0, removed: true }, tried: new Set<number>() };
    known.set(key, state);
    if (what === 'T') state.tried.add(version);
    else if (version > state.acknowledged.version) state.acknowledged = { version, removed: what === 'R' };
  }
  return last;
}

describe('a process that is killed while it writes', () => {
  it(`loses no acknowledged record and leaves none half there (seed ${seed})`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coterie-kill-'));
    try {
      const program = await bundleProgram(writerSource, join(folder, 'program'));
      const random = new SeededRandom(seed);
      const known = new Map<string, Known>();
      let version = 0;
      let acknowledgedCount = 0;
      let compactionSeen = false;
      // On a busy machine a round may end before any compaction has: then some longer ones follow.
      for (let round = 0; round < roundCount || (!compactionSeen && round < 3 * roundCount); round++) {
        const durationMs = round < roundCount ? 20 + random.below(900) : 3_000;
        const lines = await writeUntilKilled(program, folder, version, durationMs);
        acknowledgedCount += lines.filter((line) => !line.startsWith('T')).length;
        version = Math.max(version, take(known, lines)) + 1_000;
        const engine = await open(folder);
        expect(engine.recovery.clean).toBe(false);
        expect(engine.recovery.quarantinedSegments).toEqual([]);
        compactionSeen ||= engine.statistics().coldDiskBytes > 0;
        for (const [key, { acknowledged, tried }] of known) {
          const value = await get(engine, key);
          const found = value === null ? null : Number.parseInt(value, 10);
          const facts = { round, key, acknowledged, found };
          if (found === null) {
            // Gone by the acknowledged removal, or by a later one that was on its way.
            const laterRemoval = [...tried].some((one) => one > acknowledged.version && one % 11 === 0);
            expect({ ...facts, explained: acknowledged.removed || laterRemoval }).toEqual({
              ...facts,
              explained: true,
            });
          } else {
            const explained = found >= acknowledged.version && tried.has(found) && found % 11 !== 0;
            expect({ ...facts, explained }).toEqual({ ...facts, explained: true });
            expect(value).toBe(valueOfVersion(found).toString());
          }
          // What survived is now the state that the next round starts from.
          known.set(key, {
            acknowledged: { version: found ?? acknowledged.version, removed: found === null },
            tried: new Set(found === null ? [] : [found]),
          });
        }
        await engine.close();
        expect(known.size).toBeLessThanOrEqual(storageKillKeyCount);
      }
      expect(acknowledgedCount).toBeGreaterThan(roundCount * 50);
      expect(compactionSeen).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
