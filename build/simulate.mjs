/** `npm run simulate -- [--seeds N] [--first-seed S] [--for SECONDS]`: many seeds, or one again with its transcript. */
import { runTypeScript } from './run-typescript.mjs';

process.exit(await runTypeScript('test/simulation/main.ts', process.argv.slice(2)));
