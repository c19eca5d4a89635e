#!/usr/bin/env node
/** The `coterie` command of a checkout: sets up what is missing, then runs the bundled command line. */
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { ensureBuilt, root } from './setup.mjs';

await ensureBuilt({ quiet: true });
runChild(process.execPath, [join(root, 'dist/cli.js'), ...process.argv.slice(2)]);
