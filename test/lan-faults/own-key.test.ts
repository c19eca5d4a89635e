/** A computer gets another key on a network where beacons are heard: it is found under it, and nobody takes it for a second one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Computer } from '../lan/support/computer.ts';
import { settled } from '../lan/support/computer.ts';
import { lanMissing } from '../lan/support/lan.ts';
import { Surroundings } from '../lan/support/surroundings.ts';
import { waitUntil } from '../support/cluster.ts';

const missing = lanMissing();

describe.skipIf(missing !== null)(
  `another key of a computer${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;
    let computers: Computer[];

    beforeAll(async () => {
      all = await Surroundings.open(3);
      computers = all.computers;
      await all.formCluster();
    }, 120_000);
    afterAll(() => all?.close());

    test('is used without a gap under load, and after a power cut on the way', async () => {
      const [asking, changing] = computers;
      for (const computer of computers) {
        await computer.visitor.ask('startLoad', { name: computer.name });
      }
      const keyOf = async (at: Computer) => {
        const { computers: seen } = await at.api('cluster.snapshot', {});
        return seen.find(({ name }) => name === changing.name)?.fingerprint;
      };
      const before = await keyOf(asking);
      await asking.command('keys', 'replace', '--computer', changing.name);
      await waitUntil('the others know it by the new key alone', async () => {
        const keys = await Promise.all(computers.map(keyOf));
        const { own } = await changing.api('computers.keys', {});
        return !own.isUnderWay && keys.every((key) => key === keys[0] && key !== before);
      });
      const figures = await Promise.all(computers.map((computer) => computer.visitor.ask('loadFigures', {})));
      for (const { retried, failed, stale } of figures) {
        expect({ retried, failed, stale }).toEqual({ retried: 0, failed: [], stale: [] });
      }
      process.stdout.write(`Load: ${JSON.stringify(figures)}\n`);
      for (const computer of computers) await computer.visitor.ask('endLoad', {});

      // Once more, with the power cut in the middle.
      const first = await keyOf(asking);
      await asking.command('keys', 'replace', '--computer', changing.name);
      await all.lan.cutPower(changing.number);
      await changing.powerOn();
      await waitUntil('it is over', async () => !(await changing.api('computers.keys', {})).own.isUnderWay);
      await settled(computers, 60_000);
      expect(await keyOf(asking)).not.toBe(first);
      for (const computer of computers) {
        const found = await computer.api('network.found', {});
        const others = computers.filter((one) => one !== computer).map(({ name }) => name);
        expect(found.map((one) => one.computer).sort()).toEqual(others.sort());
        const told = await computer.api('activity.list', {});
        expect(told.filter(({ message }) => /Somebody else says|copy of the data/.test(message))).toEqual([]);
      }
    });
  },
);
