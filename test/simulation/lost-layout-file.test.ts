/**
 * A node whose file of layouts is gone, or is an older copy that was put back, starts in the midst of a change in which it had handed
 * over what it decided. Here nothing else fails: its links are there before it has opened its storage, as on most computers, and all
 * but one node, which holds the change up, are reached.
 */
import { expect, it } from 'vitest';
import { weighNode } from '../../core/layout/changes.ts';
import { placedOf } from '../../core/layout/layout.ts';
import { layoutFile } from '../../core/node/kept-layout.ts';
import type { LiveValue, Mutation } from '../../core/ports/key-value-store.ts';
import { type Member, SimulatedCluster } from '../support/simulation/cluster.ts';

const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);

const add = (siblings: readonly LiveValue[]): Mutation => ({
  kind: 'put',
  value: Buffer.from(String(Number(siblings[0]?.value ?? 0) + 1)),
  expiresAtMs: 0,
});

/** Clients increment at some members until told to stop. */
class Counting {
  readonly acknowledged = new Map(keys.map((key) => [key, 0]));
  refusedCount = 0;
  readonly #cluster: SimulatedCluster;
  readonly #ended: Promise<unknown>;
  #isOver = false;

  constructor(cluster: SimulatedCluster, members: readonly Member[]) {
    this.#cluster = cluster;
    this.#ended = Promise.all(members.flatMap((member) => keys.map((key) => this.#count(member, key))));
  }

  async #count(member: Member, key: string): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#cluster.change(member, { key, basis: 'quorum', decide: add });
        this.acknowledged.set(key, this.acknowledged.get(key)! + 1);
      } catch {
        this.refusedCount++;
      }
      await new Promise<void>((resolve) => this.#cluster.time.after(10, resolve));
    }
  }

  end(): Promise<unknown> {
    this.#isOver = true;
    return this.#cluster.time.until(this.#ended);
  }
}

it.each(['is gone', 'is an older copy'] as const)(
  'no increment is lost where the file of layouts of a node %s',
  async (how) => {
    const cluster = new SimulatedCluster(1, {
      ...{ nodeCount: 4, readLevel: 'QUORUM', writeLevel: 'QUORUM', conflicts: 'siblings', sloppy: false },
      network: { lossShare: 0, repeatShare: 0, delayMinMs: 0.2, delayMaxMs: 5, noticeMs: 10 },
      ...{ clockSkewMaxMs: 0, diskDelayMaxMs: 20, antiEntropyTickMs: 500 },
    });
    await cluster.startAll();
    const [victim, ...others] = cluster.members;
    const late = others.at(-1)!;
    const old = victim.disk.snapshot(layoutFile);
    cluster.setLayout(weighNode(cluster.layout, String(cluster.layout.version), `n${victim.id}`, 0.3));
    const placed = placedOf(cluster.layout);
    const ownWord = () => victim.node!.layouts.trackers.get(victim.id)!.syncAck;
    while (ownWord() < placed) await cluster.time.advance(1);
    // It has not said that it reads by the new layout, so nobody lets go of the old one.
    for (const member of cluster.members) if (member !== late) cluster.network.cut(late.id, member.id);
    await cluster.time.advance(100);
    expect(victim.node!.layouts.live).toHaveLength(2);

    cluster.crash(victim);
    if (how === 'is gone') victim.disk.removeFolder(layoutFile);
    else victim.disk.restore(old);
    await cluster.time.advance(50);
    await cluster.time.until(cluster.start(victim));
    await cluster.time.advance(10);
    const counting = new Counting(cluster, [victim, others[0]]);
    await cluster.time.advance(1_500);
    await counting.end();
    cluster.network.heal();
    await cluster.time.advance(10_000);

    const lost: string[] = [];
    for (const key of keys) {
      const found = await cluster.time.until(cluster.read(others[0], key));
      const count = counting.acknowledged.get(key)!;
      const isThere = count === 0 ? found.length === 0 : found.length === 1 && Number(found[0]) === count;
      if (!isThere) lost.push(`${key}: [${found}] of ${count}`);
    }
    expect(lost).toEqual([]);
    expect(cluster.violations).toEqual([]);
    // One that has lost the file has no vote until it has heard the node that is cut off, too.
    if (how === 'is an older copy') expect(counting.refusedCount).toBe(0);
    expect(Math.max(...counting.acknowledged.values())).toBeGreaterThan(20);
    expect(cluster.isSettled).toBe(true);
    for (const member of cluster.members) cluster.crash(member);
  },
);
