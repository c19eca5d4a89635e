import { defineConfig } from 'vitest/config';

const node = (name: string, folder: string, timeoutMs: number, serial = false) => ({
  test: {
    name,
    include: [`test/${folder}/**/*.test.ts`],
    environment: 'node',
    testTimeout: timeoutMs,
    hookTimeout: 60_000,
    ...(serial ? { fileParallelism: false } : {}),
  },
});

export default defineConfig({
  // Runs as a user that may only read the checkout, too (the desktop test).
  cacheDir: process.env.COTERIE_CACHE ?? 'node_modules/.vite',
  test: {
    reporters: ['default', './build/closing-line-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      node('unit', 'unit', 60_000),
      node('conformance', 'conformance', 60_000),
      node('fuzz', 'fuzz', 60_000),
      node('simulation', 'simulation', 180_000),
      // Mostly a browser's work: beside the others, not after them.
      { test: { ...node('pages', 'pages', 180_000).test, globalSetup: './test/support/page-build.ts' } },
      node('integration', 'integration', 180_000),
      node('abuse', 'abuse', 180_000, true),
      node('long', 'long', 300_000, true),
      node('lan', 'lan', 180_000),
      // Four minutes more: npm run test:lan.
      node('lan-faults', 'lan-faults', 180_000, true),
      node('e2e', 'e2e', 180_000, true),
    ],
  },
});
