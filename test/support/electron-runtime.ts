/**
 * Finds an Electron runtime for the end-to-end test, and makes one of it that starts our app: a copy whose own application
 * loads dist/main.cjs at once. The order of loading then is that of a packaged app, whatever launcher the runtime brings.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Folder of the runtime, or the reason why there is none. */
export function findRuntime(): { folder: string } | { missing: string } {
  if (process.platform !== 'linux') return { missing: 'the desktop test runs on Linux only so far' };
  if (process.getuid?.() === 0) return { missing: 'Electron’s sandbox does not run as root' };
  if (!process.env.DISPLAY) return { missing: 'there is no screen (DISPLAY is not set)' };
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const own = join(createRequire(import.meta.url).resolve('electron/package.json'), '../dist');
  for (const folder of [override, own]) {
    if (folder !== undefined && existsSync(join(folder, 'electron'))) return { folder };
  }
  return { missing: 'no Electron runtime is here (ELECTRON_OVERRIDE_DIST_PATH names one)' };
}

export interface AppCopy {
  readonly executable: string;
  dispose(): void;
}

/**
 * A question of the system has no page that a test could click in: with COTERIE_TEST_ANSWER it is written to standard
 * output as one line and answered with that button.
 */
function startProgram(main: string): string {
  return `const { dialog } = require('electron');
const answer = process.env.COTERIE_TEST_ANSWER;
if (answer !== undefined) {
  dialog.showMessageBox = async (...given) => {
    const { message, detail, buttons } = given.at(-1);
    console.info(JSON.stringify({ message, detail, buttons }));
    return { response: Number(answer), checkboxChecked: false };
  };
}
require(${JSON.stringify(main)});
`;
}

export function copyWithApp(folder: string): AppCopy {
  const copy = mkdtempSync(join(tmpdir(), 'coterie-electron-'));
  cpSync(folder, copy, { recursive: true });
  const app = join(copy, 'resources/app');
  rmSync(app, { recursive: true, force: true });
  rmSync(join(copy, 'resources/default_app.asar'), { force: true });
  mkdirSync(app, { recursive: true });
  const { name, productName, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name, productName, version, main: 'start.cjs' }));
  writeFileSync(join(app, 'start.cjs'), startProgram(join(root, 'dist/main.cjs')));
  return {
    executable: join(copy, 'electron'),
    dispose: () => rmSync(copy, { recursive: true, force: true }),
  };
}
