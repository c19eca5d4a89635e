/** Several computers on one: each a `coterie serve` of its own, on an address of its own in 127.0.0.0/8, over real TLS. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { connect } from 'node:tls';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { openComputer } from '../../core/host/open-computer.ts';
import { ForkLauncher } from '../../core/node-process/fork-launcher.ts';
import { keyFingerprint } from '../../core/security/fingerprints.ts';
import { encodeJoinCode, readJoinCode } from '../../core/security/join-code.ts';
import { type RealCluster, waitUntil } from '../support/cluster.ts';
import { allUp, isMember, join, RealComputers } from '../support/computers.ts';

const computers = new RealComputers();
afterEach(() => computers.dispose());
const first = () => computers.first();
const newcomer = (number: number) => computers.newcomer(number);

const nodesOf = async (cluster: RealCluster) => (await cluster.api.call('cluster.snapshot', {})).nodes;
const standingOf = (cluster: RealCluster) => cluster.api.call('computer.standing', {});
const isSettled = async (cluster: RealCluster) =>
  (await cluster.api.call('layout.show', {})).state === 'settled';
describe('computers of one cluster', () => {
  test('come in with a code and a click, share the data, and see and manage each other’s nodes', async () => {
    const [one, two, three] = [await first(), await newcomer(3), await newcomer(4)];
    await join(one, two);
    // Any of them lets others in.
    await join(two, three, { dataCenter: 'warehouse' });
    await waitUntil('all are up, as each of them sees it', async () => {
      for (const cluster of [one, two, three]) if (!(await allUp(cluster, 3))) return false;
      return true;
    });
    await waitUntil('the change is over', () => isSettled(one));
    const { computers, dataCenters } = await three.api.call('cluster.snapshot', {});
    expect(dataCenters).toEqual(['office', 'warehouse']);
    expect(computers.map(({ name, state }) => [name, state])).toEqual([
      ['computer-2', 'reached'],
      ['computer-3', 'reached'],
      ['computer-4', 'here'],
    ]);
    await one.command('put', 'greeting', 'hello');
    expect(await two.command('get', 'greeting')).toMatchObject({ siblings: [{ text: 'hello' }] });

    const [{ name }] = (await nodesOf(one)).filter((node) => node.computer === 'computer-3');
    await three.command('node', 'stop', name);
    await waitUntil('all see that it is stopped', async () => {
      const seen = await Promise.all([one, two, three].map((cluster) => cluster.nodes()));
      return seen.every((nodes) => nodes.find((node) => node.name === name)?.state === 'stopped');
    });
    await one.command('node', 'start', name);
    await waitUntil('all are up again', () => allUp(three, 3));
    await three.command('node', 'add', '--computer', 'computer-3', '--apply');
    await waitUntil('the new one is up, on the other computer', () => allUp(one, 4));
    expect((await nodesOf(one)).filter((node) => node.computer === 'computer-3').length).toBe(2);
    // What was done for somebody at another computer is told where it was done, with who that was.
    const told = await two.api.call('activity.list', {});
    const whoDid = (words: RegExp) => told.find(({ message }) => words.test(message))?.who;
    expect(whoDid(/is stopped/)).toMatch(/\(command line\) at computer-4$/);
    expect(whoDid(/was started/)).toMatch(/\(command line\) at computer-2$/);
    expect(whoDid(/was applied\. Add/)).toMatch(/\(command line\) at computer-4$/);
  });

  test('wait for one that is off, say since when, and are found by it when it is back', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    await join(one, two);
    await waitUntil('both are up', () => allUp(one, 2));
    const [told] = (await one.api.call('computer.checkup', {})).others;
    const { version } = await one.api.call('computer.checkup', {});
    expect(told).toMatchObject({ computer: 'computer-3', state: 'reached', version });
    expect(await one.command('doctor')).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ about: 'computers', state: 'fine' })]),
    });
    await two.stop();
    await waitUntil('it is seen to be away', async () => {
      const { computers, nodes } = await one.api.call('cluster.snapshot', {});
      const [other] = computers.filter(({ self }) => !self);
      const [node] = nodes.filter(({ computer }) => computer === other.name);
      return (
        other.state === 'away' && other.heardAtMs !== null && node.state === 'away' && node.figures === null
      );
    });
    const refused = (await one.command('doctor').catch((error: unknown) => error)) as {
      code: number;
      stdout: string;
    };
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.stdout).findings).toContainEqual(
      expect.objectContaining({ state: 'wrong', text: 'Not heard of: computer-3.' }),
    );
    // Keys that are replaced meanwhile, with the authority, are no reason to stay outside.
    await one.command('keys', 'replace', '--authority');
    // Not told again where to listen: the others count on it.
    await two.start('--computer-port', '0', '--computer-name', 'computer-3');
    await waitUntil('both are up', () => allUp(one, 2));
    const keys = await Promise.all([one, two].map((cluster) => cluster.api.call('computers.keys', {})));
    expect(keys.map(({ number }) => number)).toEqual([1, 1]);
    expect(keys[0].authority).toBe(keys[1].authority);
  });

  test('that is shut out loses its connections, and neither reads nor writes nor comes back', async () => {
    const [one, two, three] = [await first(), await newcomer(3), await newcomer(4)];
    await join(one, two);
    await join(one, three);
    await waitUntil('all are up', () => allUp(one, 3));
    await waitUntil('the change is over', () => isSettled(one));
    await one.command('put', 'secret', 'ours');
    const { authority: before } = await one.api.call('computers.keys', {});
    const outMs = performance.now();
    await one.command('computer', 'remove', 'computer-3', '--now', '--new-authority');
    await waitUntil('it reaches nobody', async () => {
      // The layout without it may reach it before its connections are cut: then it knows that it has no node any more.
      const own = (await nodesOf(two)).filter((node) => node.computer === 'computer-3');
      return own.every(({ figures }) => figures?.peersDown.length === 2);
    });
    expect(performance.now() - outMs).toBeLessThan(5_000);
    await expect(two.command('get', 'secret')).rejects.toThrow();
    await expect(two.command('put', 'secret', 'theirs')).rejects.toThrow();
    await waitUntil('the others go on', async () => (await one.nodes()).length === 2);
    await waitUntil('the others have a new secret', async () => {
      const keys = await Promise.all([one, three].map((cluster) => cluster.api.call('computers.keys', {})));
      return keys.every(({ number }) => number === 1);
    });
    const [mine, theirs] = await Promise.all(
      [one, three].map(async (cluster) => (await cluster.api.call('computers.keys', {})).authority),
    );
    expect(mine).toBe(theirs);
    expect(mine).not.toBe(before);
    expect((await two.api.call('computers.keys', {})).number).toBe(0);
    await two.stop();
    await two.start('--computer-port', '0');
    await expect(two.command('get', 'secret')).rejects.toThrow();
    expect(await three.command('get', 'secret')).toMatchObject({ siblings: [{ text: 'ours' }] });
  });
});

describe('programs on other computers', () => {
  test('reach the data over TLS with a login once a person opens it, and users are those of all computers', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    await join(one, two);
    await waitUntil('both are up', () => allUp(one, 2));
    const open = (on: boolean) => one.api.call('clients.open', { on });
    await expect(open(true)).rejects.toThrow('There is no user yet');
    const { password } = await two.api.call('access.addUser', { name: 'anna' });
    await waitUntil('the other computer knows the user', async () => {
      return (await one.api.call('access.view', {})).users.length === 1;
    });
    await expect(open(true)).rejects.toThrow('No login is required yet');
    await two.api.call('access.require', { required: true });
    await waitUntil('the other computer knows', async () => (await one.api.call('access.view', {})).required);
    await open(true);
    const placeOf = async () => {
      const { nodes } = await two.api.call('clients.view', {}).catch(() => ({ nodes: [] }));
      return nodes.find(({ network }) => network !== null)?.network ?? null;
    };
    await waitUntil('it is told where', async () => (await placeOf()) !== null);
    const [host, port] = (await placeOf())!.split(':');
    const { authority } = await two.api.call('clients.view', {});
    const facts = { host, port: Number(port), tls: { ca: authority! }, lazyConnect: true };
    const stranger = new Redis({ ...facts, retryStrategy: null });
    stranger.on('error', () => {});
    await expect(stranger.set('key', 'value')).rejects.toThrow('NOAUTH');
    const anna = new Redis({ ...facts, username: 'anna', password });
    expect(await anna.set('key', 'value')).toBe('OK');
    const slots = await anna.cluster('SLOTS');
    expect(slots.map(([, , [at, number]]) => `${at}:${number}`)).toEqual(slots.map(() => `${host}:${port}`));
    const pids = async () => (await one.nodes()).map(({ pid }) => pid);
    const before = await pids();
    await two.command('keys', 'replace', '--authority');
    let renewed = authority;
    await waitUntil('the other computer goes by the new authority', async () => {
      renewed = (await one.api.call('clients.view', {})).authority;
      return renewed !== authority;
    });
    // Until its node shows the new certificate, this one tries again.
    const told = new Redis({ ...facts, username: 'anna', password, tls: { ca: renewed! } });
    told.on('error', () => {});
    expect(await told.get('key')).toBe('value');
    const outdated = new Redis({ ...facts, username: 'anna', password, retryStrategy: null });
    outdated.on('error', () => {});
    await expect(outdated.get('key')).rejects.toThrow();
    expect(await anna.get('key')).toBe('value');
    expect(await pids()).toEqual(before);
    // Another key of its own, on these ports as well: programs go by the authority.
    await one.command('keys', 'replace', '--own');
    await waitUntil('it goes by the new key', async () => {
      return !(await one.api.call('computers.keys', {})).own.isUnderWay;
    });
    const later = new Redis({ ...facts, username: 'anna', password, tls: { ca: renewed! } });
    later.on('error', () => {});
    expect(await later.get('key')).toBe('value');
    const shown = await keyShownAt(host, Number(port));
    expect(shown).toBe((await standingOf(one)).fingerprint);
    expect(await pids()).toEqual(before);
    for (const client of [outdated, told, later]) client.disconnect();
    const plain = new Redis({ host, port: Number(port), retryStrategy: null, lazyConnect: true });
    plain.on('error', () => {});
    await expect(plain.get('key')).rejects.toThrow();
    for (const client of [stranger, anna, plain]) client.disconnect();
    await expect(one.api.call('access.require', { required: false })).rejects.toThrow('stays required');
    // At two computers at once: neither change is lost.
    await Promise.all([
      one.api.call('access.addUser', { name: 'ben' }),
      two.api.call('access.addUser', { name: 'carl' }),
    ]);
    await waitUntil('both know both', async () => {
      const seen = await Promise.all([one, two].map((cluster) => cluster.api.call('access.view', {})));
      return seen.every(
        ({ users }) =>
          users
            .map(({ name }) => name)
            .sort()
            .join() === 'anna,ben,carl',
      );
    });
  });

  test('reach keys over HTTP with TLS, by password or token, until the token is revoked at another computer', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    await join(one, two);
    await waitUntil('both are up', () => allUp(one, 2));
    const { password } = (await one.command('user', 'add', 'anna')) as { password: string };
    await one.command('user', 'require', 'on');
    await one.command('clients', 'open', '--interface', '127.0.0.1');
    const view = () => one.api.call('clients.view', {}).catch(() => null);
    await waitUntil('it is open', async () => (await view())?.httpNetwork.length === 1);
    await waitUntil('both are up again', () => allUp(one, 2));
    const { httpNetwork, authority, interfaces, http } = (await view())!;
    expect(interfaces).toEqual([
      { name: 'lo', kind: 'loopback', addresses: ['127.0.0.2'], isOpen: true, isThere: true },
    ]);
    const ask = (method: string, options: AskOptions = {}) =>
      askOver(new URL('kv/default/k', httpNetwork[0]), { ca: authority!, method, ...options });
    const basic = `Basic ${Buffer.from(`anna:${password}`).toString('base64')}`;
    expect(await ask('GET')).toMatchObject({ status: 401, challenge: expect.stringContaining('Bearer') });
    expect(await ask('PUT', { authorization: basic, body: 'v' })).toMatchObject({ status: 204 });

    const made = (await two.command('token', 'create', '--user', 'anna', '--name', 'till')) as {
      id: string;
      token: string;
    };
    const authorization = `Bearer ${made.token}`;
    await waitUntil('the other computer knows the token', async () => {
      return (await ask('GET', { authorization })).status === 200;
    });
    expect(await ask('GET', { authorization })).toMatchObject({ body: 'v' });
    expect(await ask('GET', { authorization, origin: 'https://a.example' })).toMatchObject({ status: 403 });
    expect(await ask('GET', { authorization: `${authorization}x` })).toMatchObject({ status: 401 });
    // On this computer as well.
    const local = await fetch(new URL('kv/default/k', http), { headers: { authorization } });
    expect([local.status, await local.text()]).toEqual([200, 'v']);
    const [listed] = (await one.command('token', 'list')) as [{ name: string; usedAtMs: number | null }];
    expect(listed).toMatchObject({ name: 'till', usedAtMs: expect.any(Number) });
    // Nothing else is there, and nothing of it in the plain.
    for (const path of ['/', '/login', '/api', '/session', '/metrics', '/health']) {
      const url = new URL(path, httpNetwork[0]);
      expect(await askOver(url, { ca: authority!, method: 'GET', authorization }), path).toMatchObject({
        status: 404,
      });
    }
    await expect(fetch(new URL('kv/default/k', httpNetwork[0].replace('https', 'http')))).rejects.toThrow();

    await two.command('token', 'revoke', made.id.slice(0, 6));
    await waitUntil('it is refused', async () => (await ask('GET', { authorization })).status === 401);
    expect(await ask('GET', { authorization: basic })).toMatchObject({ status: 200 });

    await one.command('clients', 'close', '--interface', 'lo');
    await waitUntil('it is closed', async () => (await view())?.isOpen === false);
    await expect(ask('GET', { authorization: basic })).rejects.toThrow();
  });
});

function keyShownAt(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve(keyFingerprint(new X509Certificate(socket.getPeerCertificate().raw)));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

interface AskOptions {
  readonly authorization?: string;
  readonly origin?: string;
  readonly body?: string;
}

function askOver(
  url: URL,
  { ca, method, body, ...headers }: AskOptions & { ca: string; method: string },
): Promise<{ status: number; body: string; challenge: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, method, agent: false, headers: { ...headers } }, (response) => {
      let text = '';
      response.on('data', (bytes) => {
        text += bytes;
      });
      response.on('end', () =>
        resolve({
          ...{ status: response.statusCode!, body: text },
          challenge: response.headers['www-authenticate'] ?? '',
        }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('a computer that asks to come in', () => {
  test('is told what is wrong with its code, and is shut out after five tries', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    const { code, link } = await one.api.call('computers.invite', {});
    const { at, ...right } = readJoinCode(link);
    const [address] = at;
    const ask = (text: string) => two.api.call('join.ask', { code: text, address });
    await expect(ask(`${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`)).rejects.toThrow('mistake');
    const otherCluster = encodeJoinCode({ ...right, fingerprint: Buffer.alloc(16, 1) });
    await expect(ask(otherCluster)).rejects.toThrow('Nothing was told to it');
    const wrong = encodeJoinCode({ ...right, secret: Buffer.alloc(10) });
    for (let attempt = 0; attempt < 5; attempt++) await expect(ask(wrong)).rejects.toThrow('is wrong');
    await expect(ask(code)).rejects.toThrow('not open here');
    expect(await standingOf(two)).toMatchObject({ state: 'alone' });
    expect(await one.api.call('computers.requests', {})).toEqual([]);
  });

  test('waits through restarts of both, and shows the fingerprint that the other one is shown', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    const { link } = await one.api.call('computers.invite', {});
    await two.api.call('join.ask', { code: link, nodes: 2 });
    const before = await standingOf(two);
    const port = Number(readJoinCode(link).at[0].split(':')[1]);
    await one.stop();
    await two.stop();
    await two.start('--computer-port', '0', '--computer-name', 'computer-3');
    await one.start(
      '--listen',
      '127.0.0.2',
      '--computer-port',
      String(port),
      '--computer-name',
      'computer-2',
    );
    expect(await standingOf(two)).toMatchObject({ state: 'waiting', fingerprint: before.fingerprint });
    const [request] = await one.api.call('computers.requests', {});
    expect(request).toMatchObject({ computer: 'computer-3', fingerprint: before.fingerprint, nodes: 2 });
    await one.api.call('computers.approve', { id: request.id });
    await waitUntil('it is in the cluster', () => isMember(two));
    await waitUntil('all are up', () => allUp(two, 3));
  });

  test('is told that it was refused, and its next request is not shown when it is blocked', async () => {
    const [one, two] = [await first(), await newcomer(3)];
    const ask = async () => {
      const { link } = await one.api.call('computers.invite', {});
      return two.api.call('join.ask', { code: link });
    };
    await ask();
    const [{ id }] = await one.api.call('computers.requests', {});
    await one.api.call('computers.refuse', { id, block: true });
    await waitUntil('it knows', async () => (await standingOf(two)).state === 'refused');
    await expect(ask()).rejects.toThrow('not wanted here');
    expect(await one.api.call('computers.requests', {})).toEqual([]);
  });
});

test('who has no certificate of the cluster gets nothing from the computer port', async () => {
  const one = await first();
  const { link } = await one.api.call('computers.invite', {});
  const [host, port] = readJoinCode(link).at[0].split(':');
  const ask = (path: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
      const body = JSON.stringify({ method: 'cluster.snapshot', input: {}, by: 'nobody' });
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
  for (const path of ['/news', '/layouts', '/call', '/repair', '/repairs', '/nothing']) {
    expect(await ask(path)).toMatch(/^HTTP\/1\.1 403.*"unauthorized"/s);
  }
  expect(await ask('/join')).toMatch(/^HTTP\/1\.1 400.*"bad-input"/s);
  expect(await allUp(one, 1)).toBe(true);
});

test('a computer port that is taken leaves the folder free for another try', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.5', resolve));
  const { port } = taken.address() as { port: number };
  const folder = mkdtempSync(pathOf(tmpdir(), 'coterie-taken-'));
  const log = { info() {}, warn() {}, error() {} };
  const open = (computerPort: number) =>
    openComputer(
      { launcher: new ForkLauncher('no program is started'), log, keyStore: { box: null, whyNone: '' } },
      {
        ...{ folder, programFolder: folder, nodes: { office: 1 }, clusterName: 'one', readOnly: false },
        ...{ uiPort: 0, controlPort: 0, clientPort: 0, peerPort: 0, computerPort, listen: '127.0.0.5' },
      },
    );
  try {
    await expect(open(port)).rejects.toMatchObject({ code: 'busy' });
    await (await open(0)).stop();
  } finally {
    taken.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
