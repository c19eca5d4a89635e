/** Layouts on their way from a host to a node: kept while the node starts, taken in order, never an older one, sent until both agree. */
import { describe, expect, it } from 'vitest';
import { LayoutDelivery } from '../../../core/host/layouts/layout-delivery.ts';
import type { Layout } from '../../../core/layout/layout.ts';
import { LayoutInbox } from '../../../core/node-process/layout-inbox.ts';
import type { LayoutReport } from '../../../core/node-process/messages.ts';

const liveOf = (version: number) => [{ layout: { version } as Layout, digest: `${version}` }];
const reportOf = (version: number): LayoutReport => ({
  version,
  live: [version],
  trackers: [],
  lacking: 0,
  open: [],
  receivedBytes: 0,
  moving: [],
});
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A node that takes layouts when told to, one after the other. */
function pretendedNode(version: number) {
  const told: number[] = [];
  const failures: number[] = [];
  const taken: number[] = [];
  const node = {
    version,
    fails: false,
    inbox: new LayoutInbox({
      holds: ({ version: held }) => told.push(held),
      failed: (failed) => failures.push(failed),
    }),
    told,
    failures,
    taken,
    start() {
      node.inbox.serve({
        report: () => reportOf(node.version),
        async take([{ layout }]) {
          await settle();
          if (node.fails) throw new Error('The disk is full.');
          taken.push(layout.version);
          node.version = layout.version;
        },
      });
    },
  };
  return node;
}

describe('a node', () => {
  it('that is starting keeps the newest layout and takes it when it is ready', async () => {
    const node = pretendedNode(1);
    for (const version of [2, 4, 3]) node.inbox.offer(liveOf(version));
    expect(node.told).toEqual([]);
    node.start();
    await settle();
    await settle();
    expect({ taken: node.taken, told: node.told }).toEqual({ taken: [4], told: [4] });
  });

  it('refuses an older layout, and says what it has', async () => {
    const node = pretendedNode(5);
    node.start();
    for (const version of [3, 4]) node.inbox.offer(liveOf(version));
    await settle();
    expect(node.taken).toEqual([]);
    expect(new Set(node.told)).toEqual(new Set([5]));
  });

  it('takes one at a time, and of several that came meanwhile the newest', async () => {
    const node = pretendedNode(1);
    node.start();
    for (const version of [2, 3, 4, 5]) node.inbox.offer(liveOf(version));
    for (let turn = 0; turn < 5; turn++) await settle();
    expect(node.taken).toEqual([2, 5]);
    expect(node.told.at(-1)).toBe(5);
  });

  it('that could not take one says so, and takes it when it is offered again', async () => {
    const node = pretendedNode(1);
    node.start();
    node.fails = true;
    node.inbox.offer(liveOf(2));
    await settle();
    await settle();
    expect({ failures: node.failures, last: node.told.at(-1) }).toEqual({ failures: [2], last: 1 });
    node.fails = false;
    node.inbox.offer(liveOf(2));
    await settle();
    await settle();
    expect(node.told.at(-1)).toBe(2);
  });
});

describe('a host', () => {
  it('sends the layout again to a node that has an older one, ever more rarely', () => {
    const delivery = new LayoutDelivery();
    let sentCount = 0;
    for (let nowMs = 0; nowMs < 600_000; nowMs += 1_000) {
      if (!delivery.isDue(3, 4, nowMs)) continue;
      delivery.sent(4, nowMs);
      sentCount++;
    }
    expect(sentCount).toBeGreaterThan(15);
    expect(sentCount).toBeLessThan(30);
  });

  it('sends nothing to a node that has it, or a newer one', () => {
    const delivery = new LayoutDelivery();
    expect([4, 5].map((held) => delivery.isDue(held, 4, 0))).toEqual([false, false]);
  });

  it('does not wait with a newer layout because an older one could not be taken', () => {
    const delivery = new LayoutDelivery();
    for (const nowMs of [0, 1_000, 3_000]) delivery.sent(4, nowMs);
    expect(delivery.isDue(3, 4, 3_500)).toBe(false);
    expect(delivery.isDue(3, 5, 3_500)).toBe(true);
  });
});
