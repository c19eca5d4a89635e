/**
 * A cluster of five computers from five fresh folders: found over UDP, let in with codes, and nothing typed but those. What went over
 * the wire meanwhile is searched for everything that nobody on the network may read.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJoinCode } from '../../core/security/join-code.ts';
import { waitUntil } from '../support/cluster.ts';
import { type Computer, settled } from './support/computer.ts';
import { type Capture, canListen, lanMissing } from './support/lan.ts';
import { Surroundings } from './support/surroundings.ts';

const missing = lanMissing();
const settledWithinSeconds = 15;

describe.skipIf(missing !== null)(
  `five fresh computers on one network${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;
    let computers: Computer[];
    let capture: Capture | null = null;
    const codes: string[] = [];

    beforeAll(async () => {
      all = await Surroundings.open(5);
      computers = all.computers;
      if (canListen) capture = await all.lan.listen();
      await all.startFresh();
    });
    afterAll(() => all?.close());

    test('find each other and become one cluster, within seconds of the last approval', async () => {
      const [first, ...others] = computers;
      for (const newcomer of others) {
        await waitUntil(`${newcomer.name} hears the cluster`, async () => {
          const found = await newcomer.api('network.found', {});
          return found.some(({ computer, cluster }) => computer === first.name && cluster !== null);
        });
        const invitation = (await first.command('invite')) as { code: string };
        codes.push(invitation.code);
      }
      const joining = others.map((newcomer, index) =>
        newcomer.command('join', codes[index], '--timeout', '90'),
      );
      // A refusal ends the test at once.
      const joined = Promise.all(joining);
      const asked = waitUntil('four ask to come in', async () => {
        const requests = await first.api('computers.requests', {});
        return requests.length === others.length;
      });
      await Promise.race([asked, joined]);
      const requests = (await first.command('requests')) as { id: string }[];
      for (const { id } of requests) await first.command('approve', id);
      const startedMs = performance.now();
      await settled(computers, 60_000);
      const seconds = (performance.now() - startedMs) / 1_000;
      process.stdout.write(`Settled ${seconds.toFixed(1)} s after the last of four approvals.\n`);
      for (const standing of await joined) expect(standing).toMatchObject({ state: 'member' });
      expect(seconds).toBeLessThan(settledWithinSeconds);
      const names = computers.map(({ name }) => name).sort();
      for (const computer of computers) {
        const seen = (await computer.command('computers')) as { name: string; state: string }[];
        expect(seen.map(({ name }) => name).sort()).toEqual(names);
        await waitUntil(`${computer.name} reaches all others`, async () => {
          const now = (await computer.api('cluster.snapshot', {})).computers;
          return now.every(({ state, self }) => state === (self ? 'here' : 'reached'));
        });
      }
    });

    test.skipIf(!canListen)(
      `nothing that went over the wire can be read${canListen ? '' : ' (skipped: Python is not here)'}`,
      async () => {
        const marks = Array.from({ length: 20 }, (_, index) => `marked-${index}-7Qx`);
        const { name: username, password } = await computers[0].api('access.addUser', { name: 'ada' });
        for (const [index, mark] of marks.entries()) {
          const writer = computers[index % 5];
          const reader = computers[(index + 1) % 5];
          await writer.redis('SET', `key-${mark}`, `value-${mark}`.repeat(50));
          expect(await reader.redis('GET', `key-${mark}`)).toContain(`value-${mark}`);
        }
        const user = { username, password };
        const words = ['SET', 'key-marked-by-ada', 'value-marked-by-ada'];
        expect(await computers[0].visitor.ask('redis', { words, user })).toBe('OK');
        const frames = await capture!.stop();
        const wire = Buffer.concat(frames);
        // It was not deaf: names in beacons are for everybody, and the values were sent.
        expect(wire.includes('computer-3')).toBe(true);
        expect(wire.length).toBeGreaterThan(100_000);

        const secret = computers[0].file('cluster-secret').toString().trim();
        const trust = JSON.parse(computers[0].file('trust.json').toString()) as {
          authority: { privateKey: string };
        };
        const secretOfAuthority = trust.authority.privateKey.split('\n')[2];
        const silent = {
          keys: 'key-marked',
          values: 'value-marked',
          password,
          secret,
          secretBytes: Buffer.from(secret, 'hex'),
          secretOfAuthority,
          ...Object.fromEntries(codes.map((code, index) => [`code ${index}`, code])),
          ...Object.fromEntries(
            codes.map((code, index) => [`its secret ${index}`, readJoinCode(code).secret]),
          ),
        };
        const told = Object.entries(silent).filter(([, bytes]) => wire.includes(bytes));
        expect(told.map(([what]) => what)).toEqual([]);
      },
    );

    test('one that is shut out loses its connections within seconds, and gets nothing afterwards', async () => {
      const [first, , out] = computers;
      const before = await out.visitor.ask('connections', {});
      expect(before.length).toBeGreaterThan(0);
      await first.redis('SET', 'before it was shut out', 'yes');
      await first.command('computer', 'remove', out.name, '--now');
      const startedMs = performance.now();
      let open = before;
      const ended = async () => {
        const now = await out.visitor.ask('connections', {});
        open = before.filter((connection) => now.includes(connection));
        return open.length === 0;
      };
      await waitUntil('its connections end', ended, 5_000).catch(() => {});
      expect.soft(open).toEqual([]);
      process.stdout.write(
        `Its connections ended in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s.\n`,
      );
      await settled(
        computers.filter((computer) => computer !== out),
        30_000,
      );
      await waitUntil('it sees that the others are away', async () => {
        const seen = (await out.api('cluster.snapshot', {})).computers;
        return seen.every(({ state }) => state !== 'reached');
      });
      await expect(out.redis('SET', 'after it was shut out', 'no')).rejects.toThrow();
      await expect(out.redis('GET', 'before it was shut out')).rejects.toThrow();
      await first.redis('SET', 'after it was shut out', 'yes');
      expect(await computers[4].redis('GET', 'after it was shut out')).toBe('yes');
      expect(await out.redis('GET', 'after it was shut out').catch(() => 'refused')).toBe('refused');
    });
  },
);
