/**
 * `npm start`: sets up what is missing, starts the cluster and opens the app: in its own window where Electron's runtime
 * can be had, otherwise in the browser, which it says in one line. Arguments go to `coterie serve`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { ensureBuilt, root } from './setup.mjs';

const obtainWithinMs = 1_500;

/** Path of Electron's program, or null. Electron fetches its runtime at first use; where that cannot work it must not delay. */
function electronProgram() {
  const executable =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ?? 'electron';
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) return existsSync(join(override, executable)) ? join(override, executable) : null;
  let folder;
  try {
    folder = join(createRequire(import.meta.url).resolve('electron/package.json'), '..');
  } catch {
    return null;
  }
  const downloaded = join(folder, 'dist', executable);
  if (existsSync(downloaded)) return downloaded;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return canReachReleases() ? obtain(folder, version, downloaded) : null;
}

/** A look at the release server, bounded: without a network this answers at once or after the bound. */
function canReachReleases() {
  const script =
    "fetch('https://github.com/electron/electron/releases',{method:'HEAD'}).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))";
  return (
    spawnSync(process.execPath, ['-e', script], { timeout: obtainWithinMs, stdio: 'ignore' }).status === 0
  );
}

function obtain(folder, version, program) {
  process.stderr.write(`Fetching Electron ${version} (once, about 120 MB)…\n`);
  const installer = join(folder, 'install.js');
  if (!existsSync(installer)) return null;
  const done = spawnSync(process.execPath, [installer], { cwd: folder, stdio: ['ignore', 2, 2] });
  return done.status === 0 && existsSync(program) ? program : null;
}

/** A window needs a screen, and Electron's sandbox refuses to run as root. */
function canShowWindow() {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY) && process.getuid?.() !== 0;
}

await ensureBuilt();
const extra = process.argv.slice(2);
const program = canShowWindow() && extra.length === 0 ? electronProgram() : null;
if (program !== null && existsSync(join(root, 'dist/main.cjs'))) {
  runChild(program, ['.'], { cwd: root, channel: false });
} else {
  process.stderr.write(
    'No window can be opened here (no Electron runtime or no screen): the same app is served to the browser.\n',
  );
  runChild(process.execPath, [join(root, 'dist/cli.js'), 'serve', ...extra], { cwd: root });
}
