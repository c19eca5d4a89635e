/** A computer that gets another key of its own, among others: real processes over real TLS, each on an address of its own. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { credentialsOf } from '../../core/host/computers/trust.ts';
import { ComputerCalls } from '../../core/platform/computer-calls.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { readTrust } from '../../core/security/trust-store.ts';
import { type RealCluster, waitUntil } from '../support/cluster.ts';
import { allUp, join, RealComputers } from '../support/computers.ts';

const computers = new RealComputers();
const folders: string[] = [];
afterEach(async () => {
  await computers.dispose();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const fingerprintOf = async (cluster: RealCluster) =>
  (await cluster.api.call('computer.standing', {})).fingerprint;
const ownOf = async (cluster: RealCluster) => (await cluster.api.call('computers.keys', {})).own;

/** Who copied the folder of a computer calls another one with what it found there. */
async function callerFrom(folder: string) {
  const trust = (await readTrust(new NodeDisk(folder), folder))!;
  const calls = new ComputerCalls(
    () => credentialsOf(trust),
    () => true,
  );
  return {
    ask: (to: { host: string; port: number }) =>
      calls.call(to, '/keys', Buffer.alloc(0), { withinMs: 4_000 }).then(
        () => 'answered',
        ({ message }: Error) => message,
      ),
    close: () => calls.close(),
  };
}

describe('a computer that gets another key', () => {
  test('is reached as before, refuses nobody meanwhile, and a copy of its disk gets nothing any more', async () => {
    const [one, two, three] = [
      await computers.first(),
      await computers.newcomer(3),
      await computers.newcomer(4),
    ];
    await join(one, two);
    await join(one, three);
    await waitUntil('all are up', () => allUp(one, 3));
    await waitUntil('the change is over', async () => {
      return (await one.api.call('layout.show', {})).state === 'settled';
    });
    const copy = mkdtempSync(pathOf(tmpdir(), 'coterie-copy-'));
    folders.push(copy);
    cpSync(pathOf(two.folder, 'trust.json'), pathOf(copy, 'trust.json'));
    const thief = await callerFrom(copy);
    const { computers: seen } = await two.api.call('cluster.snapshot', {});
    const [host, port] = seen.find(({ name }) => name === 'computer-2')!.address!.split(':');
    const at = { host, port: Number(port) };
    expect(await thief.ask(at)).toBe('answered');

    const before = await fingerprintOf(two);
    let isOver = false;
    const outcomes: string[] = [];
    /** Every value goes to all three, so each link is used all the time. */
    const client = async (cluster: RealCluster, name: string) => {
      for (let count = 0; !isOver; count++) {
        const key = `${name}-${count % 50}`;
        const value = String(count);
        try {
          await cluster.api.call('data.put', { keyspace: 'default', key, value, plain: true, level: 'ALL' });
        } catch (cause) {
          outcomes.push(`${name} ${count}: ${(cause as Error).message}`);
        }
        // Each is an entry of the activity, which holds the last ones.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return `${name} done`;
    };
    const clients = [client(one, 'one'), client(two, 'two'), client(three, 'three')];
    const pids = async () => (await one.nodes()).map(({ pid }) => pid);
    const pidsBefore = await pids();
    // Asked at another computer, for this one.
    await one.command('keys', 'replace', '--computer', 'computer-3');
    await waitUntil('it is over', async () => !(await ownOf(two)).isUnderWay);
    const overMs = performance.now();
    await waitUntil('the copy is refused', async () => /not one of the cluster/.test(await thief.ask(at)));
    expect(performance.now() - overMs).toBeLessThan(5_000);
    thief.close();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    isOver = true;
    await Promise.all(clients);
    expect(outcomes).toEqual([]);

    const after = await fingerprintOf(two);
    expect(after).not.toBe(before);
    for (const cluster of [one, three]) {
      const { computers: known } = await cluster.api.call('cluster.snapshot', {});
      expect(known.find(({ name }) => name === 'computer-3')).toMatchObject({
        fingerprint: after,
        state: 'reached',
      });
    }
    expect(await pids()).toEqual(pidsBefore);
    // The copy had the secret as well.
    await waitUntil('there is another secret', async () => {
      return (await one.api.call('computers.keys', {})).number === 1;
    });
    const told = await three.api.call('activity.list', {});
    expect(told.some(({ message }) => /computer-3 goes by its new key/.test(message))).toBe(true);
    expect(told.every(({ message }) => !/Somebody else says|copy of the data folder/.test(message))).toBe(
      true,
    );
    // After a start it is the same, also with what its disk held.
    await two.stop();
    await two.start('--computer-port', '0', '--computer-name', 'computer-3');
    await waitUntil('all are up again', () => allUp(one, 3));
    expect(await fingerprintOf(two)).toBe(after);
    expect(readFileSync(pathOf(two.folder, 'trust.json'), 'utf8')).not.toContain('"next"');
  });

  test('waits for one that is away, says so, goes on after a restart, and is over once that one is back', async () => {
    const [one, two] = [await computers.first(), await computers.newcomer(3)];
    await join(one, two);
    await waitUntil('both are up', () => allUp(one, 2));
    const { computers: known } = await two.api.call('cluster.snapshot', {});
    const port = known.find(({ name }) => name === 'computer-2')!.address!.split(':')[1];
    await two.stop();
    await waitUntil('it is away', async () => {
      const { computers: seen } = await one.api.call('cluster.snapshot', {});
      return seen.some(({ state }) => state === 'away');
    });
    const before = await fingerprintOf(one);
    expect(await one.command('keys', 'replace', '--own')).toMatchObject({
      isUnderWay: true,
      waitsFor: ['computer-3'],
    });
    // Asked for again, it makes another one, which waits as well.
    expect(await one.command('keys', 'replace', '--own')).toMatchObject({ waitsFor: ['computer-3'] });
    await one.stop();
    await one.start('--listen', '127.0.0.2', '--computer-port', port, '--computer-name', 'computer-2');
    expect(await ownOf(one)).toEqual({ isUnderWay: true, waitsFor: ['computer-3'] });
    expect(await fingerprintOf(one)).toBe(before);
    await two.start('--computer-port', '0', '--computer-name', 'computer-3');
    await waitUntil('it is over', async () => !(await ownOf(one)).isUnderWay);
    expect(await fingerprintOf(one)).not.toBe(before);
    await waitUntil('both are up', () => allUp(two, 2));
    await two.command('put', 'greeting', 'hello');
    expect(await one.command('get', 'greeting')).toMatchObject({ siblings: [{ text: 'hello' }] });
  });
});

test('a computer that was taken out, and has heard so, starts again, says so, and takes itself for nobody else', async () => {
  const [one, two] = [await computers.first(), await computers.newcomer(3)];
  await join(one, two);
  await waitUntil('both are up', () => allUp(one, 2));
  const said = () => readFileSync(pathOf(two.folder, 'computers.json'), 'utf8');
  const before = said();
  await one.command('computer', 'remove', 'computer-3');
  const isOut = async () =>
    (await two.api.call('computer.standing', {})).detail?.includes('taken out of the cluster') === true;
  await waitUntil('it knows', isOut, 60_000);
  await two.stop();
  await two.start('--computer-port', '0');
  expect(await isOut()).toBe(true);
  expect(said()).toBe(before);
});
