/** MULTI, EXEC and WATCH over a store in memory: what one transaction may cost, and what it may not get around. */
import { describe, expect, test } from 'vitest';
import { createCommandTable } from '../../core/gateway/resp/command-table.ts';
import { Transaction } from '../../core/gateway/resp/transactions/transaction.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { respNodes } from '../support/resp-nodes.ts';
import { plain, type RawClient, realClock } from '../support/resp-target.ts';

const { start, connect } = respNodes();

async function execute(client: RawClient, commands: readonly (string | number)[][]): Promise<unknown> {
  await client.call('MULTI');
  for (const words of commands) expect(await client.call(...words)).toBe('QUEUED');
  return plain(await client.call('EXEC'));
}

const refused = expect.stringMatching(/^-ERR .*Nothing was done; make it several transactions$/);

describe('a transaction', () => {
  test('is refused before short commands have made more of their values than can be written', async () => {
    const { port, store } = await start();
    const client = await connect(port);
    const commands = Array.from({ length: 1_024 }, (_, index) => [
      'SETRANGE',
      `{t}${index}`,
      20_000_000,
      'x',
    ]);
    expect(await execute(client, commands)).toEqual(refused);
    expect(store.data.records.size).toBe(0);
    // The same key again and again is one value.
    const same = Array.from({ length: 5 }, () => ['SETRANGE', '{t}', 20_000_000, 'x']);
    expect(await execute(client, same)).toEqual(Array(5).fill(20_000_001));
  });

  test('is refused when its replies together are more than what it may write', async () => {
    const client = await connect((await start()).port);
    await client.call('SETRANGE', 'k', 20_000_000, 'x');
    expect(await execute(client, Array(4).fill(['GET', 'k']))).toEqual(refused);
    expect(await execute(client, Array(4).fill(['STRLEN', 'k']))).toEqual(Array(4).fill(20_000_001));
  });

  test('does not hold up its node for more than about two seconds', async () => {
    let ms = 0;
    const clock = { nowMs: realClock.nowMs, monotonicMs: () => (ms += 1) };
    const { port, store } = await start({}, undefined, { clock });
    const client = await connect(port);
    expect(await execute(client, [['SET', '{t}a', '1'], ...Array(4_000).fill(['GET', '{t}b'])])).toEqual(
      refused,
    );
    expect(store.data.records.size).toBe(0);
    expect(await execute(client, Array(100).fill(['GET', 'b']))).toEqual(Array(100).fill(null));
  });

  test('waits while writes are paused, when it writes', async () => {
    const { port } = await start();
    const [client, reader, operator] = [await connect(port), await connect(port), await connect(port)];
    await operator.call('CLIENT', 'PAUSE', 60_000, 'WRITE');
    await client.call('MULTI');
    await client.call('SET', 'k', '1');
    let reply: unknown = 'none yet';
    const executed = client.call('EXEC').then((found) => {
      reply = plain(found);
    });
    expect(await execute(reader, [['GET', 'k']])).toEqual([null]);
    expect(reply).toBe('none yet');
    await operator.call('CLIENT', 'UNPAUSE');
    await executed;
    expect(reply).toEqual(['OK']);
  });

  test('is not done when a key that it watches has expired since, as in Redis', async () => {
    let nowMs = 1_000_000;
    const clock = { nowMs: () => nowMs, monotonicMs: realClock.monotonicMs };
    const store = new MemoryStore({ nowMs: () => nowMs });
    const client = await connect((await start({}, store, { clock })).port);
    await client.call('SET', '{t}a', '1', 'PX', 1_000);
    await client.call('SET', '{t}b', '1');
    await client.call('WATCH', '{t}a', '{t}b');
    nowMs += 999;
    expect(await execute(client, [['GET', '{t}a']])).toEqual(['1']);
    await client.call('WATCH', '{t}b', '{t}a');
    nowMs += 1;
    expect(await execute(client, [['SET', '{t}b', '2']])).toBe(null);
    // It was gone already.
    await client.call('WATCH', '{t}b', '{t}a');
    expect(await execute(client, [['GET', '{t}b']])).toEqual(['1']);
  });

  test('is not bound to the slot of keys that it was refused to watch', async () => {
    const client = await connect((await start()).port);
    expect(plain(await client.call('WATCH', '{a}1', '{b}1'))).toMatch(/^-CROSSSLOT/);
    expect(await execute(client, [['SET', '{b}1', '1']])).toEqual(['OK']);
    expect(await client.call('WATCH', '{a}1')).toBe('OK');
    expect(plain(await client.call('WATCH', '{b}1'))).toMatch(/^-CROSSSLOT/);
    expect(await execute(client, [['SET', '{a}2', '1']])).toEqual(['OK']);
  });

  test('may hold a part of a command that names no key', async () => {
    const client = await connect((await start()).port);
    const [help] = (await execute(client, [
      ['OBJECT', 'HELP'],
      ['GET', 'k'],
    ])) as string[][];
    expect(help[0]).toMatch(/^OBJECT/);
  });

  test('keeps its words, and not the input that they came in', () => {
    let heldBytes = 0;
    const transaction = new Transaction((bytes) => {
      heldBytes += bytes;
    });
    const input = Buffer.alloc(65_536, 'GET k');
    transaction.open();
    transaction.enqueue(
      createCommandTable().find(input.subarray(0, 3))!,
      [input.subarray(0, 3), input.subarray(4, 5)],
      () => 0,
    );
    transaction.watch({ key: input.subarray(4, 5), context: '', expiresAtMs: 0 });
    const words = [...transaction.queued[0].argv, transaction.watched[0].key];
    expect(words.map(String)).toEqual(['GET', 'k', 'k']);
    for (const { buffer } of words) expect(buffer.byteLength).toBeLessThan(heldBytes);
    transaction.end();
    expect(heldBytes).toBe(0);
  });
});
