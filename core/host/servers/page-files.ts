/** The built page as files: which one an address means, what it is, and the policy it is served under. */
import { extname, join, normalize, sep } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.json': 'application/json',
};

export function contentTypeOf(path: string): string {
  return contentTypes[extname(path)] ?? 'application/octet-stream';
}

/** False: no address of anything, such as one with half an escape. */
export function isReadablePath(pathname: string): boolean {
  try {
    return !decodeURIComponent(pathname).includes('\0');
  } catch {
    return false;
  }
}

/** Null for anything that is not inside `folder`. Pages are routes of one document; only files have endings. */
export function pageFileOf(folder: string, pathname: string): string | null {
  let wanted: string;
  try {
    wanted = normalize(decodeURIComponent(pathname));
  } catch {
    // Not a well-formed escape.
    return null;
  }
  const path = join(folder, extname(wanted) === '' ? 'index.html' : wanted);
  return path.startsWith(folder + sep) ? path : null;
}

/** Nothing from elsewhere is ever loaded; styles of components are set at run time, hence inline styles. */
export function pageHeaders(connects: 'self' | 'never'): Readonly<Record<string, string>> {
  const connect = connects === 'self' ? "connect-src 'self'; " : '';
  return {
    'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; ${connect}base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}
