/** A computer at the end of a long way, such as a tunnel to another house: it is one of the cluster, and slower. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canListen, lanMissing } from '../lan/support/lan.ts';
import { Surroundings } from '../lan/support/surroundings.ts';
import { waitUntil } from '../support/cluster.ts';

const missing = lanMissing() ?? (canListen ? null : 'Python is not here');
const delayMs = 20;

describe.skipIf(missing !== null)(
  `three computers, one of them far away${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;

    beforeAll(async () => {
      all = await Surroundings.open(3);
      await all.lan.slow(3, delayMs);
      await all.formCluster();
    }, 120_000);
    afterAll(() => all?.close());

    test('the cluster forms over the long way; who is near does not wait for it, and nobody is suspected', async () => {
      const [near, , far] = all.computers;
      const figures = () => Promise.all(all.computers.map(({ visitor }) => visitor.ask('loadFigures', {})));
      for (const { name, visitor } of all.computers) await visitor.ask('startLoad', { name });
      await waitUntil('all have worked', async () => (await figures()).every(({ count }) => count > 100));
      for (const { failed, stale } of await figures())
        expect({ failed, stale }).toEqual({ failed: [], stale: [] });
      const timed = async (words: string[]) => {
        const startedMs = performance.now();
        await far.visitor.ask('redis', { words });
        return performance.now() - startedMs;
      };
      // A write there has to be here, too: there and back.
      expect(await timed(['SET', 'far', 'away'])).toBeGreaterThanOrEqual(2 * delayMs);
      expect(await near.redis('GET', 'far')).toBe('away');
      const { nodes } = await near.api('cluster.snapshot', {});
      expect(nodes.map(({ membership }) => membership?.state)).toEqual(['alive', 'alive', 'alive']);
      for (const { visitor } of all.computers) expect(await visitor.ask('missing', {})).toEqual([]);
    });
  },
);
