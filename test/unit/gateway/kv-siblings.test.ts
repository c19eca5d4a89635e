/** Siblings beyond what one replica takes, as replicas that were apart leave them, are still answered over HTTP. */
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../../core/gateway/http/byte-budget.ts';
import { contextHeader } from '../../../core/gateway/http/kv-parameters.ts';
import { kvRoutes } from '../../../core/gateway/http/kv-routes.ts';
import { ReadGate } from '../../../core/gateway/http/read-gate.ts';
import { silentLog } from '../../../core/ports/log.ts';
import type { RemoteStore } from '../../../core/ports/remote-store.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const values = Array.from({ length: 300 }, (_, index) => Buffer.from(`sibling ${index}`));
const store: RemoteStore = {
  get: async () => ({ context: 'of all', values, contentTypes: values.map(() => '') }),
  put: async () => ({ written: true, context: '', found: 0 }),
  delete: async () => ({ written: true, context: '', found: 0 }),
};
const time = new VirtualTime();
const budget = new ByteBudget(() => time.monotonicMs());
const reads = new ReadGate({ budget, timers: time });
const routes = kvRoutes(
  { store, random: new SeededRandom(1), log: silentLog, budget, reads, clock: time, timers: time },
  { readOnly: false },
);
const get = (headers: Record<string, string>) =>
  routes.request(
    'http://host/kv/default/key',
    { headers },
    {
      incoming: { url: '/kv/default/key', headers, socket: new EventEmitter() },
      outgoing: new EventEmitter(),
    },
  );

describe('300 siblings over HTTP', () => {
  it('come as one 300 with the context of all', async () => {
    const answer = await get({});
    expect([answer.status, answer.headers.get(contextHeader)]).toEqual([300, 'of all']);
    const { siblings } = (await answer.json()) as { siblings: string[] };
    expect(siblings.map((text) => Buffer.from(text, 'base64').toString())).toEqual(values.map(String));
  });

  it('come as as many parts to whoever wants those', async () => {
    const answer = await get({ accept: 'multipart/mixed' });
    const boundary = answer.headers.get('content-type')!.split('boundary=')[1];
    expect((await answer.text()).split(`--${boundary}\r\n`)).toHaveLength(values.length + 1);
  });
});
