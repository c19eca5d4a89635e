/** Every suite is run by a command: by npm test, or by one that takes longer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const textOf = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8');

it('each project of tests is run by npm test or by a command of its own', () => {
  const projects = [...textOf('vitest.config.ts').matchAll(/node\('([a-z0-9-]+)'/g)].map(([, name]) => name);
  expect(projects.length).toBeGreaterThan(5);
  const [, everyday] = /const everyday = \[([^\]]+)\]/.exec(textOf('build/test.mjs'))!;
  const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts;
  const named = [
    ...[...everyday.matchAll(/'([a-z0-9-]+)'/g)].map(([, name]) => name),
    ...Object.values(scripts).flatMap((script) =>
      [...script.matchAll(/--project ([a-z0-9-]+)/g)].map(([, name]) => name),
    ),
  ];
  expect([...new Set(named)].sort()).toEqual([...projects].sort());
});
