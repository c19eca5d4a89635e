/** Bundles a TypeScript program so that a plain Node process can run it: for tests that end processes by force. */
import { join } from 'node:path';
import { build } from 'vite';

/** Answers the path of the program in `outFolder`. */
export async function bundleProgram(entry: string, outFolder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'node20',
      outDir: outFolder,
      emptyOutDir: false,
      minify: false,
      rollupOptions: { input: { program: entry }, output: { format: 'esm', entryFileNames: '[name].mjs' } },
    },
  });
  return join(outFolder, 'program.mjs');
}
