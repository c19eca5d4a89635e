/** Join codes between real computers: wrong, used up, and typed where somebody else listens; and a second data center by invitation. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeJoinCode, readJoinCode } from '../../core/security/join-code.ts';
import { type Computer, computerPort, joinAt, settled } from '../lan/support/computer.ts';
import { lanMissing } from '../lan/support/lan.ts';
import { Surroundings } from '../lan/support/surroundings.ts';
import type { Visitor } from '../lan/support/visitor.ts';
import { waitUntil } from '../support/cluster.ts';

const missing = lanMissing();

/** As with one letter mistaken, and a check that fits. */
function wrong(code: string): string {
  const { secret, ...rest } = readJoinCode(code);
  return encodeJoinCode({ ...rest, secret: Buffer.from(secret.map((byte) => byte ^ 1)) });
}

describe.skipIf(missing !== null)(
  `join codes between computers${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;
    let inviting: Computer;
    let newcomer: Computer;
    let far: Computer;
    let middle: Visitor;
    let middleAt: string;

    beforeAll(async () => {
      all = await Surroundings.open(3, 1);
      [inviting, newcomer, far] = all.computers;
      middle = all.visitorAt(4);
      middleAt = `${all.lan.addressOf(4)}:${computerPort}`;
      await Promise.all([inviting.start('--nodes', '1'), newcomer.start('--no-cluster')]);
      await waitUntil('the cluster is heard', async () => {
        const found = await newcomer.api('network.found', {});
        return found.some(({ cluster }) => cluster !== null);
      });
    });
    afterAll(() => all?.close());

    const newCode = async () => ((await inviting.command('invite')) as { code: string }).code;
    const asked = (code: string, address?: string) =>
      newcomer.api('join.ask', { code, address, nodes: 1 }).then(
        ({ state }) => state as string,
        ({ message }: Error) => message,
      );
    const at = () => `${inviting.address}:${computerPort}`;

    test('a wrong code is refused in words, and five wrong tries use the right one up', async () => {
      const code = await newCode();
      await expect(newcomer.command('join', wrong(code), '--address', at())).rejects.toThrow(
        'The join code is wrong. Compare it, or make a new one.',
      );
      for (let count = 2; count <= 5; count++)
        expect.soft(await asked(wrong(code))).toContain('code is wrong');
      expect(await asked(code)).toContain('not open here: it was used, has expired');
      await expect(newcomer.command('join', `${code.slice(0, -1)}!`)).rejects.toThrow('no join code');
      expect(await inviting.command('requests')).toEqual([]);
    });

    test('a code that has expired is refused in words, and does not end a request that waits', async () => {
      const made = (await inviting.command('invite', '--valid', '4')) as {
        code: string;
        expiresAtMs: number;
      };
      const leftMs = made.expiresAtMs - Date.now();
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(4_000);
      expect(await asked(made.code, at())).toBe('waiting');
      const late = (await inviting.command('invite', '--valid', '1')) as {
        code: string;
        expiresAtMs: number;
      };
      const pastMs = Math.max(made.expiresAtMs, late.expiresAtMs) + 500;
      await waitUntil('both are over', () => Date.now() > pastMs);
      await far.start('--no-cluster');
      await expect(far.command('join', late.code, '--address', at())).rejects.toThrow(
        'This join code is not open here: it was used, has expired, or is of another computer. Make a new one.',
      );
      expect(await far.api('computer.standing', {})).toMatchObject({ state: 'alone' });
      await far.stop();
      // Who asked in time waits for a person, however long that takes.
      expect(await newcomer.api('computer.standing', {})).toMatchObject({ state: 'waiting' });
      const requests = (await inviting.command('requests')) as { id: string; computer: string }[];
      expect(requests.map(({ computer }) => computer)).toEqual([newcomer.name]);
      await inviting.command('refuse', requests[0].id);
      await waitUntil('it hears that it was refused', async () => {
        return (await newcomer.api('computer.standing', {})).state === 'refused';
      });
      await expect(inviting.command('invite', '--valid', '601')).rejects.toThrow();
      await expect(inviting.command('invite', '--valid', '0')).rejects.toThrow();
    });

    test('somebody in between learns nothing, whatever certificates he shows', async () => {
      const code = await newCode();
      const { cluster } = await inviting.api('cluster.snapshot', {});
      const authority = await middle.ask('authorityOf', { host: inviting.address, port: computerPort });
      // Where the newcomer hears nobody but him: else it asks those that it hears, next.
      all.lan.split(far.number, 4);
      try {
        await far.start('--no-cluster');
        for (const shown of [undefined, authority]) {
          const setUp = { port: computerPort, clusterId: cluster.id, authority: shown };
          await middle.ask('standBetween', setUp);
          const refusal = far.command('join', code, '--address', middleAt);
          const outcome = await refusal.then(String, ({ message }: Error) => message);
          expect(outcome).toContain('is not a computer of the cluster that the join code is for');
          expect(outcome).toContain('Nothing was told to it');
          const { calls, heard } = await middle.ask('stopBetween', {});
          expect(calls).toBe(1);
          expect(heard).toBe('');
        }
      } finally {
        all.lan.heal();
      }
      // The code is good as before: he could not use it up either.
      expect(await asked(code, at())).toBe('waiting');
      const [{ id }] = (await inviting.command('requests')) as { id: string }[];
      await inviting.command('refuse', id);
      await waitUntil('it hears that it was refused', async () => {
        return (await newcomer.api('computer.standing', {})).state === 'refused';
      });
    });

    test('a code lets one computer in, and no second one', async () => {
      const code = await newCode();
      expect(await asked(code, at())).toBe('waiting');
      await expect(far.command('join', code, '--address', at())).rejects.toThrow(
        'not open here: it was used',
      );
      const [{ id, computer }] = (await inviting.command('requests')) as { id: string; computer: string }[];
      expect(computer).toBe(newcomer.name);
      await inviting.command('approve', id);
      await settled([inviting, newcomer]);
    });

    test('an invitation to another data center makes a second one', async () => {
      await joinAt(newcomer, far, 'warehouse');
      await settled([inviting, newcomer, far]);
      const { dataCenters, computers, nodes } = await far.api('cluster.snapshot', {});
      expect([...dataCenters].sort()).toEqual(['office', 'warehouse']);
      expect(computers.find(({ name }) => name === far.name)?.dataCenter).toBe('warehouse');
      const placed = nodes.map((node) => node.dataCenter).sort();
      expect(placed).toEqual(['office', 'office', 'warehouse']);
      await inviting.redis('SET', 'across', 'both');
      expect(await far.redis('GET', 'across')).toBe('both');
      const settings = (await inviting.command('keyspace', 'list')) as { factors: Record<string, number> }[];
      process.stdout.write(`Copies: ${JSON.stringify(settings[0].factors)}\n`);
    });
  },
);
