import { describe, expect, it } from 'vitest';
import { isOwnAddress, isOwnOrigin, refusalOf } from '../../../core/host/servers/request-guards.ts';

const own = { host: '127.0.0.1', port: 7370 };
const host = '127.0.0.1:7370';

describe('which requests are answered', () => {
  it('those under the server’s own names, from its own pages', () => {
    expect(isOwnAddress('localhost:7370', '127.0.0.1', 7370)).toBe(true);
    expect(isOwnAddress('evil.example:7370', '127.0.0.1', 7370)).toBe(false);
    expect(isOwnAddress(undefined, '127.0.0.1', 7370)).toBe(false);
    expect(isOwnOrigin('http://127.0.0.1:7370', host)).toBe(true);
    expect(isOwnOrigin('http://evil.example', host)).toBe(false);
    expect(isOwnOrigin('http://localhost:7370', host)).toBe(false);
    expect(isOwnOrigin('null', host)).toBe(false);
    expect(isOwnOrigin(undefined, host)).toBe(true);
  });

  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  it.each([
    ['no browser', 'GET', '/metrics', {}, null],
    ['its own page', 'GET', '/health', { 'sec-fetch-site': 'same-origin' }, null],
    ['an address that a person typed', 'GET', '/kv/default/k', { 'sec-fetch-site': 'none', ...link }, null],
    ['a link to the page', 'GET', '/', { 'sec-fetch-site': 'cross-site', ...link }, null],
    ['a link of another port', 'GET', '/', { 'sec-fetch-site': 'same-site', ...link }, null],
    ['a link to log in', 'GET', '/login', { 'sec-fetch-site': 'cross-site', ...link }, null],
    ['a link to something else', 'GET', '/metrics', { 'sec-fetch-site': 'cross-site', ...link }, 403],
    ['a form', 'POST', '/', { 'sec-fetch-site': 'cross-site', ...link }, 403],
    ['a picture', 'GET', '/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['a frame', 'GET', '/', { 'sec-fetch-site': 'same-site', ...link, 'sec-fetch-dest': 'iframe' }, 403],
    ['a page of another port', 'GET', '/health', { 'sec-fetch-site': 'same-site' }, 403],
    ['a word that no standard knows', 'GET', '/health', { 'sec-fetch-site': 'new' }, 403],
    ['another name', 'GET', '/', { host: 'evil.example' }, 421],
  ] as const)('%s: %s %s', (_, method, path, headers, status) => {
    expect(refusalOf({ method, headers: { host, ...headers } }, path, own)?.status ?? null).toBe(status);
  });

  it('those of a page that a person has named, under the server’s own name all the same', () => {
    const headers = { origin: 'http://shop.example', 'sec-fetch-site': 'cross-site' };
    const statusOf = (host: string) =>
      refusalOf({ method: 'PUT', headers: { host, ...headers } }, '/kv/a/b', own, true)?.status;
    expect([statusOf(host), statusOf('evil.example:7370')]).toEqual([undefined, 421]);
  });
});
