/**
 * `npm run package -- [--dir] [electron-builder's own arguments]`: packages the desktop app into release/. With
 * ELECTRON_OVERRIDE_DIST_PATH the runtime in that folder is packaged instead of a downloaded one; fuses and asar integrity
 * are then left alone, because only the pinned release is known to take them.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, root } from './setup.mjs';

/** The builder removes a default_app.asar that it expects in a release's folder; a runtime without one gets an empty one. */
async function prepared(folder) {
  const copy = mkdtempSync(join(tmpdir(), 'coterie-runtime-'));
  cpSync(folder, copy, { recursive: true });
  rmSync(join(copy, 'resources/app'), { recursive: true, force: true });
  const asarFile = join(copy, 'resources/default_app.asar');
  if (!existsSync(asarFile)) {
    const empty = mkdtempSync(join(tmpdir(), 'coterie-empty-'));
    mkdirSync(join(copy, 'resources'), { recursive: true });
    writeFileSync(join(empty, 'package.json'), '{}');
    const require = createRequire(createRequire(import.meta.url).resolve('app-builder-lib/package.json'));
    const { createPackage } = require('@electron/asar');
    await createPackage(empty, asarFile);
    rmSync(empty, { recursive: true, force: true });
  }
  return copy;
}

await ensureBuilt();
const words = ['--config', join(root, 'build/electron-builder.cjs'), ...process.argv.slice(2)];
const environment = { ...process.env };
const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
let copy = null;
if (override) {
  copy = await prepared(override);
  environment.COTERIE_ELECTRON_VERSION = readFileSync(join(copy, 'version'), 'utf8').trim().replace(/^v/, '');
  words.push(`-c.electronDist=${copy}`);
}
const done = spawnSync(process.execPath, [join(root, 'node_modules/electron-builder/cli.js'), ...words], {
  cwd: root,
  stdio: 'inherit',
  env: environment,
});
if (copy !== null) rmSync(copy, { recursive: true, force: true });
process.exit(done.status ?? 1);
