/** What anybody may ask for, many times over, does not take the host's time from others; nor do its owner's many wishes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowedMs, faredDuring, percentile, portOf, rawConnection } from '../support/abuse.ts';
import { RealCluster } from '../support/cluster.ts';

const cluster = new RealCluster();
const foreign = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };

beforeAll(async () => {
  await cluster.start('--data-centers', 'office=3,warehouse=1');
  for (let number = 0; number < 69; number++) {
    await cluster.api.call('keyspaces.create', { name: `space-${number}`, factors: 1 + (number % 3) });
  }
});
afterAll(() => cluster.dispose());

/** The median of `count` requests one after the other, in milliseconds. */
async function medianMs(path: string, count: number): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedMs = performance.now();
    await (await fetch(cluster.uiUrl + path)).arrayBuffer();
    times.push(performance.now() - startedMs);
  }
  return percentile(
    times.sort((a, b) => a - b),
    0.5,
  );
}

/** As a page with many pictures: 16 connections that ask without a pause for `durationMs`. Answers how many were answered. */
async function storm(path: string, headers: Record<string, string>, durationMs: number): Promise<number> {
  const untilMs = Date.now() + durationMs;
  let count = 0;
  const one = async () => {
    while (Date.now() < untilMs) {
      await (await fetch(cluster.uiUrl + path, { headers })).arrayBuffer();
      count++;
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
  return count;
}

test('with 70 keyspaces /health and /metrics cost little', async () => {
  expect(await medianMs('health', 30)).toBeLessThan(allowedMs(25));
  expect(await medianMs('metrics', 30)).toBeLessThan(allowedMs(25));
});

test.each([
  ['of another site, which are refused', '/health', foreign, 150],
  ['of anybody, which are answered', '/metrics', {}, 400],
] as const)('requests %s do not starve others', async (_, path, headers, boundMs) => {
  const attack = storm(path.slice(1), headers, 3_000);
  const { times, failed } = await faredDuring(attack, `${cluster.uiUrl}kv/default/busy-`, 'PUT');
  expect(failed).toBe(0);
  expect(await attack).toBeGreaterThan(100);
  expect(percentile(times, 0.5)).toBeLessThan(allowedMs(boundMs));
  expect(percentile(times, 0.99)).toBeLessThan(allowedMs(4 * boundMs));
});

test('pages of other sites and of other ports of this computer are refused everywhere, in words', async () => {
  const paths = ['', 'health', 'metrics', 'openapi.json', 'kv/default/k', 'login', 'session', 'favicon.svg'];
  for (const path of paths) {
    for (const site of ['cross-site', 'same-site']) {
      const answer = await fetch(cluster.uiUrl + path, { headers: { ...foreign, 'Sec-Fetch-Site': site } });
      expect([path, site, answer.status]).toEqual([path, site, 403]);
      expect(await answer.text()).toMatch(/other sites are refused/);
    }
  }
});

test('every answer has the same headers of safety, whoever gives it', async () => {
  const { host } = new URL(cluster.uiUrl);
  const get = (path: string, ...lines: string[]) =>
    [`GET ${path} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join('\r\n');
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
  const requests: readonly [string, number][] = [
    [get('/', `Host: ${host}`), 401],
    [get('/login', `Host: ${host}`), 200],
    [get('/health', `Host: ${host}`), 200],
    [get('/kv/default/nothing', `Host: ${host}`), 404],
    [get('/kv/default/%zz', `Host: ${host}`), 400],
    [get('/%zz.js', `Host: ${host}`), 400],
    [get('/%00.js', `Host: ${host}`), 400],
    [get('/health', 'Host: evil.example'), 421],
    [get('/health', `Host: ${host}`, 'Origin: http://evil.example'), 403],
    [get('/health', `Host: ${host}`, `Origin: http://localhost:${portOf(cluster.uiUrl)}`), 403],
    [get('\\', `Host: ${host}`), 400],
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`, 431],
    [`GET /api HTTP/1.1\r\nHost: ${host}\r\n${upgrade.join('\r\n')}\r\n\r\n`, 401],
    [`GET /api HTTP/1.1\r\nHost: evil.example\r\n${upgrade.join('\r\n')}\r\n\r\n`, 421],
    [`CONNECT a:1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 405],
  ];
  for (const [request, status] of requests) {
    const socket = await rawConnection(portOf(cluster.uiUrl));
    socket.write(request);
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(text));
    });
    const what = `${JSON.stringify(request.slice(0, 60))}: ${answer.slice(0, 300)}`;
    expect(answer.startsWith(`HTTP/1.1 ${status} `), what).toBe(true);
    expect(answer, what).toMatch(/^content-security-policy: default-src 'none'/im);
    expect(answer, what).toMatch(/^x-content-type-options: nosniff/im);
    expect(answer, what).toMatch(/^cross-origin-resource-policy: same-origin/im);
  }
});

test('repairs beyond a bound are refused in words, and the host answers meanwhile', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 33 }, (_, number) =>
      cluster.api.call('repairs.run', { keyspace: `space-${number * 2 + 1}`, intensity: 'gentle' }),
    ),
  );
  const refused = outcomes.flatMap((one) =>
    one.status === 'rejected' ? [(one.reason as Error).message] : [],
  );
  const asked = outcomes.length - refused.length;
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(8 + 1);
  for (const words of refused) {
    expect(words).toMatch(/8 may be|one replica only/);
  }
  expect(await medianMs('health', 20)).toBeLessThan(allowedMs(100));
  const startedMs = performance.now();
  expect(await cluster.stop()).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(allowedMs(15_000));
});
