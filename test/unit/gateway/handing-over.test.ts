/** A command that reads and writes, and comes to a node which decides no more, or not yet. */
import { describe, expect, it } from 'vitest';
import { encodeForwarded, serveForwarded } from '../../../core/gateway/resp/forwarding.ts';
import { type ClientControl, Request } from '../../../core/gateway/resp/request.ts';
import { movedOn } from '../../../core/replication/coordinator/meeting.ts';
import { encodeCommand } from '../../../core/wire/resp/encoder.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { VirtualGateway } from '../../support/virtual-gateway.ts';

const here = 0x0a0b0c0d;
const there = 7;

/** Answers `moved` for so many times. */
class HandingOver extends MemoryStore {
  left: number;
  readonly orders: (number | undefined)[] = [];

  constructor(left: number) {
    super();
    this.left = left;
  }

  override write(...[address, options, decide, done]: Parameters<MemoryStore['write']>): void {
    this.orders.push(options.order);
    if (this.left-- > 0) done(movedOn, null);
    else super.write(address, options, decide, done);
  }

  override writeTogether(...[keys, options, decide, done]: Parameters<MemoryStore['writeTogether']>): void {
    this.orders.push(options.order);
    if (this.left-- > 0) done(movedOn, null);
    else super.writeTogether(keys, options, decide, done);
  }
}

describe('a command that reads and writes', () => {
  it.each([
    ['INCR', 'n'],
    ['APPEND', 'n', 'x'],
    ['CT.PUT', 'n', 'v', 'NX'],
  ])('that nothing was done of here is done in a moment: %s', async (...words) => {
    const store = new HandingOver(3);
    const gateway = new VirtualGateway(store);
    const replies = await gateway.run(words);
    expect(replies).toHaveLength(1);
    expect(replies[0]).not.toMatch(/^-/);
    expect(store.orders).toHaveLength(4);
    expect(gateway.errors).toEqual([]);
  });

  it('goes to whoever decides by then', async () => {
    const store = new HandingOver(1);
    const other = new MemoryStore({ data: store.data });
    serveForwarded(new VirtualGateway(other).gateway);
    store.peers.set(there, other);
    store.coordinator = () => (store.left > 0 ? here : there);
    const replies = await new VirtualGateway(store).run(['INCR', 'n']);
    while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(replies).toEqual([':1\r\n']);
    expect(other.forwardedKeys).toHaveLength(1);
  });

  it.each([
    ['INCR', 'n'],
    ['SET', 'n', 'v', 'NX'],
  ])('meets where the node that it was sent to knows, and is sent on once: %s', async (...words) => {
    const data = new MemoryStore().data;
    const [first, second, third] = [here, there, 8].map(
      (nodeId) => new MemoryStore({ data, self: { ...new MemoryStore().self, nodeId } }),
    );
    for (const store of [first, second, third]) {
      store.peers.set(there, second).set(8, third);
      serveForwarded(new VirtualGateway(store).gateway);
    }
    // The second reaches who decides, the third takes somebody else for it: two that disagree must not send it to and fro.
    first.coordinator = () => there;
    second.coordinator = () => 8;
    third.coordinator = () => there;
    const replies = await new VirtualGateway(first).run(words);
    while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(replies[0]).not.toMatch(/^-/);
    expect([second.forwardedKeys.length, third.forwardedKeys.length]).toEqual([1, 1]);
  });

  it('is decided as one in a transaction, wherever its parts would meet by then', async () => {
    const other = new MemoryStore();
    serveForwarded(new VirtualGateway(other).gateway);
    const first = new MemoryStore({ data: other.data, late: true });
    first.peers.set(there, other);
    let asked = 0;
    // The link to the first replica comes up while the transaction reads.
    first.coordinator = () => (asked++ === 0 ? here : there);
    const part = (...words: string[]) =>
      encodeCommand(words.map((word) => Buffer.from(word))).toString('latin1');
    const transaction = ['CT.EXEC', 'n', '0', part('SET', 'n', '1'), part('INCR', 'n')];
    const replies = await new VirtualGateway(first).run(transaction);
    while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(replies).toEqual(['*2\r\n+OK\r\n:2\r\n']);
    expect(other.forwardedKeys).toEqual([]);
  });

  it('that need not meet is done where it was sent', async () => {
    const first = new MemoryStore();
    const second = new MemoryStore({ data: first.data });
    serveForwarded(new VirtualGateway(second).gateway);
    first.peers.set(there, second);
    first.coordinator = () => there;
    second.coordinator = () => 8;
    const replies = await new VirtualGateway(first).run(['SET', 'k', 'v']);
    while (replies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(replies).toEqual(['+OK\r\n']);
  });

  it('is told that it may be tried again where that takes too long', async () => {
    const store = new HandingOver(Number.POSITIVE_INFINITY);
    const gateway = new VirtualGateway(store);
    const replying = gateway.run(['INCR', 'n']);
    await gateway.time.advance(10_000);
    expect(await replying).toEqual([
      expect.stringMatching(/^-CLUSTERDOWN .*Nothing was written to it; try again/),
    ]);
    expect(store.orders.length).toBeLessThan(500);
  });

  it('is not begun for a client that has left, and not before it is known after a standstill who has', async () => {
    const store = new HandingOver(2);
    const { gateway, session, time } = new VirtualGateway(store);
    const identity = { user: 'anna', isLimited: false };
    for (const [isLeaving, tries] of [
      [false, 3],
      [true, 1],
    ] as const) {
      store.left = 2;
      store.orders.length = 0;
      const client = { isGone: false, identity } as unknown as ClientControl & { isGone: boolean };
      let answers = 0;
      const argv = ['INCR', 'n'].map((word) => Buffer.from(word));
      const request = new Request(gateway, session, argv, {
        client,
        deliver(_, encoder) {
          encoder.take();
          answers++;
        },
      });
      expect(gateway.admit(request)).toBe(true);
      gateway.run(request);
      gateway.standstill.isWaking = true;
      await time.advance(1_000);
      expect([store.orders.length, answers]).toEqual([1, 0]);
      client.isGone = isLeaving;
      gateway.standstill.isWaking = false;
      await time.advance(1_000);
      expect([store.orders.length, answers]).toEqual([tries, 1]);
    }
  });

  it('waits no longer where each try takes long, and is one command', async () => {
    const store = new HandingOver(0);
    const gateway = new VirtualGateway(store);
    store.coordinator = () => there;
    store.forward = (_nodeId, _request, done) => void gateway.time.after(200, () => done(movedOn, null));
    const replying = gateway.run(['INCR', 'n']);
    await gateway.time.advance(5_000);
    expect(await replying).toEqual([expect.stringMatching(/^-CLUSTERDOWN /)]);
    expect(gateway.gateway.statistics.commandCount).toBe(1);
  });

  it('is not asked of another node as if this one could take no writes', async () => {
    const store = new MemoryStore();
    const asked: number[] = [];
    store.coordinator = () => there;
    store.forward = (nodeId, _, done) => {
      asked.push(nodeId);
      if (asked.length < 20) done(movedOn, null);
      else done(null, Buffer.from('\x01:5\r\n', 'latin1'));
    };
    expect(await new VirtualGateway(store).run(['INCR', 'n'])).toEqual([':5\r\n']);
    expect(new Set(asked)).toEqual(new Set([there]));
  });
});

describe('a command of another node', () => {
  const sent = async (store: MemoryStore, order: number, ...words: string[]) => {
    const gateway = new VirtualGateway(store);
    serveForwarded(gateway.gateway);
    store.peers.set(there, store);
    const argv = words.map((word) => Buffer.from(word));
    return new Promise<string>((resolve) => {
      store.forward(there, encodeForwarded(gateway.session, argv, order), (error, bytes) =>
        resolve(error === null ? String(bytes) : error.code),
      );
    });
  };

  it('goes to the store with the order by which it was sent', async () => {
    const store = new HandingOver(0);
    expect(await sent(store, 12, 'INCR', 'n')).toBe('\x01:1\r\n');
    expect(await sent(store, 13, 'CT.PUT', 'm', 'v', 'NX')).toContain('*3');
    expect(await sent(store, 0, 'INCR', 'n')).toBe('\x01:2\r\n');
    expect(store.orders).toEqual([12, 13, undefined]);
  });

  it('is refused as one that was not begun, and not waited for here', async () => {
    const store = new HandingOver(1);
    expect(await sent(store, 12, 'INCR', 'n')).toBe('moved');
    expect(store.orders).toHaveLength(1);
  });

  it('is refused with an order that is no number', async () => {
    const store = new MemoryStore();
    expect(await sent(store, Number.NaN, 'INCR', 'n')).toMatch(/^.-ERR/);
  });
});
