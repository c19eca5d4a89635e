/** A cluster whose only owner is gone for good: another computer makes itself one, between real computers, once an hour has passed. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Computer, joinAt, settled } from '../lan/support/computer.ts';
import { lanMissing } from '../lan/support/lan.ts';
import { Surroundings } from '../lan/support/surroundings.ts';
import { waitUntil } from '../support/cluster.ts';

const missing = lanMissing();
const clock = join(import.meta.dirname, '../lan/support/leaping-clock.mjs');

describe.skipIf(missing !== null)(
  `a cluster without its owner${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;
    let owner: Computer;
    let operator: Computer;
    let viewer: Computer;

    beforeAll(async () => {
      all = await Surroundings.open(3);
      [owner, operator, viewer] = all.computers;
      operator.environment = { NODE_OPTIONS: `--import ${clock}` };
      await all.startFresh();
      for (const newcomer of [operator, viewer]) await joinAt(owner, newcomer);
      await settled(all.computers, 60_000);
      await owner.command('computer', 'role', operator.name, 'operator');
      await owner.command('computer', 'role', viewer.name, 'viewer');
    }, 120_000);
    afterAll(() => all?.close());

    const roles = async (at: Computer) => {
      const { computers } = await at.api('cluster.snapshot', {});
      return Object.fromEntries(computers.map(({ name, role }) => [name, role]));
    };
    const take = () => operator.command('computer', 'role', operator.name, 'owner', '--take');

    test('may be taken over once the owner has been silent for an hour, and not before', async () => {
      await waitUntil('both know their roles', async () => {
        const seen = await Promise.all([operator, viewer].map(roles));
        return seen.every((each) => each[operator.name] === 'operator' && each[viewer.name] === 'viewer');
      });
      await all.lan.cutPower(owner.number);
      await waitUntil('it is away', async () => {
        const { computers } = await operator.api('cluster.snapshot', {});
        return computers.find(({ name }) => name === owner.name)?.state === 'away';
      });
      await expect(take()).rejects.toThrow('was there within the last hour');
      await expect(operator.command('keys', 'replace')).rejects.toThrow('owner');
      process.kill(operator.hostPid, 'SIGUSR2');
      await take();
      expect((await roles(operator))[operator.name]).toBe('owner');
      await waitUntil('the other computer knows it, and tells of it', async () => {
        const told = await viewer.api('activity.list', {});
        const isTold = told.some(({ message }) => message.includes(`${operator.name} made itself an owner`));
        return isTold && (await roles(viewer))[operator.name] === 'owner';
      });
      // What an owner may, and an operator may not.
      await operator.command('computer', 'role', viewer.name, 'operator');
      await operator.command('keys', 'replace');
    });

    test('goes on when the owner is back after all, which takes it back', async () => {
      await owner.powerOn();
      await settled(all.computers, 60_000);
      await waitUntil('it knows what was decided', async () => {
        return (await roles(owner))[operator.name] === 'owner';
      });
      await owner.command('computer', 'role', operator.name, 'operator');
      await waitUntil('that is known', async () => (await roles(operator))[operator.name] === 'operator');
      await expect(operator.command('computer', 'role', viewer.name, 'viewer')).rejects.toThrow('owner');
    });
  },
);
