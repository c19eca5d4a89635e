/** The page's files under app://coterie, and nothing else: no file:, no network, a strict policy on every answer. */
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { protocol } from 'electron';

export const appOrigin = 'app://coterie';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Null for anything that is not inside `folder`. Pages are routes of one document; only files have endings. */
function fileOf(folder: string, address: string): string | null {
  const { host, pathname } = new URL(address);
  let wanted: string;
  try {
    wanted = normalize(decodeURIComponent(pathname));
  } catch {
    // Not a well-formed escape.
    return null;
  }
  const path = join(folder, extname(wanted) === '' ? 'index.html' : wanted);
  return host === 'coterie' && path.startsWith(folder + sep) ? path : null;
}

export function serveApp(folder: string): void {
  protocol.handle('app', async (request) => {
    const path = request.method === 'GET' ? fileOf(folder, request.url) : null;
    if (path === null) return new Response(null, { status: 404 });
    try {
      const headers = {
        'Content-Type': contentTypes[extname(path)] ?? 'application/octet-stream',
        'Content-Security-Policy': policy,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
      };
      return new Response(new Uint8Array(await readFile(path)), { headers });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}
