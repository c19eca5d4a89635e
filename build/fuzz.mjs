/** `npm run fuzz -- [--minutes N] [target...]`: every reader of bytes from the network, guided by what of core/ each input runs. */
import { blockCounts } from './instrument.mjs';
import { runTypeScript } from './run-typescript.mjs';

process.exit(await runTypeScript('test/fuzz/main.ts', process.argv.slice(2), [blockCounts()]));
