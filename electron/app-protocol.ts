/** The page's files under app://coterie, and nothing else: no file:, no network, a strict policy on every answer. */
import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { contentTypeOf, pageFileOf, pageHeaders } from '../core/host/servers/page-files.ts';

export const appOrigin = 'app://coterie';

export function serveApp(folder: string): void {
  protocol.handle('app', async (request) => {
    const { host, pathname } = new URL(request.url);
    const isOurs = request.method === 'GET' && host === 'coterie';
    const path = isOurs ? pageFileOf(folder, pathname) : null;
    if (path === null) return new Response(null, { status: 404 });
    try {
      const headers = { 'Content-Type': contentTypeOf(path), ...pageHeaders('never') };
      return new Response(new Uint8Array(await readFile(path)), { headers });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}
