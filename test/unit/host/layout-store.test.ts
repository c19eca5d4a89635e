/** Which layout a computer starts with when copies of it are damaged, old, missing or from elsewhere. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, readLayout, writeLayouts } from '../../../core/host/layouts/layout-store.ts';
import { firstLayout, type Layout } from '../../../core/layout/layout.ts';
import { decodeLayout, encodeLayout } from '../../../core/layout/layout-document.ts';
import { NodeDisk } from '../../../core/platform/node-disk.ts';

const first: Layout = firstLayout({
  clusterId: 'c',
  clusterName: 'c',
  createdAtMs: 0,
  computers: [{ id: 'c1', name: 'c1', dataCenter: 'office' }],
  nodes: [1, 2].map((id) => ({ id, name: `n${id}`, computer: 'c1', dataCenter: 'office', weight: 1 })),
});
const of = (version: number): Layout => ({ ...first, version });

let folder: string;
let disk: NodeDisk;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-layout-'));
  disk = new NodeDisk(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
const read = () => readLayout(disk, { folder, nowMs: 1_800_000_000_000 });
const put = (name: string, layout: Layout) => writeFileSync(path(name), encodeLayout(layout));
const versionIn = (name: string) => decodeLayout(readFileSync(path(name), 'utf8')).version;

function putAtNode(name: string, text: string): void {
  mkdirSync(path(`nodes/${name}`), { recursive: true });
  writeFileSync(path(`nodes/${name}/layout.json`), text);
}

describe('the layout of a computer', () => {
  it('is none in an empty folder', async () => {
    expect(await read()).toEqual({ layout: null, older: [], findings: [] });
  });

  it('is read as it was written, digest and all', async () => {
    await writeLayouts(disk, [{ layout: first, digest: digestOf(first) }]);
    const { layout, findings } = await read();
    expect(digestOf(layout!)).toBe(digestOf(first));
    expect(findings).toEqual([]);
  });

  it.each(['layout.json', 'layout.copy.json'])(
    'survives damage of %s, which is set aside and made anew',
    async (name) => {
      await writeLayouts(disk, [{ layout: of(4), digest: digestOf(of(4)) }]);
      writeFileSync(path(name), readFileSync(path(name)).subarray(0, 500));
      const { layout, findings } = await read();
      expect(layout?.version).toBe(4);
      expect(findings.join()).toMatch(new RegExp(`^${name.replaceAll('.', '\\.')} was damaged`));
      expect(versionIn(name)).toBe(4);
      expect(readdirSync(folder).filter((other) => other.startsWith(`${name}.damaged-`))).toHaveLength(1);
      expect((await read()).findings).toEqual([]);
    },
  );

  it('survives the loss of layout.json', async () => {
    await writeLayouts(disk, [{ layout: of(4), digest: digestOf(of(4)) }]);
    rmSync(path('layout.json'));
    expect((await read()).layout?.version).toBe(4);
    expect(existsSync(path('layout.json'))).toBe(true);
  });

  it('is the newer of two copies that a crash left different', async () => {
    put('layout.json', of(5));
    put('layout.copy.json', of(4));
    expect((await read()).layout?.version).toBe(5);
    expect(versionIn('layout.copy.json')).toBe(5);
  });

  it('is never older than what a node has', async () => {
    await writeLayouts(disk, [{ layout: of(4), digest: digestOf(of(4)) }]);
    putAtNode('n1', encodeLayout(of(7)));
    putAtNode('n2', encodeLayout(of(3)));
    const { layout, findings } = await read();
    expect(layout?.version).toBe(7);
    expect(findings.join()).toMatch(/nodes\/n1\/layout\.json holds layout 7, newer than layout 4/);
    expect([versionIn('layout.json'), versionIn('layout.copy.json')]).toEqual([7, 7]);
  });

  it('comes from the nodes when both copies are gone', async () => {
    putAtNode('n1', encodeLayout(of(6)));
    putAtNode('n2', 'x');
    expect((await read()).layout?.version).toBe(6);
  });

  it('is not taken from a node of another cluster', async () => {
    await writeLayouts(disk, [{ layout: of(4), digest: digestOf(of(4)) }]);
    putAtNode('n1', encodeLayout({ ...of(9), clusterId: 'other' }));
    expect((await read()).layout).toMatchObject({ version: 4, clusterId: 'c' });
    rmSync(path('layout.json'));
    rmSync(path('layout.copy.json'));
    putAtNode('n2', encodeLayout(of(4)));
    await expect(read()).rejects.toThrow(/belong to different clusters.*backup/);
  });

  it('is refused, with file, cause and next step, when no copy can be used', async () => {
    writeFileSync(path('layout.json'), '{"format":1,"layout":{"version":3}}');
    writeFileSync(path('layout.copy.json'), '');
    await expect(read()).rejects.toThrow(
      /layout\.json is damaged \(parent: .*layout\.copy\.json is damaged.*backup.*another folder/,
    );
    rmSync(path('layout.json'));
    rmSync(path('layout.copy.json'));
    putAtNode('n1', 'x');
    rmSync(path('nodes/n1/layout.json'));
    await expect(read()).rejects.toThrow(/layout\.json is missing.*backup/);
  });

  it.each(['layout.json', 'layout.copy.json', 'nodes/n1/layout.json'])(
    'is refused by name when %s is of a newer version, whatever the other copies say',
    async (name) => {
      await writeLayouts(disk, [{ layout: of(4), digest: digestOf(of(4)) }]);
      putAtNode('n1', encodeLayout(of(4)));
      writeFileSync(path(name), '{"format":2,"layout":{"shape":"unknown"}}');
      await expect(read()).rejects.toThrow(
        `${path(name)} was written by a newer version of Coterie; update this computer.`,
      );
    },
  );

  it('is taken from a file of the time before formats', async () => {
    writeFileSync(path('layout.json'), JSON.stringify(of(2)));
    expect(await read()).toMatchObject({ layout: { version: 2 }, findings: [] });
  });
});

describe('a layout document', () => {
  const damaged: Record<string, (layout: Layout) => unknown> = {
    'a ring names a node that is not there': (layout) => ({ ...layout, nodes: layout.nodes.slice(1) }),
    'a ring is short': (layout) => ({ ...layout, rings: [{ ...layout.rings[0], owners: [1] }] }),
    'a data center has no ring': (layout) => ({ ...layout, dataCenters: ['office', 'moon'] }),
    'a level is unknown': (layout) => ({
      ...layout,
      keyspaces: [{ ...layout.keyspaces[0], readLevel: 'SOME' }],
    }),
    'it is an array': () => [],
    'it is null': () => null,
  };

  it.each(Object.entries(damaged))('is refused when %s', (_, damage) => {
    const text = JSON.stringify({ format: 1, layout: damage(first) });
    expect(() => decodeLayout(text)).toThrow(expect.objectContaining({ code: 'corrupt' }));
    for (const bare of ['null', '[]', '7', '"x"', '']) {
      expect(() => decodeLayout(bare)).toThrow(expect.objectContaining({ code: 'corrupt' }));
    }
  });
});
