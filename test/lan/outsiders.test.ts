/**
 * Somebody with a computer of his own on the same network, who is not of the cluster: with certificates of another authority that has
 * the same names, with nonsense, with what he recorded, and with a flood. The cluster goes on as if he were not there.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { discoveryPort } from '../../core/platform/lan-sockets.ts';
import { peakDuring, residentMiB } from '../support/abuse.ts';
import { waitUntil } from '../support/cluster.ts';
import { datagramsIn } from './support/capture.ts';
import { type Computer, computerPort } from './support/computer.ts';
import { canListen, lanMissing } from './support/lan.ts';
import { Surroundings } from './support/surroundings.ts';
import type { Visitor } from './support/visitor.ts';

const missing = lanMissing();
const floodPackets = 20_000;
const hostMiBMax = 400;
/** Of a computer with one node, and some that nobody should listen at. */
const ports = [7370, 7379, 7400, 7410, 7411, computerPort];

describe.skipIf(missing !== null)(
  `an outsider on the network${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let all: Surroundings;
    let computers: Computer[];
    let outsider: Visitor;
    let clusterId: string;
    let before: unknown;
    let pids: number[];

    /** All that an outsider might have changed. */
    async function membership(): Promise<unknown> {
      const seen = [];
      for (const computer of computers) {
        const { computers: known, nodes, layout } = await computer.api('cluster.snapshot', {});
        seen.push({
          layout: layout.version,
          computers: known.map(({ name, state, address }) => [name, state, address]),
          nodes: nodes.map(({ name, state, restartCount, membership: judged }) => {
            return [name, state, restartCount, judged?.state];
          }),
        });
      }
      return seen;
    }

    beforeAll(async () => {
      all = await Surroundings.open(3, 1);
      computers = all.computers;
      outsider = all.visitorAt(4);
      await all.formCluster();
      clusterId = (await computers[0].api('cluster.snapshot', {})).cluster.id;
      await waitUntil(
        'all reach each other',
        async () => !JSON.stringify(await membership()).includes('away'),
      );
      before = await membership();
      pids = computers.map(({ hostPid }) => hostPid);
      for (const computer of computers) await computer.visitor.ask('startLoad', { name: computer.name });
    }, 120_000);
    afterAll(() => all?.close());

    async function asIfNothingWere(): Promise<void> {
      await waitUntil(
        'membership is as before',
        async () => JSON.stringify(await membership()) === JSON.stringify(before),
        5_000,
      ).catch(() => {});
      expect(await membership()).toEqual(before);
      expect(computers.map(({ hostPid }) => hostPid)).toEqual(pids);
      for (const { visitor } of computers) {
        const { count } = await visitor.ask('loadFigures', {});
        await waitUntil('its client works on', async () => {
          return (await visitor.ask('loadFigures', {})).count > count + 20;
        });
        const { failed, stale } = await visitor.ask('loadFigures', {});
        expect({ failed, stale }).toEqual({ failed: [], stale: [] });
      }
      for (const pid of pids) expect(residentMiB(pid)).toBeLessThan(hostMiBMax);
    }

    test('a certificate of another authority with the same names opens nothing', async () => {
      const answers: string[] = [];
      for (const { address: host } of computers) {
        for (const path of ['/news', '/layouts', '/call', '/repair', '/join', '/']) {
          const at = { host, port: computerPort, clusterId, path };
          answers.push(`${path} ${await outsider.ask('foreignTls', at)}`);
        }
        const peer = { host, port: 7410, clusterId, path: '/' };
        answers.push(`peer ${await outsider.ask('foreignTls', peer)}`);
      }
      expect([...new Set(answers)].sort()).toEqual([
        '/ 403',
        '/call 403',
        '/join 400',
        '/layouts 403',
        '/news 403',
        '/repair 403',
        'peer closed',
      ]);
      await asIfNothingWere();
    });

    test('nonsense gets no answer, and only the ports for computers and nodes take connections at all', async () => {
      for (const { address: host } of computers) {
        const answers = await outsider.ask('garbage', { host, ports });
        expect(answers.map(({ port }) => port).sort()).toEqual([7410, computerPort]);
        // An alert of TLS at most.
        for (const { said } of answers) expect(said.length).toBeLessThan(200);
      }
      await asIfNothingWere();
    });

    test.skipIf(!canListen)(
      `packets that he recorded do nothing when they come again${canListen ? '' : ' (skipped: Python is not here)'}`,
      async () => {
        const capture = await all.lan.listen();
        const [first] = computers;
        const { count } = await first.visitor.ask('loadFigures', {});
        await waitUntil('some packets are recorded', async () => {
          return (await first.visitor.ask('loadFigures', {})).count > count + 400;
        });
        const recorded = datagramsIn(await capture.stop());
        expect(recorded.some(({ port }) => port !== discoveryPort)).toBe(true);
        const own = new Set(computers.map(({ address }) => address));
        const datagrams = recorded
          .filter(({ to }) => own.has(to))
          .map(({ to, port, payload }) => ({ to, port, payload: payload.toString('base64') }));
        expect(datagrams.length).toBeGreaterThan(4);
        // To whom they went, and to all others.
        const crossed = computers.flatMap(({ address }) => datagrams.map((one) => ({ ...one, to: address })));
        await outsider.ask('replay', { datagrams });
        await outsider.ask('replay', { datagrams: crossed });
        process.stdout.write(`${datagrams.length + crossed.length} packets came again.\n`);
        await asIfNothingWere();
      },
    );

    test('a flood at the port of discovery leaves memory bounded and everybody in his place', async () => {
      const { computers: known } = await computers[0].api('cluster.snapshot', {});
      const heard = async () => {
        const reports = await computers[0].api('network.doctor', {});
        return reports.reduce((sum, { received }) => sum + received, 0);
      };
      const heardBefore = await heard();
      const flood = outsider.ask('flood', {
        hosts: computers.map(({ address }) => address),
        count: floodPackets,
        clusterId,
        computerIds: known.map(({ id }) => id),
      });
      const peak = await peakDuring(flood, () => Math.max(...pids.map(residentMiB)));
      process.stdout.write(`${floodPackets} packets; a host had ${Math.round(peak)} MiB at most.\n`);
      // Some of it was taken up, and none of it for a computer.
      expect(await heard()).toBeGreaterThan(heardBefore + 100);
      expect((await computers[0].api('network.found', {})).map(({ computer }) => computer).sort()).toEqual(
        computers.slice(1).map(({ name }) => name),
      );
      expect(peak).toBeLessThan(hostMiBMax);
      await asIfNothingWere();
      for (const { visitor } of computers) expect(await visitor.ask('missing', {})).toEqual([]);
    });
  },
);
