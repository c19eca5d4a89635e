/**
 * Builds everything that runs: the programs for Node (command line, node process, desktop main), the preload script and
 * the page, into dist/. `--programs` leaves the page out.
 */
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/** Entries of the programs; the desktop's are skipped until they exist. */
const programs = {
  cli: 'core/cli/main.ts',
  node: 'core/node-process/main.ts',
  desktop: 'electron/desktop.ts',
};

async function bundlePrograms() {
  const entries = Object.fromEntries(
    Object.entries(programs).filter(([, path]) => existsSync(join(root, path))),
  );
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true, external: ['electron'] },
    build: {
      ssr: true,
      target: 'node20',
      outDir: dist,
      emptyOutDir: false,
      minify: false,
      sourcemap: true,
      rollupOptions: {
        input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)])),
        external: ['electron', 'bufferutil', 'utf-8-validate'],
        output: { format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  });
}

/**
 * CommonJS, both: a sandboxed preload script cannot be an ES module, and what the entry says before Electron is ready must
 * not wait for a module loader.
 */
async function bundleElectron(name) {
  const entry = join(root, `electron/${name}.ts`);
  if (!existsSync(entry)) return;
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    build: {
      ssr: true,
      target: 'node20',
      outDir: dist,
      emptyOutDir: false,
      rollupOptions: {
        input: { [name]: entry },
        external: ['electron', /desktop\.js$/],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  });
}

async function bundlePage() {
  const config = join(root, 'renderer/vite.config.ts');
  if (!existsSync(config)) return;
  await build({ configFile: config, root: join(root, 'renderer'), logLevel: 'warn' });
}

export async function bundle({ page = true } = {}) {
  rmSync(join(dist, 'chunks'), { recursive: true, force: true });
  await bundlePrograms();
  await bundleElectron('main');
  await bundleElectron('preload');
  if (page) await bundlePage();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle({ page: !process.argv.includes('--programs') });
}
