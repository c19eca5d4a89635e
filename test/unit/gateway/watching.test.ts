/** What operators are shown, and what they hold up: the parts without connections. */
import { describe, expect, test } from 'vitest';
import { ClientPause } from '../../../core/gateway/resp/client-pause.ts';
import { createCommandTable } from '../../../core/gateway/resp/command-table.ts';
import { LatencyEvents } from '../../../core/gateway/resp/latency-events.ts';
import { latencyGraph } from '../../../core/gateway/resp/latency-graph.ts';
import { shownWords } from '../../../core/gateway/resp/shown-words.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const table = createCommandTable();
const commandOf = (name: string) => table.find(Buffer.from(name))!;
const shown = (line: string): string => {
  const words = line.split(' ');
  return shownWords(
    commandOf(words[0]),
    words.map((word) => Buffer.from(word)),
  )
    .map(String)
    .join(' ');
};

describe('words of a command that others are shown', () => {
  test.each([
    ['AUTH secret', 'AUTH (redacted)'],
    ['AUTH anna secret', 'AUTH (redacted) (redacted)'],
    ['HELLO 3 AUTH anna secret', 'HELLO 3 (redacted) (redacted) (redacted)'],
    ['ACL SETUSER anna >secret', 'ACL SETUSER (redacted) (redacted)'],
    ['ACL SETUSR anna >secret', 'ACL SETUSR (redacted) (redacted)'],
    ['CONFIG SET requirepass secret', 'CONFIG SET requirepass (redacted)'],
    ['CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 1'],
    ['CT.HOST secret', 'CT.HOST (redacted)'],
    ['SET k v', 'SET k v'],
  ])('%s', (line, expected) => {
    expect(shown(line)).toBe(expected);
  });

  test('are a piece of what is long, and a few of what is many', () => {
    expect(shown(`SET k ${'v'.repeat(130)}`)).toBe(`SET k ${'v'.repeat(128)}... (2 more bytes)`);
    expect(shown(`DEL ${'k '.repeat(39)}k`)).toBe(`DEL ${'k '.repeat(30)}... (10 more arguments)`);
  });
});

test('latency events keep the worst of each second, from the bound on, and the last of them', () => {
  const latency = new LatencyEvents();
  latency.note('command', 1, 50);
  expect(latency.events).toEqual([]);
  latency.thresholdMs = 10;
  for (const durationMs of [9, 10, 30, 20]) latency.note('command', 1, durationMs);
  expect(latency.of('command')).toEqual([{ atSeconds: 1, durationMs: 30 }]);
  for (let second = 2; second < 300; second++) latency.note('command', second, 10);
  expect(latency.of('command')).toHaveLength(160);
  expect(latency.highestMs('command')).toBe(30);
  expect([latency.forget('command'), latency.forget('command')]).toEqual([true, false]);
});

// The first as Redis 7.0.15 drew the same samples.
test('a graph of latencies has a column for each, with how long ago it was', () => {
  const now = 1_000_000;
  const drawn = (samples: [number, number][], highestMs: number) =>
    latencyGraph(
      'command',
      { samples: samples.map(([age, durationMs]) => ({ atSeconds: now - age, durationMs })), highestMs },
      now,
    ).split('\n');
  const five: [number, number][] = [
    [6, 23],
    [5, 5],
    [3, 500],
    [2, 100],
    [1, 10],
  ];
  expect(drawn(five, 500)).toEqual([
    'command - high 500 ms, low 5 ms (all time high 500 ms)',
    '-'.repeat(80),
    ...['  #  ', '  |  ', '  |  ', '__|#_', '     ', '65321', 'sssss', ''],
  ]);
  expect(
    drawn(
      [
        [90_000, 7.4],
        [4_000, 7.4],
        [600, 7],
      ],
      900,
    ).slice(0, 10),
  ).toEqual([
    'command - high 7 ms, low 7 ms (all time high 900 ms)',
    '-'.repeat(80),
    ...['   ', '   ', '   ', '___', '   ', '111', 'dh0', '  m'],
  ]);
  const [, , ...long] = drawn(
    Array.from({ length: 100 }, (_, at): [number, number] => [100 - at, at]),
    99,
  );
  // Four rows, one between, and ages of up to three characters.
  const part = (length: number, ages: number) => Array(5 + ages).fill(length);
  expect(long.map(({ length }) => length)).toEqual([...part(80, 3), 0, ...part(20, 3), 0]);
});

describe('a pause', () => {
  test('holds writes, or all that touches data, and ends in time', async () => {
    const time = new VirtualTime();
    const pause = new ClientPause(time);
    let ends = 0;
    pause.onEnd = () => {
      ends += 1;
    };
    const held = () =>
      ['get', 'set', 'dbsize', 'ping', 'client', 'info'].filter((name) => pause.holds(commandOf(name)));
    expect(held()).toEqual([]);
    pause.begin('write', 1_000);
    expect(held()).toEqual(['set']);
    pause.begin('all', 1_000);
    expect(held()).toEqual(['get', 'set', 'dbsize']);
    await time.advance(1_001);
    expect(held()).toEqual([]);
    // The first one ended when the second began: whoever waited looked again.
    expect(ends).toBe(2);
  });
});
