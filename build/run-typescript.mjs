/** Bundles one TypeScript program of test/ into a temporary folder and runs it: for benchmarks and long simulations. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, root } from './setup.mjs';

/** `plugins`: of vite, for the bundle. Resolves with the program's exit code. */
export async function runTypeScript(entry, words, plugins = []) {
  await ensureBuilt();
  const { build } = await import('vite');
  const folder = mkdtempSync(join(tmpdir(), 'coterie-run-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    await build({
      root,
      configFile: false,
      logLevel: 'error',
      plugins,
      build: {
        ssr: join(root, entry),
        target: 'node20',
        outDir: folder,
        minify: false,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: 'program.mjs' } },
      },
    });
    const environment = { ...process.env, COTERIE_ROOT: root };
    const done = spawnSync(process.execPath, ['--expose-gc', join(folder, 'program.mjs'), ...words], {
      cwd: root,
      stdio: 'inherit',
      env: environment,
    });
    return done.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
