import { describe, expect, it } from 'vitest';
import { addressOf, partitionOf, partitionStart } from '../../../core/base/token.ts';
import { headBytes, kind, putBytesMax, readHead } from '../../../core/storage/record-format.ts';
import { frameBytesMax } from '../../../core/wire/peer/frames.ts';
import { Bench, get, put, remove, scan } from '../../support/engines.ts';

const idle = { deadShareMax: 1, warmSegmentCountMax: 1_000, smallBytes: 0, smallCountMax: 1_000 };

async function written(bench: Bench, count = 40): Promise<void> {
  const engine = await bench.open();
  for (let index = 0; index < count; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
  await bench.run(engine.close());
}

describe('a start over damage', () => {
  it('does not believe a summary that tells of more than its segment holds', async () => {
    const bench = new Bench({ segmentBytesMax: 500, policy: idle });
    await written(bench);
    const first = (await bench.run(bench.disk.list('data'))).find((name) => name.endsWith('.log'))!;
    bench.disk.cut(`data/${first}`, 100);
    const engine = await bench.open();
    expect(engine.recovery.quarantinedSegments).toEqual([first]);
    expect(await bench.run(get(engine, 'key-0'))).toBeNull();
    expect(await bench.run(get(engine, 'key-39'))).toBe('value 39');
  });

  it('leaves a segment that was torn fit for compaction', async () => {
    const policy = { deadShareMax: 0.5, warmSegmentCountMax: 0, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ hotBytesMax: 0, policy });
    const engine = await bench.open();
    for (let index = 0; index < 10; index++) await bench.run(put(engine, `key-${index}`, `value ${index}`));
    const name = (await bench.run(bench.disk.list('data'))).find((file) => file.endsWith('.log'))!;
    bench.disk.cut(`data/${name}`, bench.disk.contentOf(`data/${name}`).length - 1);
    bench.disk.crash();
    const reopened = await bench.open();
    expect(reopened.recovery.tornBytes).toBeGreaterThan(0);
    await bench.run(reopened.settle());
    expect(reopened.statistics().compactionCount).toBe(1);
    expect(reopened.statistics().quarantinedSegmentCount).toBe(0);
    expect(await bench.run(get(reopened, 'key-8'))).toBe('value 8');
  });

  it('that is itself cut short by a crash at any moment can be made again', async () => {
    for (let stopAfterMs = 0; stopAfterMs < 60; stopAfterMs++) {
      const bench = new Bench({ segmentBytesMax: 700, hotBytesMax: 0, policy: idle }, stopAfterMs + 1);
      const engine = await bench.open();
      for (let index = 0; index < 40; index++) await bench.run(put(engine, `k${index % 15}`, `v${index}`));
      await bench.run(remove(engine, 'k5'));
      bench.disk.crash();
      const last = (await bench.run(bench.disk.list('data'))).filter((name) => name.endsWith('.log')).at(-1)!;
      const whole = bench.disk.contentOf(`data/${last}`);
      // A torn tail: the beginning of one more record.
      const file = await bench.run(bench.disk.open(`data/${last}`, 'write'));
      await bench.run(file.write(whole.subarray(16, 40), whole.length));
      await bench.run(file.sync());
      bench.disk.faults.delayMaxMs = 4;
      bench.open().catch(() => {});
      await bench.time.advance(stopAfterMs);
      bench.disk.crash();
      const reopened = await bench.open();
      for (let key = 0; key < 15; key++) {
        const index = key < 10 ? key + 30 : key + 15;
        expect(await bench.run(get(reopened, `k${key}`))).toBe(key === 5 ? null : `v${index}`);
      }
      expect(reopened.recovery.quarantinedSegments).toEqual([]);
      await bench.run(reopened.close());
    }
  });
});

describe('damage met while running', () => {
  it('costs the damaged key alone: scans leave it out, statistics report its segment once', async () => {
    const bench = new Bench({ hotBytesMax: 0, policy: idle });
    const engine = await bench.open();
    for (let index = 0; index < 6; index++) await bench.run(put(engine, `{t}${index}`, `value ${index}`));
    const name = (await bench.run(bench.disk.list('data'))).find((file) => file.endsWith('.log'))!;
    bench.disk.flipBit(`data/${name}`, bench.disk.contentOf(`data/${name}`).indexOf('value 3'));
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(bench.run(get(engine, '{t}3'))).rejects.toMatchObject({ code: 'corrupt' });
    }
    expect(engine.statistics().quarantinedSegmentCount).toBe(1);
    const partition = partitionOf(addressOf(0, Buffer.from('{t}0')).tokenHigh);
    const page = await bench.run(
      scan(engine, { partition, fromPosition: partitionStart(partition), countMax: 100 }),
    );
    expect(page.records.map(({ key }) => key.toString()).sort()).toEqual([
      '{t}0',
      '{t}1',
      '{t}2',
      '{t}4',
      '{t}5',
    ]);
    // Written anew, as read repair does, it is whole again.
    await bench.run(put(engine, '{t}3', 'repaired'));
    expect(await bench.run(get(engine, '{t}3'))).toBe('repaired');
  });

  it('a sync that fails for interval writes ends the head, for writes on their way as well', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'before', 'v', { durability: 'interval' }));
    bench.disk.faults.syncFails = true;
    await bench.time.advance(1_500);
    bench.disk.faults.syncFails = false;
    await expect(bench.run(put(engine, 'after', 'v'))).rejects.toMatchObject({ code: 'disk-failed' });
    expect(await bench.run(get(engine, 'before'))).toBe('v');
  });

  it('the largest record that is taken can be read back, packed in a block as well, and sent to another node', () => {
    const zero = { flags: 0, keyspace: 0, tokenHigh: 0, tokenLow: 0, expiryTick: 0 };
    const largest = { kind: kind.put, ...zero, keyLength: 1_000, valueLength: putBytesMax - 1_000 };
    // A block ends with the record that fills it.
    const raw = 8 * 1024 + headBytes + putBytesMax;
    const block = { kind: kind.block, ...zero, keyLength: raw, valueLength: raw };
    for (const head of [largest, block]) {
      const bytes = Buffer.alloc(headBytes);
      bytes[4] = head.kind;
      bytes.writeUInt32BE(head.keyLength, 20);
      bytes.writeUInt32BE(head.valueLength, 24);
      expect(readHead(bytes, 0)).toEqual(head);
    }
    expect(putBytesMax + 1024 * 1024).toBeLessThan(frameBytesMax);
  });

  it('a large value that is not packed is read from its block as it was', async () => {
    const policy = { deadShareMax: 1, warmSegmentCountMax: 0, smallBytes: 0, smallCountMax: 100 };
    const bench = new Bench({ hotBytesMax: 0, segmentBytesMax: 1_000_000, policy });
    const engine = await bench.open();
    const value = Buffer.alloc(5 * 1024 * 1024, 'large ');
    await bench.run(put(engine, 'k', value));
    await bench.run(put(engine, 'small', 'v'));
    await bench.run(engine.settle());
    expect(engine.statistics().coldDiskBytes).toBeGreaterThan(value.length);
    expect(await bench.run(get(engine, 'k'))).toBe(value.toString());
  });

  it('nothing is accepted once the engine is being closed', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'k', 'v'));
    const closing = engine.close();
    await expect(bench.run(put(engine, 'k', 'late'))).rejects.toMatchObject({ code: 'not-ready' });
    await expect(bench.run(remove(engine, 'k'))).rejects.toMatchObject({ code: 'not-ready' });
    await bench.run(closing);
    expect(await bench.run(get(await bench.open(), 'k'))).toBe('v');
  });
});
