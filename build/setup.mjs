/**
 * What `npm start` and `npm test` need before anything of the project can run, on a machine with nothing but Node and
 * npm. Only Node's own modules here: nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const sources = ['core', 'electron', 'renderer', 'build/bundle.mjs', 'package-lock.json', 'package.json'];
const installedMark = join(root, 'node_modules', '.coterie-installed');
const builtMark = join(root, 'dist', '.built');

function say(text) {
  process.stderr.write(`${text}\n`);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 15)) {
    say(`Coterie needs Node 20.15 or newer; this is ${process.versions.node}. Get it from nodejs.org.`);
    process.exit(1);
  }
}

/** Installs the packages of the lock file unless that was done already. Runs no package's install script. */
export function ensureInstalled() {
  requireNode();
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(installedMark) && readFileSync(installedMark, 'utf8') === lock) return;
  say('Installing packages (once, about half a minute)…');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const done = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    say('The packages could not be installed. Is the network there? Then try the same command again.');
    process.exit(1);
  }
  linkCommand();
  writeFileSync(installedMark, lock);
}

/** Makes `npx coterie` work in the checkout. */
function linkCommand() {
  const target = join(root, 'node_modules', '.bin', 'coterie');
  chmodSync(join(root, 'build/coterie.mjs'), 0o755);
  rmSync(target, { force: true });
  if (process.platform === 'win32') {
    writeFileSync(`${target}.cmd`, '@node "%~dp0\\..\\..\\build\\coterie.mjs" %*\r\n');
  } else symlinkSync('../../build/coterie.mjs', target);
}

function newestUnder(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestUnder(join(path, name))),
    stat.mtimeMs,
  );
}

/** Builds dist/ unless it is newer than all sources. */
export async function ensureBuilt({ quiet = false } = {}) {
  ensureInstalled();
  const newest = Math.max(...sources.map((path) => newestUnder(join(root, path))));
  if (existsSync(builtMark) && statSync(builtMark).mtimeMs > newest) return;
  if (!quiet) say('Building…');
  const done = spawnSync(process.execPath, [join(root, 'build/bundle.mjs')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) {
    say('The build failed; the lines above say where.');
    process.exit(1);
  }
  mkdirSync(dirname(builtMark), { recursive: true });
  writeFileSync(builtMark, '');
}
