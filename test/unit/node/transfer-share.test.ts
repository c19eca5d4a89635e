/** How much of a computer the moving of data may take. */
import { describe, expect, it } from 'vitest';
import type { Layout } from '../../../core/layout/layout.ts';
import { transferShare } from '../../../core/node/transfer-share.ts';

const node = (id: number, computer: string) => ({ id, computer, name: `node-${id}` });
const layout = {
  nodes: [node(1, 'a'), node(2, 'a'), node(3, 'a'), node(4, 'a'), node(5, 'b')],
} as unknown as Layout;

describe('the nodes of one computer', () => {
  it('share a third of its processors where there are more nodes than processors', () => {
    expect(transferShare(layout, 1, 2) * 4).toBeCloseTo(2 / 3);
    expect(transferShare(layout, 5, 2)).toBeCloseTo(1 / 3);
    expect(transferShare(layout, 1, 8)).toBeCloseTo(1 / 3);
  });

  it('take less where people want that, and all of it where they do not care', () => {
    const at = (transfer: Layout['transfer']) => transferShare({ ...layout, transfer }, 1, 2);
    expect(at('gentle')).toBeLessThan(at('normal') / 3);
    expect(at('fast')).toBe(1);
  });
});
