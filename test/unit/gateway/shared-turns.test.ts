import { expect, test } from 'vitest';
import { Request } from '../../../core/gateway/resp/request.ts';
import { SharedTurns } from '../../../core/gateway/shared-turns.ts';
import type { Timers } from '../../../core/ports/clock.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { VirtualGateway } from '../../support/virtual-gateway.ts';

/** Turns that are taken by hand, and a clock that goes on with each step. */
function byHand() {
  let nowMs = 0;
  let planned: (() => void)[] = [];
  const rests: number[] = [];
  const timers: Timers = {
    after(restMs, action) {
      rests.push(restMs);
      planned.push(action);
      return { cancel() {} };
    },
    atTurnEnd: (action) => planned.push(action),
  };
  const turns = new SharedTurns({ nowMs: () => nowMs, monotonicMs: () => nowMs }, timers);
  return {
    turns,
    rests,
    works: (ms: number) => {
      nowMs += ms;
    },
    turn() {
      const now = planned;
      planned = [];
      for (const action of now) action();
      return now.length > 0;
    },
  };
}

test('a thousand requests with long work take one share of a turn together, each after the other', () => {
  const { turns, works, turn } = byHand();
  const order: string[] = [];
  const begin = (name: string, stepsLeft: number): void =>
    turns.take(() => {
      works(1.5);
      order.push(name);
      if (stepsLeft > 1) begin(name, stepsLeft - 1);
    });
  for (let index = 0; index < 1_000; index++) begin(`request ${index}`, 2);
  turn();
  expect(order).toEqual(['request 0', 'request 1']);
  let count = 1;
  while (turn()) count += 1;
  expect(count).toBeGreaterThanOrEqual(1_000);
  expect(order).toHaveLength(2_000);
  // Nobody has its second step before everybody had the first.
  expect(new Set(order.slice(0, 1_000)).size).toBe(1_000);
});

test('short steps share a turn, and one that goes on at once waits for the next, on a clock that stands still, too', () => {
  const { turns, turn } = byHand();
  let steps = 0;
  const forEver = (): void => {
    steps += 1;
    turns.take(forEver);
  };
  for (let index = 0; index < 10; index++) turns.take(forEver);
  turn();
  expect(steps).toBe(10);
});

test('a long step is followed by as much time for others', () => {
  const { turns, works, turn, rests } = byHand();
  for (const ms of [8, 1, 1, 1]) turns.take(() => works(ms));
  while (turn());
  expect(rests).toEqual([8]);
});

test('KEYS of many clients walk one after the other', async () => {
  const store = new MemoryStore();
  const { gateway, session, time } = new VirtualGateway(store);
  // Whatever is done takes longer than a turn should.
  let nowMs = 0;
  time.monotonicMs = () => (nowMs += 3);
  let scanCount = 0;
  const scan = store.scan.bind(store);
  store.scan = (...asked) => {
    scanCount += 1;
    scan(...asked);
  };
  let answeredCount = 0;
  const deliver = () => {
    answeredCount += 1;
  };
  for (let index = 0; index < 50; index++) {
    const request = new Request(gateway, session, [Buffer.from('KEYS'), Buffer.from('*')], {
      client: null,
      deliver,
    });
    if (gateway.admit(request)) gateway.run(request);
  }
  expect(scanCount).toBe(0);
  for (let turn = 1; turn <= 10; turn++) {
    const before = scanCount;
    await time.step();
    expect(scanCount - before).toBeLessThanOrEqual(1);
  }
  await time.advance(60_000);
  expect(answeredCount).toBe(50);
});
