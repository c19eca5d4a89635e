/** Which computers a data folder is: as it says itself, and by what lies in it where it says nothing usable. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownComputers } from '../../../core/host/own-computers.ts';
import { firstLayout } from '../../../core/layout/layout.ts';
import { NodeDisk } from '../../../core/platform/node-disk.ts';

const layout = firstLayout({
  clusterId: 'cluster',
  clusterName: 'cluster',
  createdAtMs: 0,
  computers: ['a', 'b', 'c'].map((id) => ({ id, name: id, dataCenter: 'office' })),
  nodes: ['a', 'b', 'c'].map((computer, index) => ({
    id: index + 1,
    name: `node-${index + 1}`,
    computer,
    dataCenter: 'office',
    weight: 1,
  })),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-own-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = async () => [...(await ownComputers(new NodeDisk(folder), layout, folder))].sort();
const file = () => join(folder, 'computers.json');
const says = (computers: string[], clusterId = 'cluster') =>
  writeFileSync(file(), JSON.stringify({ clusterId, computers }));
const holds = (...names: string[]) => {
  for (const name of names) mkdirSync(join(folder, 'nodes', name), { recursive: true });
};

describe('a data folder', () => {
  it('without nodes is all of a cluster that was just made, and says so from then on', async () => {
    expect(await own()).toEqual(['a', 'b', 'c']);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({
      clusterId: 'cluster',
      computers: ['a', 'b', 'c'],
    });
  });

  it('is what it says, also when the folders of its nodes are gone', async () => {
    says(['b']);
    expect(await own()).toEqual(['b']);
    holds('node-1');
    expect(await own()).toEqual(['b']);
  });

  it('that was taken out of the layout is none of the others', async () => {
    says(['x']);
    expect(await own()).toEqual(['x']);
    expect(JSON.parse(readFileSync(file(), 'utf8')).computers).toEqual(['x']);
  });

  it('that says nothing is the computers whose nodes it holds', async () => {
    holds('node-3', 'something else');
    expect(await own()).toEqual(['c']);
    expect(JSON.parse(readFileSync(file(), 'utf8')).computers).toEqual(['c']);
  });

  it.each([
    ['damaged', '{"clusterId":'],
    ['of another form', '{"clusterId":"cluster","computers":"a"}'],
    ['of another cluster', '{"clusterId":"other","computers":["a"]}'],
    ['about computers that left', '{"clusterId":"cluster","computers":["gone"]}'],
  ])('whose file is %s is told by its nodes, and mended', async (_, text) => {
    writeFileSync(file(), text);
    holds('node-2');
    expect(await own()).toEqual(['b']);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ clusterId: 'cluster', computers: ['b'] });
  });

  it('forgets a computer that left the layout', async () => {
    says(['a', 'gone']);
    expect(await own()).toEqual(['a']);
    expect(JSON.parse(readFileSync(file(), 'utf8')).computers).toEqual(['a']);
  });
});
