/** Who tells of a key that expires when the node with its alarm is gone: gateways without sockets, in virtual time. */
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../core/base/token.ts';
import { type Alarm, ExpiryAlarms } from '../../../core/gateway/resp/pubsub/expiry-alarms.ts';
import { ExpiryStandby } from '../../../core/gateway/resp/pubsub/expiry-standby.ts';
import { Publishing } from '../../../core/gateway/resp/pubsub/publishing.ts';
import type { ClientEndpoint } from '../../../core/ports/key-value-store.ts';
import { keyspaceView, MemoryStore } from '../../support/memory-store.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const keyspace = keyspaceView(0).id;

/** Nodes of which all hold all keys, in the order of their numbers. */
class Nodes {
  readonly time = new VirtualTime();
  readonly told: string[] = [];
  readonly gone = new Set<number>();
  readonly handlers: ((message: Buffer) => void)[] = [];
  /** How long the word of something told takes from node to node. */
  delayMs = 0;
  private readonly members: { own: ExpiryAlarms; standby: ExpiryStandby }[];

  constructor(count: number, holders = count) {
    this.members = Array.from({ length: count }, (_, index) => this.member(index, holders));
  }

  private endpoints(): ClientEndpoint[] {
    return this.handlers.map((_, index) => ({
      ...new MemoryStore().self,
      ...{ nodeId: index + 1, up: !this.gone.has(index) },
    }));
  }

  private member(index: number, holders: number) {
    const { time } = this;
    const send = (message: Buffer) => {
      for (const [other, handler] of this.handlers.entries()) {
        if (other === index || this.gone.has(other) || this.gone.has(index)) continue;
        if (this.delayMs === 0) handler(message);
        else time.after(this.delayMs, () => handler(message));
      }
    };
    const messages = {
      tellOthers: send,
      onTold: (handler: (message: Buffer) => void) => {
        this.handlers[index] = handler;
      },
      droppedCount: 0,
    };
    const store = new MemoryStore();
    store.self = { ...store.self, nodeId: index + 1 };
    store.coordinator = () => (index < holders ? null : 1);
    store.slots = () => [{ firstSlot: 0, lastSlot: 16_383, nodes: this.endpoints().slice(0, holders) }];
    const publishing = new Publishing(messages, { take: (step) => step() });
    const tell = (alarm: Alarm) => {
      if (this.gone.has(index) || member !== this.members[index]) return;
      this.told.push(`${index} ${alarm.address.key} ${time.nowMs() - alarm.expiresAtMs}`);
      member.standby.told(alarm);
    };
    const own = new ExpiryAlarms({ clock: time, timers: time }, tell);
    const standby = new ExpiryStandby({ store, clock: time, timers: time, publishing, own, tell });
    const member = { own, standby };
    return member;
  }

  wrote(index: number, afterMs: number, key = 'k'): void {
    const alarm = {
      address: addressOf(keyspace, Buffer.from(key)),
      expiresAtMs: this.time.nowMs() + afterMs,
    };
    this.members[index].own.set(alarm);
    this.members[index].standby.announce(alarm);
  }

  /** It comes back with nothing of what it held. */
  restarted(index: number): void {
    this.members[index] = this.member(index, this.members.length);
    this.gone.delete(index);
  }

  /** By whom and which, without how late. */
  get tellers(): string[] {
    return this.told.map((line) => line.split(' ').slice(0, 2).join(' '));
  }
}

describe('an expiry', () => {
  it('is told by the node that took the write, and by no other', async () => {
    const nodes = new Nodes(3);
    nodes.wrote(1, 500);
    await nodes.time.advance(20_000);
    expect(nodes.tellers).toEqual(['1 k']);
    expect(Number(nodes.told[0].split(' ')[2])).toBeLessThan(250);
  });

  it('is told by the first replica that is there when that node is gone, once', async () => {
    const nodes = new Nodes(4);
    nodes.wrote(0, 500);
    nodes.gone.add(0).add(1);
    await nodes.time.advance(20_000);
    expect(nodes.tellers).toEqual(['2 k']);
    expect(Number(nodes.told[0].split(' ')[2])).toBeLessThan(2_500);
  });

  it('is told by another when the first has restarted, and knows nothing of it', async () => {
    const nodes = new Nodes(3);
    nodes.wrote(0, 500);
    nodes.gone.add(0);
    nodes.restarted(0);
    await nodes.time.advance(20_000);
    expect(nodes.tellers).toEqual(['1 k']);
    expect(Number(nodes.told[0].split(' ')[2])).toBeLessThan(4_500);
  });

  it('is not told by nodes without a replica, nor of a keyspace that is gone', async () => {
    const nodes = new Nodes(3, 2);
    nodes.wrote(0, 500);
    nodes.gone.add(0).add(1);
    await nodes.time.advance(20_000);
    expect(nodes.told).toEqual([]);
    for (const facts of ['99 5', 'x y', '']) {
      nodes.handlers[2](Buffer.from(`*3\r\n$7\r\nexpires\r\n$1\r\nk\r\n$${facts.length}\r\n${facts}\r\n`));
    }
  });

  it('is that of the last write, whoever took it', async () => {
    const nodes = new Nodes(3);
    nodes.wrote(0, 500);
    nodes.wrote(0, 5_000);
    nodes.gone.add(0);
    await nodes.time.advance(4_000);
    expect(nodes.told).toEqual([]);
    await nodes.time.advance(20_000);
    expect(nodes.tellers).toEqual(['1 k']);
  });

  it('may be told twice when the word of it is late', async () => {
    const nodes = new Nodes(3);
    nodes.wrote(0, 5_000);
    nodes.delayMs = 4_500;
    await nodes.time.advance(30_000);
    expect(nodes.tellers.slice(0, 2)).toEqual(['0 k', '1 k']);
  });
});
