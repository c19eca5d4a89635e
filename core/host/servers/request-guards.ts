/**
 * Which requests are answered at all: those under the server's own address (DNS rebinding makes a browser talk to a loopback
 * address under a foreign name), from its own pages, and not from anywhere else in a browser. A page of another port of this
 * computer is a foreign page. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface Refusal {
  readonly status: 403 | 421;
  readonly words: string;
}

/** Names under which a loopback server may be addressed. */
export function isOwnAddress(authority: string | undefined, host: string, port: number): boolean {
  return [host, 'localhost', '127.0.0.1', '[::1]'].some((name) => authority === `${name}:${port}`);
}

/**
 * A browser names the page that a request comes from; other programs name none. A page under one of our names may only talk
 * to us under the same one.
 */
export function isOwnOrigin(origin: string | undefined, authority: string | undefined): boolean {
  return origin === undefined || origin === `http://${authority}`;
}

/** A browser says so of every request but those for an address that a person typed. */
export function isFromPage({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin !== undefined || (site !== undefined && site !== 'none');
}

/** The documents that a link elsewhere may lead to. */
const linked = new Set(['/', '/login']);

/**
 * Null: answer it. `isAllowed`: a person has named the origin of the page that it comes from, for what it asks for. A link on another site, in a mail or a chat, may open the page, which then acts for itself; it may not
 * embed anything, nor have a browser fetch anything.
 */
export function refusalOf(
  request: { readonly method?: string; readonly headers: IncomingHttpHeaders },
  path: string,
  { host, port }: { host: string; port: number },
  isAllowed = false,
): Refusal | null {
  const { headers, method } = request;
  if (!isOwnAddress(headers.host, host, port)) {
    return { status: 421, words: 'Open Coterie by its own address: this name is not allowed.' };
  }
  if (isAllowed) return null;
  const foreign: Refusal = { status: 403, words: 'Requests from other sites are refused.' };
  if (!isOwnOrigin(headers.origin, headers.host)) return foreign;
  const site = headers['sec-fetch-site'];
  // Absent: no browser. `none`: a person typed the address.
  if (site === undefined || site === 'same-origin' || site === 'none') return null;
  const isLink =
    method === 'GET' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    linked.has(path);
  return isLink ? null : foreign;
}
