/** The window's background before the page is there, and the page's own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { paper } from '../../../electron/paper.ts';

it('the window begins in the colours of the page, so that nothing flashes', async () => {
  const path = join(import.meta.dirname, '../../../renderer/src/styles/tokens.css');
  const tokens = await readFile(path, 'utf8');
  const [, light, dark] = /--paper: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/.exec(tokens)!;
  expect(paper).toEqual({ light, dark });
});
