#!/usr/bin/env node
/** The `coterie` command of a checkout: sets up what is missing, then runs the bundled command line. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, root } from './setup.mjs';

await ensureBuilt({ quiet: true });
const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
