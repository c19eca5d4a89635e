/** The catalog's files on a real disk: damaged ones do not keep a computer from starting, and none grows without bound. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityEntry } from '../../../core/contract/views.ts';
import { Catalog } from '../../../core/host/catalog/catalog.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-catalog-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const atMs = 1_800_000_000_000;
const open = () => Catalog.open(folder, atMs);
const path = (name: string) => join(folder, name);
const aside = (name: string) => readdirSync(folder).filter((other) => other.startsWith(`${name}.damaged-`));

function entry(number: number): ActivityEntry {
  const words = { subject: 'node-1', message: `entry ${number}`, by: 'system' as const, who: null };
  return { id: `e${number}`, atMs: atMs + number, kind: 'node', severity: 'info', ...words };
}

const schedule = {
  id: 's1',
  keyspace: 'default',
  dataCenters: [],
  everyDays: 7,
  at: '02:00',
  timeZone: 'UTC',
  blackouts: [],
  parallelism: 1,
  intensity: 'gentle',
  createdAtMs: atMs,
  nextAtMs: atMs,
};

async function filled(): Promise<void> {
  const catalog = await open();
  for (let number = 0; number < 5; number++) await catalog.note(entry(number));
  catalog.repairStore((error) => expect(error).toBeNull()).save('schedule', 's1', schedule);
  await catalog.settings.set('has-run-1', 'yes');
  await catalog.close();
}

describe('a damaged file of the catalog', () => {
  it.each(['activity.db', 'repairs.db'])('%s is set aside, said, and begun anew', async (name) => {
    await filled();
    writeFileSync(path(name), 'not what it was\nnor this\n');
    const catalog = await open();
    expect(catalog.findings.join()).toMatch(new RegExp(`${name} was damaged: 2 of its 2 lines`));
    expect(readFileSync(path(aside(name)[0]), 'utf8')).toMatch(/not what it was/);
    expect(await catalog.recentActivity(10)).toHaveLength(name === 'activity.db' ? 0 : 5);
    expect((await catalog.savedRepairs()).schedules).toHaveLength(name === 'repairs.db' ? 0 : 1);
    await catalog.note(entry(9));
    await catalog.close();
    expect((await open()).findings).toEqual([]);
  });

  it('goes on with what can still be read', async () => {
    await filled();
    const lines = readFileSync(path('activity.db'), 'utf8').split('\n');
    writeFileSync(path('activity.db'), ['\u0000\u0000', ...lines].join('\n'));
    const catalog = await open();
    expect(catalog.findings).toHaveLength(1);
    expect(await catalog.recentActivity(10)).toHaveLength(5);
  });

  it('is one whose documents are not what they should be', async () => {
    await filled();
    writeFileSync(path('repairs.db'), '{"kind":"job","id":"x","document":{"segments":7},"_id":"a"}\n');
    const catalog = await open();
    expect(catalog.findings).toHaveLength(1);
    expect(await catalog.savedRepairs()).toEqual({ jobs: [], schedules: [], removals: [], coverage: [] });
  });

  it('is not one whose last line was cut off by a crash', async () => {
    await filled();
    for (const name of ['activity.db', 'repairs.db', 'settings.db']) {
      writeFileSync(path(name), '{"key":"half', { flag: 'a' });
    }
    const catalog = await open();
    expect(catalog.findings).toEqual([]);
    expect(await catalog.recentActivity(10)).toHaveLength(5);
    expect(catalog.settings.get('has-run-1')).toBe('yes');
  });

  it('is kept three times at most', async () => {
    for (let number = 0; number < 6; number++) {
      writeFileSync(path('activity.db'), 'damaged\nmore\n');
      await Catalog.open(folder, atMs + number);
    }
    expect(aside('activity.db')).toHaveLength(3);
  });
});

describe('the settings', () => {
  const damages: Record<string, () => void> = {
    damaged: () => writeFileSync(path('settings.db'), 'x\ny\n'),
    'cut short': () => writeFileSync(path('settings.db'), ''),
    missing: () => rmSync(path('settings.db')),
  };

  it.each(Object.keys(damages))('come from their copy when the file is %s', async (what) => {
    await filled();
    damages[what]();
    const catalog = await open();
    expect(catalog.settings.get('has-run-1')).toBe('yes');
    await catalog.close();
    expect((await open()).findings).toEqual([]);
  });

  it('come from their file when the copy is damaged, which is then written anew', async () => {
    await filled();
    writeFileSync(path('settings.copy.json'), '{"format":1,"settings":[]}');
    expect((await open()).findings.join()).toMatch(/settings.copy.json was damaged/);
    rmSync(path('settings.db'));
    expect((await open()).settings.get('has-run-1')).toBe('yes');
  });

  it('are refused, with file, cause and next step, when neither copy can be used, until a person has acted', async () => {
    await filled();
    writeFileSync(path('settings.db'), 'x\ny\n');
    writeFileSync(path('settings.copy.json'), '{');
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open()).rejects.toThrow(
        /settings\.db is damaged: 2 of its 2 lines.*settings\.copy\.json, is damaged as well.*backup/,
      );
    }
  });

  it('of a newer version are refused by name', async () => {
    await filled();
    writeFileSync(path('settings.copy.json'), '{"format":2,"settings":{}}');
    await expect(open()).rejects.toThrow(
      `${path('settings.copy.json')} was written by a newer version of Coterie; update this computer.`,
    );
  });
});

describe('the size of a file', { timeout: 60_000 }, () => {
  it('stays below a bound however often a repair is written', async () => {
    const catalog = await open();
    let failed: Error | null = null;
    const store = catalog.repairStore((error) => {
      failed = error;
    });
    const comparedAtMs = new Array<number | null>(1024).fill(atMs);
    // Ten times what it is compacted after; never compacted, that would be some 20 MB.
    for (let count = 0; count < 2_000; count++)
      store.save('coverage', 'default', { keyspace: 'default', comparedAtMs });
    await catalog.close();
    expect(failed).toBeNull();
    expect(statSync(path('repairs.db')).size).toBeLessThan(5_000_000);
  });

  it('stays below a bound however much happens, and the newest entries are there', async () => {
    const catalog = await open();
    for (let number = 0; number < 10_000; number++) await catalog.note({ ...entry(number), atMs });
    expect(statSync(path('activity.db')).size).toBeLessThan(700_000);
    expect((await catalog.recentActivity(10_000)).length).toBeLessThan(2_201);
    await catalog.close();
  });

  it('of the settings stays below a bound', async () => {
    const catalog = await open();
    for (let count = 0; count < 600; count++) await catalog.settings.set('last', String(count));
    expect(statSync(path('settings.db')).size).toBeLessThan(20_000);
    await catalog.close();
    expect((await open()).settings.get('last')).toBe('599');
  });
});
