/** What computers of one cluster may do by their role: at their own command line, and when they ask another one behind its back. */
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { credentialsOf } from '../../core/host/computers/trust.ts';
import { ComputerCalls } from '../../core/platform/computer-calls.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { readTrust } from '../../core/security/trust-store.ts';
import { type RealCluster, waitUntil } from '../support/cluster.ts';
import { allUp, join, RealComputers } from '../support/computers.ts';

const computers = new RealComputers();
afterEach(() => computers.dispose());

const mayLook =
  /may look, and change nothing\. To change that, at an owner: coterie computer role computer-3 owner/;
const rolesAt = async (cluster: RealCluster) =>
  ((await cluster.command('computers')) as { name: string; role: string }[]).map(({ name, role }) => [
    name,
    role,
  ]);
const stateAt = async (cluster: RealCluster, name: string) =>
  (await cluster.nodes()).find((node) => node.name === name)?.state;

/** As the viewer's host would, if somebody had changed it: with its key, and without asking it. */
async function behindItsBack(member: RealCluster, to: RealCluster, method: string, input: object) {
  const trust = await readTrust(new NodeDisk(member.folder), member.folder);
  const { computers } = await to.api.call('cluster.snapshot', {});
  const [host, port] = computers.find(({ self }) => self)!.address!.split(':');
  const calls = new ComputerCalls(
    () => credentialsOf(trust!),
    () => true,
  );
  try {
    const body = Buffer.from(JSON.stringify({ method, input, by: 'somebody' }));
    return await calls.call({ host, port: Number(port) }, '/call', body, { withinMs: 10_000 });
  } finally {
    calls.close();
  }
}

test('a viewer sees all and changes nothing while data goes on; an operator runs nodes; an owner does everything', async () => {
  const [one, two] = [await computers.first(), await computers.newcomer(3)];
  await join(one, two, { role: 'viewer' });
  await waitUntil('both are up, as each of them sees it', async () => (await allUp(one, 2)) && allUp(two, 2));
  const [mine] = (await one.api.call('cluster.snapshot', {})).nodes.filter(
    ({ computer }) => computer === 'computer-2',
  );

  // It sees what the owner sees.
  const both = [
    ['computer-2', 'owner'],
    ['computer-3', 'viewer'],
  ];
  expect([await rolesAt(one), await rolesAt(two)]).toEqual([both, both]);

  // It changes nothing: neither elsewhere, nor at itself, nor by asking the other one behind its own back.
  await expect(two.command('node', 'stop', mine.name)).rejects.toThrow(mayLook);
  await expect(two.command('keyspace', 'create', 'theirs')).rejects.toThrow(mayLook);
  await expect(two.command('put', 'greeting', 'theirs')).rejects.toThrow(mayLook);
  await expect(two.command('computer', 'role', 'computer-3', 'owner')).rejects.toThrow(mayLook);
  await expect(behindItsBack(two, one, 'nodes.stop', { name: mine.name })).rejects.toMatchObject({
    ...{ code: 'unauthorized', message: expect.stringMatching(/^computer-3 may look/) },
  });
  const itself = { name: 'computer-3', role: 'owner' };
  await expect(behindItsBack(two, one, 'computers.setRole', itself)).rejects.toThrow(/^computer-3 may look/);
  await expect(two.command('computer', 'role', 'computer-3', 'owner', '--take')).rejects.toThrow(
    /^.*computer-2 is an owner, and was there within the last hour/,
  );
  expect(await stateAt(one, mine.name)).toBe('up');

  // Programs go on there: that is a matter of users.
  const { nodes } = await two.api.call('clients.view', {});
  const [, port] = nodes.find(({ local }) => local !== null)!.local!.split(':');
  const program = new Redis({ host: '127.0.0.1', port: Number(port), lazyConnect: true });
  await program.connect();
  expect(await program.set('greeting', 'hello')).toBe('OK');
  program.disconnect();
  expect(await one.command('get', 'greeting')).toMatchObject({ siblings: [{ text: 'hello' }] });

  // The owner does at the viewer's computer what it likes.
  const [theirs] = (await one.nodes()).filter(({ name }) => name !== mine.name);
  await one.command('node', 'stop', theirs.name);
  await waitUntil('it is stopped', async () => (await stateAt(two, theirs.name)) === 'stopped');
  await one.command('node', 'start', theirs.name);

  // An operator runs nodes, and does not change what the cluster is made of.
  await one.command('computer', 'role', 'computer-3', 'operator');
  const isAt = (cluster: RealCluster, role: string) => async () =>
    (await cluster.api.call('cluster.snapshot', {})).computers.find(({ name }) => name === 'computer-3')
      ?.role === role;
  await waitUntil('it knows', isAt(two, 'operator'));
  await waitUntil('all are up again', () => allUp(two, 2));
  await two.command('node', 'stop', mine.name);
  await waitUntil('it is stopped', async () => (await stateAt(two, mine.name)) === 'stopped');
  await two.command('node', 'start', mine.name);
  await waitUntil('all are up again', () => allUp(two, 2));
  await expect(two.command('keyspace', 'create', 'theirs')).rejects.toThrow(/may run the cluster, and not/);

  // The last owner stays one; with another one it may go back.
  await expect(one.command('computer', 'role', 'computer-2', 'viewer')).rejects.toThrow(
    'computer-2 is the only owner',
  );
  await one.command('computer', 'role', 'computer-3', 'owner');
  await waitUntil('it knows', isAt(two, 'owner'));
  await two.command('keyspace', 'create', 'theirs');
  await two.command('computer', 'role', 'computer-2', 'viewer');
  await waitUntil('the other one knows', async () =>
    one.command('node', 'stop', theirs.name).then(
      () => false,
      ({ message }: Error) => message.includes('computer role computer-2 owner'),
    ),
  );

  // Every computer tells what became of whom, who wanted it, and where.
  const toldAt = async (cluster: RealCluster) =>
    (await cluster.api.call('activity.list', {})).filter(({ message }) => /is an? \w+ now/.test(message));
  await waitUntil('both tell of all', async () => {
    return (await toldAt(one)).length === 3 && (await toldAt(two)).length === 3;
  });
  const last = (await toldAt(one)).find(({ message }) => message.includes('computer-2 is a viewer now'));
  expect(last?.who).toMatch(/\(command line\) at computer-3$/);
  const [newest] = await two.api.call('layout.history', {});
  expect(newest.changes).toEqual(['computer-2 is a viewer now: it may look, and change nothing']);
});
