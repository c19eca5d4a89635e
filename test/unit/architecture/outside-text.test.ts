/** Text from outside has one way to a terminal and one to the page: what goes past either would be obeyed, not shown. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

function linesWith(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|svelte|html)$/.test(name) && !name.includes('node_modules'))
    .flatMap((name) => {
      const path = `${folder}/${name.replaceAll('\\', '/')}`;
      return readFileSync(join(root, path), 'utf8')
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${path}: ${line.trim()}`);
    });
}

test('no part of the page makes markup, an address or a program out of text', () => {
  const makes =
    /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(|javascript:|srcdoc/;
  expect(linesWith('renderer', makes)).toEqual([]);
});

test('the command line writes where text is made plain, and nowhere else', () => {
  const files = linesWith('core/cli', /\bwrite\(|console\./).map((line) => line.split(':')[0]);
  // output.ts shows answers, main.ts reports errors, serve.ts notes; watching clears the screen, completion prints what we wrote.
  expect([...new Set(files)].sort()).toEqual(
    ['completion', 'main', 'output', 'serve', 'watch-command'].map((name) => `core/cli/${name}.ts`),
  );
});
