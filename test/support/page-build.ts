/**
 * The page, built once for a run of its tests, in a folder of its own: another test or build may empty dist/ at any moment, and fonts
 * would be missing.
 */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

const root = join(import.meta.dirname, '../..');

declare module 'vitest' {
  interface ProvidedContext {
    readonly pageFolder: string;
  }
}

export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const outDir = mkdtempSync(join(tmpdir(), 'coterie-page-'));
  await build({
    configFile: join(root, 'renderer/vite.config.ts'),
    configLoader: 'runner',
    root: join(root, 'renderer'),
    logLevel: 'error',
    build: { outDir },
  });
  provide('pageFolder', outDir);
  return () => rm(outDir, { recursive: true, force: true });
}
