/** Which nodes a host runs, over pretended ones: what the layout says is followed, and a host that stops starts none any more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LocalNodes } from '../../../core/host/nodes/local-nodes.ts';
import { NodeRoster } from '../../../core/host/nodes/node-roster.ts';
import { waitUntil } from '../../support/cluster.ts';

type Parts = ConstructorParameters<typeof NodeRoster>[0];
const folder = mkdtempSync(join(tmpdir(), 'coterie-roster-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Nodes that begin when the test says so. */
class Beginning {
  readonly started: string[] = [];
  begun = (): void => {};

  has(name: string): boolean {
    return this.started.includes(name);
  }

  add({ node }: { node: { name: string } }) {
    return {
      begin: () => {
        this.started.push(node.name);
        return new Promise<void>((resolve) => {
          this.begun = resolve;
        });
      },
    };
  }

  [Symbol.iterator](): Iterator<never> {
    return [][Symbol.iterator]();
  }
}

function rosterOf(nodes: Beginning, isStopping: () => boolean): NodeRoster {
  const layout = { nodes: ['a', 'b'].map((name, id) => ({ id, name, computer: 'c' })) };
  const parts = {
    nodes: nodes as unknown as LocalNodes,
    layouts: { present: layout, live: [{ layout, digest: '' }] } as unknown as Parts['layouts'],
    own: new Set(['c']),
    folderOf: ({ name }) => join(folder, 'nodes', name),
    isStopping,
  } satisfies Partial<Parts>;
  return new NodeRoster(parts as unknown as Parts, { host: '127.0.0.1', clientPort: 0, peerPort: 0 });
}

describe('the nodes of a computer', () => {
  it('begin one after the other', async () => {
    const nodes = new Beginning();
    const following = rosterOf(nodes, () => false).follow();
    await waitUntil('the first begins', () => nodes.started.length > 0);
    expect(nodes.started).toEqual(['a']);
    nodes.begun();
    await waitUntil('the second begins', () => nodes.started.length > 1);
    nodes.begun();
    await following;
    expect(nodes.started).toEqual(['a', 'b']);
  });

  it('begin no more once the host stops, also while one is beginning', async () => {
    const nodes = new Beginning();
    let stops = false;
    const following = rosterOf(nodes, () => stops).follow();
    await waitUntil('the first begins', () => nodes.started.length > 0);
    stops = true;
    nodes.begun();
    await following;
    expect(nodes.started).toEqual(['a']);
  });
});
