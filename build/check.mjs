/** `npm run check`: types, lint and format, page types, layers and unused code. Stops at nothing: all findings at once. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root } from './setup.mjs';

ensureInstalled();
const bin = (name) => join(root, 'node_modules/.bin', name);
const jobs = [
  ['types', bin('tsc'), ['-p', '.', '--noEmit']],
  ['lint and format', bin('biome'), ['ci', '--error-on-warnings', '.']],
  ['layers and unused code', bin('vitest'), ['run', '--project', 'unit', 'test/unit/architecture']],
];
if (existsSync(join(root, 'renderer/tsconfig.json'))) {
  jobs.push(['page types', bin('svelte-check'), ['--workspace', 'renderer', '--fail-on-warnings']]);
}
let failed = 0;
for (const [what, program, words] of jobs) {
  const started = performance.now();
  const { status } = spawnSync(program, words, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${what} (${seconds} s)\n`);
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
