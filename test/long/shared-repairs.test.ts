/** Repairs of a cluster of several computers: seen and decided on at each of them, and not lost with the one that runs them. */
import { afterEach, expect, test } from 'vitest';
import type { RepairJob } from '../../core/contract/repair-views.ts';
import { type RealCluster, waitUntil } from '../support/cluster.ts';
import { allUp, join, RealComputers } from '../support/computers.ts';

const computers = new RealComputers();
afterEach(() => computers.dispose());

const repairsOf = (cluster: RealCluster) => cluster.api.call('repairs.list', {});
const jobOf = async (cluster: RealCluster, id: string): Promise<RepairJob | undefined> =>
  (await repairsOf(cluster)).jobs.find((job) => job.id === id);
const doneIn = (job: RepairJob | undefined) =>
  job?.segments.filter(({ state }) => state === 'done').length ?? 0;

async function settledTwo(): Promise<[RealCluster, RealCluster]> {
  const [one, two] = [await computers.first(), await computers.newcomer(3)];
  await join(one, two, { dataCenter: 'warehouse', nodes: 2 });
  await waitUntil('all are up', async () => (await allUp(one, 3)) && (await allUp(two, 3)));
  const isSettled = async () => (await one.api.call('layout.show', {})).state === 'settled';
  await waitUntil('the change is over', isSettled);
  await one.api.call('keyspaces.alter', { name: 'default', factors: { office: 1, warehouse: 2 } });
  return [one, two];
}

test('a repair and a schedule are those of all computers, and a repair goes on when its computer dies', async () => {
  const [one, two] = await settledTwo();
  // Of replicas that stay when the other computer is gone.
  const { id } = await one.api.call('repairs.run', {
    ...{ keyspace: 'default', dataCenters: ['warehouse'], lastPartition: 63 },
  });
  const schedule = await one.api.call('repairs.schedule', { keyspace: 'default', at: '03:00' });
  await waitUntil('the other computer shows both', async () => {
    const { jobs, schedules } = await repairsOf(two);
    return jobs.length === 1 && schedules.length === 1;
  });
  expect((await repairsOf(two)).schedules).toEqual([schedule]);
  expect(await jobOf(two, id)).toMatchObject({ askedOn: 'computer-2', runsOn: 'computer-2' });
  const told = async (cluster: RealCluster, words: RegExp) =>
    (await cluster.api.call('activity.list', {})).find(({ message }) => words.test(message));
  expect(await told(two, /Repair of default was asked for/)).toMatchObject({
    by: 'person',
    who: expect.stringMatching(/\(command line\) at computer-2$/),
  });

  // Decided at the other computer, done by the one that runs it.
  await two.command('repair', 'pause', id);
  expect((await jobOf(one, id))?.state).toBe('paused');
  expect(await told(one, /repair of default is paused/)).toMatchObject({
    who: expect.stringMatching(/\(command line\) at computer-3$/),
  });
  await waitUntil('both show it', async () => (await jobOf(two, id))?.state === 'paused');
  await two.command('repair', 'resume', id);
  expect(await jobOf(one, id)).toMatchObject({ state: 'running', runsOn: 'computer-2' });

  await waitUntil('some of it is done, and known', async () => doneIn(await jobOf(two, id)) > 2);
  const known = doneIn(await jobOf(two, id));
  await one.killAll();
  await waitUntil('it goes on', async () => (await jobOf(two, id))?.runsOn === 'computer-3', 60_000);
  expect(doneIn(await jobOf(two, id))).toBeGreaterThanOrEqual(known);
  await waitUntil('it is done', async () => (await jobOf(two, id))?.state === 'done', 60_000);
  expect((await jobOf(two, id))!.segments.every(({ state }) => state === 'done')).toBe(true);

  // What is decided meanwhile holds for the one that was away.
  await two.command('repair', 'unschedule', schedule.id);
  await one.start('--computer-port', '0');
  await waitUntil('it knows', async () => {
    const { jobs, schedules } = await repairsOf(one);
    return schedules.length === 0 && jobs[0].state === 'done';
  });
  expect(await jobOf(one, id)).toMatchObject({ runsOn: 'computer-3' });
});
