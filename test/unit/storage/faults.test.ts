import { describe, expect, it } from 'vitest';
import { Bench, get, put } from '../../support/engines.ts';

describe('a failing disk', () => {
  it('that is full refuses writes with that reason, serves reads, and goes on by itself when there is room', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'before', 'v'));
    bench.disk.faults.capacityBytes = bench.disk.usedBytes + 10;
    bench.disk.faults.shortWrites = true;
    await expect(bench.run(put(engine, 'during', 'v'))).rejects.toMatchObject({ code: 'disk-full' });
    await expect(bench.run(put(engine, 'during too', 'v'))).rejects.toMatchObject({ code: 'disk-full' });
    expect(await bench.run(get(engine, 'before'))).toBe('v');
    bench.disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await bench.time.advance(2_000);
    await bench.run(put(engine, 'after', 'v'));
    bench.disk.crash();
    const reopened = await bench.open();
    expect(await bench.run(get(reopened, 'before'))).toBe('v');
    expect(await bench.run(get(reopened, 'after'))).toBe('v');
  });

  it('that fails to sync is not trusted again: no later write is acknowledged', async () => {
    const bench = new Bench();
    const engine = await bench.open();
    await bench.run(put(engine, 'before', 'v'));
    bench.disk.faults.syncFails = true;
    await expect(bench.run(put(engine, 'during', 'v'))).rejects.toMatchObject({ code: 'disk-failed' });
    bench.disk.faults.syncFails = false;
    await bench.time.advance(10_000);
    await expect(bench.run(put(engine, 'after', 'v'))).rejects.toMatchObject({ code: 'disk-failed' });
    expect(engine.refusal?.message).toContain('restart this node');
    expect(await bench.run(get(engine, 'before'))).toBe('v');
  });

  it('that fails one write is written to again a second later: nothing was acknowledged, nothing is lost', async () => {
    for (const shortWrites of [false, true]) {
      const bench = new Bench({ hotBytesMax: 0 });
      const engine = await bench.open();
      await bench.run(put(engine, 'before', 'v'));
      Object.assign(bench.disk.faults, { failNextWrites: 1, shortWrites });
      await expect(bench.run(put(engine, 'during', 'v'))).rejects.toMatchObject({ code: 'disk-failed' });
      expect(engine.refusal).toMatchObject({ code: 'disk-failed' });
      await bench.time.advance(2_000);
      expect(engine.refusal).toBeNull();
      await bench.run(put(engine, 'after', 'v'));
      bench.disk.crash();
      const reopened = await bench.open();
      expect(reopened.recovery.tornBytes).toBe(0);
      for (const key of ['before', 'during', 'after']) expect(await bench.run(get(reopened, key))).toBe('v');
    }
  });

  it('that cannot open a file for a moment makes writes wait; for longer, it refuses them until it can', async () => {
    const bench = new Bench({ segmentBytesMax: 100, hotBytesMax: 0 });
    bench.disk.during({ opensBusy: true }, 500);
    const engine = await bench.open();
    bench.disk.during({ opensBusy: true }, 500);
    for (let index = 0; index < 10; index++) await bench.run(put(engine, `k${index}`, 'v'));
    bench.disk.during({ opensBusy: true }, 30_000);
    const outcomes = [];
    for (let index = 10; index < 20; index++) {
      outcomes.push(
        await bench.run(
          put(engine, `k${index}`, 'v').then(
            () => 'written',
            (error) => error.code,
          ),
        ),
      );
    }
    expect(outcomes).toContain('busy');
    expect(outcomes).not.toContain('disk-failed');
    await bench.time.advance(32_000);
    for (let index = 0; index < 20; index++) await bench.run(put(engine, `k${index}`, 'w'));
    await bench.run(engine.close());
    const reopened = await bench.open();
    expect(reopened.recovery.clean).toBe(true);
    for (let index = 0; index < 20; index++) expect(await bench.run(get(reopened, `k${index}`))).toBe('w');
  });

  it('that is busy for a moment is asked again: reads and scans wait and succeed', async () => {
    const bench = new Bench({ hotBytesMax: 0 });
    const engine = await bench.open();
    await bench.run(put(engine, 'k', 'v'));
    bench.disk.during({ busy: true }, 300);
    expect(await bench.run(get(engine, 'k'))).toBe('v');
  });

  it('that fails to write refuses writes and serves reads', async () => {
    const bench = new Bench({ hotBytesMax: 0 });
    const engine = await bench.open();
    await bench.run(put(engine, 'before', 'v'));
    bench.disk.faults.writeFails = true;
    await expect(bench.run(put(engine, 'during', 'v'))).rejects.toMatchObject({ code: 'disk-failed' });
    expect(await bench.run(get(engine, 'before'))).toBe('v');
  });

  it('that flips a bit of a value is noticed at the read, and other keys are served', async () => {
    const bench = new Bench({ hotBytesMax: 0 });
    const engine = await bench.open();
    await bench.run(put(engine, 'a', 'value of a'));
    await bench.run(put(engine, 'b', 'value of b'));
    const name = (await bench.run(bench.disk.list('data'))).find((file) => file.endsWith('.log'))!;
    const at = bench.disk.contentOf(`data/${name}`).indexOf('value of a');
    bench.disk.flipBit(`data/${name}`, at);
    await expect(bench.run(get(engine, 'a'))).rejects.toMatchObject({ code: 'corrupt' });
    expect(await bench.run(get(engine, 'b'))).toBe('value of b');
  });

  it('that is too slow for the writes is answered with back-pressure, not with endless memory', async () => {
    const bench = new Bench({ pendingBytesMax: 10_000 });
    const engine = await bench.open();
    bench.disk.faults.delayMaxMs = 1_000;
    const writes = Array.from({ length: 40 }, (_, index) =>
      put(engine, `k${index}`, Buffer.alloc(1_000)).then(
        () => 'taken',
        (error) => error.code as string,
      ),
    );
    const outcomes = await bench.run(Promise.all(writes));
    expect(outcomes.filter((outcome) => outcome === 'busy').length).toBeGreaterThan(20);
    expect(outcomes.filter((outcome) => outcome === 'taken').length).toBeGreaterThan(5);
  });
});
