/** How the page is built: relative addresses, so that it runs from a web server and from the desktop app alike. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const folder = dirname(fileURLToPath(import.meta.url));

export default defineConfig({
  root: folder,
  base: './',
  plugins: [svelte()],
  build: {
    outDir: join(folder, '../dist/renderer'),
    emptyOutDir: true,
    assetsDir: 'assets',
    // Fonts stay files: the content policy allows no data: fonts.
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
});
