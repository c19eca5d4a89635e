/**
 * `npm test`: sets up what is missing, runs every suite, says what was skipped and why, and closes with one line
 * `N passed, N failed`. Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, root } from './setup.mjs';

const chromiums = [
  process.env.COTERIE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Chromium from the system's packages, where this process may install them. */
function ensureChromium() {
  if (chromiums.some((path) => path && existsSync(path))) return;
  const mayInstall =
    process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!mayInstall) {
    process.stderr.write('No Chromium found and no right to install it: tests of the pages are skipped.\n');
    return;
  }
  process.stderr.write('Installing Chromium for the tests of the pages (once)…\n');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...words) =>
    spawnSync('apt-get', words, { stdio: ['ignore', 'ignore', 'inherit'], env: environment }).status === 0;
  const install = () => run('install', '-y', '-qq', 'chromium');
  if (!install() && !(run('update', '-qq') && install())) {
    process.stderr.write('Chromium could not be installed: tests of the pages are skipped.\n');
  }
}

/** What takes longer has a command of its own. Named one by one: of several exclusions vitest takes what any of them lets through. */
const everyday = ['unit', 'conformance', 'fuzz', 'simulation', 'pages', 'integration', 'lan', 'e2e'].flatMap(
  (project) => ['--project', project],
);
const wanted = process.argv.slice(2);

await ensureBuilt();
ensureChromium();
if (wanted.length === 0) {
  process.stderr.write(
    'Not run here: attacks and what takes over after a minute (npm run test:long), and join codes and faults on a local network (npm run test:lan), four to five minutes each.\n',
  );
}
const done = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...(wanted.length === 0 ? everyday : wanted)],
  { cwd: root, stdio: 'inherit' },
);
process.exit(done.status ?? 1);
