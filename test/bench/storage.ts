/**
 * What the storage engine does on this computer's disk: durable puts, CPU for each, reads from memory and from disk,
 * index size and start time. Prints figures and asserts nothing. COTERIE_BENCH_FOLDER chooses the disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, type KeyAddress } from '../../core/base/token.ts';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../core/platform/system-clock.ts';
import { silentLog } from '../../core/ports/log.ts';
import type { StorageEngine } from '../../core/ports/storage-engine.ts';
import type { CompactionPolicy } from '../../core/storage/compactor.ts';
import { openLogEngine } from '../../core/storage/log-engine.ts';

const facts = { tombstone: false, expiresAtMs: 0 };
const writerCount = 256;
const kibibyte = 1024;
const mebibyte = kibibyte * kibibyte;

/** No compaction: what the append path alone costs. */
const idlePolicy = { deadShareMax: 1, warmSegmentCountMax: 10_000, smallBytes: 0, smallCountMax: 10_000 };

function open(root: string, hotBytesMax: number, policy?: CompactionPolicy): Promise<StorageEngine> {
  const components = { disk: new NodeDisk(root), clock: systemClock, timers: systemTimers, log: silentLog };
  return openLogEngine(components, {
    folder: 'data',
    hotBytesMax,
    ...(policy === undefined ? {} : { policy }),
  });
}

function keyOf(number: number): KeyAddress {
  return addressOf(0, Buffer.from(`user:${String(number).padStart(9, '0')}`));
}

/** Runs `count` operations, `width` of them at a time; each tells when it is done. */
function runWide(
  count: number,
  width: number,
  start: (number: number, done: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0;
    let left = count;
    const next = () => {
      if (begun < count) start(begun++, finished);
    };
    const finished = () => {
      left--;
      if (left === 0) resolve();
      else next();
    };
    for (let index = 0; index < width; index++) next();
  });
}

async function measure(title: string, count: number, body: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await body();
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = Math.round((count / elapsedMs) * 1_000).toLocaleString('en');
  const micros = (user / count).toFixed(2);
  const systemMicros = (system / count).toFixed(2);
  console.log(
    `${title.padEnd(42)} ${perSecond.padStart(10)} /s   ${micros} µs CPU each, and ${systemMicros} in the system`,
  );
}

function failOn(error: Error | null): void {
  if (error !== null) throw error;
}

function putAll(
  engine: StorageEngine,
  count: number,
  makeValue: (number: number) => Buffer,
  firstKey = 0,
): Promise<void> {
  return runWide(count, writerCount, (number, done) => {
    const durable = (error: Error | null) => {
      failOn(error);
      done();
    };
    failOn(engine.put(keyOf(firstKey + number), makeValue(number), facts, 'always', durable));
  });
}

function getAll(engine: StorageEngine, count: number, keyFor: (number: number) => number): Promise<void> {
  return runWide(count, 64, (number, done) => {
    engine.get(keyOf(keyFor(number)), (error) => {
      failOn(error);
      // A new stack: values in memory answer within the call.
      if (number % 64 === 0) setImmediate(done);
      else queueMicrotask(done);
    });
  });
}

const words =
  'order customer street amount total state open paid shipped name note price item count city date'.split(
    ' ',
  );

/** Values of records as applications keep them. Out of a pool longer than the compressor's window: no two alike near. */
function valuePool(): (number: number) => Buffer {
  const pool = Buffer.alloc(4 * mebibyte);
  let noise = 1;
  for (let at = 0; at < pool.length; ) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    at += pool.write(`"${words[noise >>> 28]}":${noise % 100_003},`, at);
  }
  return (number) => {
    const start = (number % (pool.length / kibibyte)) * kibibyte;
    return pool.subarray(start, start + kibibyte);
  };
}

async function oneKibibyte(root: string): Promise<void> {
  const count = 300_000;
  const makeValue = valuePool();
  let engine = await open(root, 64 * mebibyte, idlePolicy);
  await putAll(engine, 20_000, makeValue);
  const syncsBefore = engine.statistics().syncCount;
  await measure('durable puts of 1 KiB, 256 writers', count, () => putAll(engine, count, makeValue));
  const syncCount = engine.statistics().syncCount - syncsBefore;
  console.log(`  ${Math.round(count / syncCount)} puts for each sync`);
  // Read twice first, so that they are in memory.
  await getAll(engine, 20_000, (number) => number % 5_000);
  await measure('gets from memory', 1_000_000, () => getAll(engine, 1_000_000, (number) => number % 5_000));
  await engine.close();
  engine = await open(root, 64 * mebibyte);
  await measure('the same, while compaction compresses', count, () =>
    putAll(engine, count, makeValue, count),
  );
  await engine.settle();
  const { coldRawBytes, coldDiskBytes } = engine.statistics();
  console.log(`  cold tier: ${(coldRawBytes / Math.max(1, coldDiskBytes)).toFixed(2)} to 1`);
  await engine.close();
  engine = await open(root, 0);
  await measure('gets from disk, a random key each', 50_000, () =>
    getAll(engine, 50_000, (number) => (number * 7_919) % count),
  );
  await engine.close();
}

async function millionKeys(root: string): Promise<void> {
  const count = 1_000_000;
  let engine = await open(root, 0);
  const value = Buffer.alloc(16, 7);
  await measure('durable puts of 16 bytes, 256 writers', count, () => putAll(engine, count, () => value));
  const { indexBytes } = engine.statistics();
  console.log(`  index: ${(indexBytes / count).toFixed(1)} bytes a key`);
  await engine.close();
  const startMs = performance.now();
  engine = await open(root, 0);
  console.log(`  start with 1,000,000 keys: ${Math.round(performance.now() - startMs)} ms`);
  await engine.close();
}

async function run(): Promise<void> {
  for (const part of [oneKibibyte, millionKeys]) {
    const root = mkdtempSync(join(process.env.COTERIE_BENCH_FOLDER ?? tmpdir(), 'coterie-bench-'));
    try {
      await part(root);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
}

await run();
