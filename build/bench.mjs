/** `npm run bench -- NAME`: measures, prints, asserts nothing. Names are the files of test/bench. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTypeScript } from './run-typescript.mjs';
import { root } from './setup.mjs';

const [name, ...words] = process.argv.slice(2);
const folder = join(root, 'test/bench');
const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
if (name === undefined || !existsSync(join(folder, `${name}.ts`))) {
  process.stderr.write(`Which benchmark? npm run bench -- NAME, with one of: ${names.join(', ')}\n`);
  process.exit(1);
}
process.exit(await runTypeScript(`test/bench/${name}.ts`, words));
