import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { call } from '../../../core/replication/calls.ts';
import { askStatus, type ReplyHandler, Requests } from '../../../core/replication/requests.ts';
import { calls } from '../../../core/wire/peer/calls.ts';
import { encodeEmpty, encodeStatus, frameType, requestIdOf, status } from '../../../core/wire/peer/frames.ts';
import { HandNetwork } from '../../support/hand-network.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { check } from '../../support/seeds.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const settings = { deadlineMs: 3_000, slowMs: 60, pendingCountMax: 4 };

class Desk {
  readonly time = new VirtualTime();
  readonly network = new HandNetwork();
  readonly log = new LogCapture();
  readonly requests: Requests;
  readonly events: string[] = [];

  constructor(pendingCountMax = settings.pendingCountMax) {
    const { time, network, log } = this;
    this.requests = new Requests(
      { network, clock: time, timers: time, log },
      { ...settings, pendingCountMax },
    );
  }

  handler(name = ''): ReplyHandler {
    return {
      onReply: (from) => this.events.push(`${name}reply ${from}`),
      onFailure: (from) => this.events.push(`${name}failure ${from}`),
      onSlow: () => this.events.push(`${name}slow`),
    };
  }

  /** Returns the request's number. */
  send(peers: number[], handler = this.handler()): number {
    let id = 0;
    this.requests.send(peers, handler, (requestId) => {
      id = requestId;
      return encodeEmpty(frameType.ping, requestId);
    });
    return id;
  }

  reply(id: number, from: number): void {
    this.requests.onReply(id, from, encodeEmpty(frameType.replicaSame, id));
  }
}

describe('a request', () => {
  it('ends for each peer by its answer, and by nothing after it', async () => {
    const desk = new Desk();
    const id = desk.send([1, 2]);
    desk.reply(id, 1);
    desk.reply(id, 1);
    desk.reply(id, 2);
    desk.network.set(1, false);
    await desk.time.advance(10_000);
    desk.requests.close();
    expect(desk.events).toEqual(['reply 1', 'reply 2']);
    expect(desk.requests.pendingCount).toBe(0);
  });

  it('fails for the peer whose link is lost, and goes on for the others', () => {
    const desk = new Desk();
    const id = desk.send([1, 2]);
    desk.network.set(1, false);
    desk.reply(id, 1);
    desk.reply(id, 2);
    expect(desk.events).toEqual(['failure 1', 'reply 2']);
  });

  it('has longer the more is sent: fifty mebibytes on a busy machine are no dead peer', async () => {
    const desk = new Desk();
    desk.requests.send([1], desk.handler(), () => Buffer.alloc(16 * 1_048_576));
    await desk.time.advance(5_040);
    expect(desk.events).toEqual(['slow']);
    await desk.time.advance(20);
    expect(desk.events).toEqual(['slow', 'failure 1']);
  });

  it('is slow once, and fails at its deadline', async () => {
    const desk = new Desk();
    const id = desk.send([1, 2]);
    desk.reply(id, 2);
    await desk.time.advance(2_999);
    expect(desk.events).toEqual(['reply 2', 'slow']);
    await desk.time.advance(20);
    expect(desk.events).toEqual(['reply 2', 'slow', 'failure 1']);
  });

  it('fails for peers that cannot be sent to after the others were sent to', () => {
    const desk = new Desk();
    desk.network.set(1, false);
    const failed: number[] = [];
    desk.send([1, 2], { ...desk.handler(), onFailure: () => failed.push(desk.network.sent.length) });
    expect(failed).toEqual([1]);
    expect(desk.requests.pendingCount).toBe(1);
  });

  it('takes no answer of a peer that was not asked, nor to another number', () => {
    const desk = new Desk();
    const id = desk.send([1]);
    desk.reply(id, 7);
    desk.reply(id + 1, 1);
    desk.reply(0, 1);
    expect(desk.events).toEqual([]);
    expect(desk.requests.pendingCount).toBe(1);
  });

  it('beyond the bound is refused with `busy`, and its handler hears nothing', () => {
    const desk = new Desk();
    for (let count = 0; count < 4; count++) desk.send([1]);
    expect(() => desk.send([1])).toThrow(expect.objectContaining({ code: 'busy' }));
    desk.requests.close();
    expect(desk.events).toEqual(new Array(4).fill('failure 1'));
  });

  it('that cannot be encoded was never made', async () => {
    const desk = new Desk();
    const send = () =>
      desk.requests.send([1], desk.handler(), () => {
        throw new CoterieError('too-large', 'no');
      });
    expect(send).toThrow('no');
    await desk.time.advance(10_000);
    expect(desk.events).toEqual([]);
    expect(desk.requests.pendingCount).toBe(0);
  });

  it('made after the close fails at once, and is not sent', () => {
    const desk = new Desk();
    desk.requests.close();
    desk.send([1]);
    expect(desk.events).toEqual(['failure 1']);
    expect(desk.network.sent).toEqual([]);
    expect(desk.requests.pendingCount).toBe(0);
  });

  it('whose handler throws a mistake of ours fails, and the log has the stack', () => {
    const desk = new Desk();
    const handler = {
      ...desk.handler(),
      onReply: () => {
        throw new TypeError('undefined is not a function');
      },
    };
    desk.reply(desk.send([1], handler), 1);
    expect(desk.events).toEqual(['failure 1']);
    expect(desk.log.errors[0].facts.stack).toContain('TypeError: undefined is not a function');
  });

  it('whose handler throws at its end does not keep others from theirs', () => {
    const desk = new Desk();
    desk.send([1], {
      ...desk.handler(),
      onFailure: () => {
        throw new TypeError('of one');
      },
    });
    desk.send([1], desk.handler('other '));
    desk.network.set(1, false);
    expect(desk.events).toEqual(['other failure 1']);
    expect(desk.log.errors).toHaveLength(1);
  });

  it('ends exactly once for each peer, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('send' as const),
        peers: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1 }),
      }),
      fc.record({
        do: fc.constant('reply' as const),
        id: fc.integer({ min: 0, max: 8 }),
        from: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({ do: fc.constant('link' as const), peer: fc.integer({ min: 1, max: 3 }), up: fc.boolean() }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2_000 }) }),
    );
    await check(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const desk = new Desk(100);
        const wanted: string[] = [];
        const ends: string[] = [];
        let sent = 0;
        const slow = new Map<number, number>();
        for (const one of steps) {
          if (one.do === 'send') {
            const name = ++sent;
            for (const peer of one.peers) wanted.push(`${name} ${peer}`);
            desk.send(one.peers, {
              onReply: (from) => ends.push(`${name} ${from}`),
              onFailure: (from) => ends.push(`${name} ${from}`),
              onSlow: () => slow.set(name, (slow.get(name) ?? 0) + 1),
            });
          } else if (one.do === 'reply') desk.reply(one.id, one.from);
          else if (one.do === 'link') desk.network.set(one.peer, one.up);
          else await desk.time.advance(one.ms);
        }
        if (steps.length % 2 === 0) desk.requests.close();
        else await desk.time.advance(3_020);
        expect(ends.sort()).toEqual(wanted.sort());
        expect([...slow.values()].every((count) => count === 1)).toBe(true);
        expect(desk.requests.pendingCount).toBe(0);
      }),
      100,
    );
  });
});

describe('an answer that ends too early', () => {
  it('fails a call once, and is logged', () => {
    const desk = new Desk();
    const ends: (string | null)[] = [];
    call(desk.requests, 1, calls.holdsNothing, Buffer.alloc(0), (error) => ends.push(error?.code ?? null));
    const id = requestIdOf(desk.network.sent[0].frame);
    desk.requests.onReply(id, 1, encodeEmpty(frameType.callReply, id));
    expect(ends).toEqual(['unavailable']);
    expect(desk.log.warnings).toHaveLength(1);
  });

  it('is no consent', async () => {
    const desk = new Desk();
    const taken = askStatus(desk.requests, 1, (id) => encodeEmpty(frameType.ping, id));
    const id = requestIdOf(desk.network.sent[0].frame);
    desk.requests.onReply(id, 1, encodeEmpty(frameType.replicaAck, id));
    expect(await desk.time.until(taken)).toBe(false);
  });
});

describe('a call', () => {
  it('gives its caller one answer, also when the caller throws on it', () => {
    const desk = new Desk();
    let ends = 0;
    call(desk.requests, 1, calls.holdsNothing, Buffer.alloc(0), () => {
      ends++;
      throw new TypeError('of the caller');
    });
    const id = requestIdOf(desk.network.sent[0].frame);
    desk.requests.onReply(id, 1, encodeStatus(frameType.callReply, id, status.ok, Buffer.alloc(0)));
    expect(ends).toBe(1);
    expect(desk.log.errors).toHaveLength(1);
  });

  it('to somebody who is not there fails within the call', () => {
    const desk = new Desk();
    desk.network.set(1, false);
    const ends: (string | null)[] = [];
    call(desk.requests, 1, calls.holdsNothing, Buffer.alloc(0), (error) => ends.push(error?.code ?? null));
    expect(ends).toEqual(['unavailable']);
  });

  it('beyond the bound fails with `busy`', () => {
    const desk = new Desk(1);
    const ends: (string | null)[] = [];
    const done = (error: CoterieError | null) => ends.push(error?.code ?? null);
    call(desk.requests, 1, calls.holdsNothing, Buffer.alloc(0), done);
    call(desk.requests, 1, calls.holdsNothing, Buffer.alloc(0), done);
    expect(ends).toEqual(['busy']);
  });
});

describe('a status that is asked for', () => {
  it.each([
    [status.ok, true],
    [status.diskFull, false],
    [status.noReplica, false],
  ])('of %i is %s', async (code, expected) => {
    const desk = new Desk();
    const taken = askStatus(desk.requests, 1, (id) => encodeEmpty(frameType.ping, id));
    const id = requestIdOf(desk.network.sent[0].frame);
    desk.requests.onReply(id, 1, encodeStatus(frameType.replicaAck, id, code, null));
    expect(await desk.time.until(taken)).toBe(expected);
  });
});
