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
import { openLogEngine } from '../../core/storage/log-engine.ts';

const facts = { tombstone: false, expiresAtMs: 0 };
const writerCount = 256;
const kibibyte = 1024;
const mebibyte = kibibyte * kibibyte;

function open(root: string, hotBytesMax: number): Promise<StorageEngine> {
  const components = { disk: new NodeDisk(root), clock: systemClock, timers: systemTimers, log: silentLog };
  return openLogEngine(components, { folder: 'data', hotBytesMax });
}

function keyOf(number: number): KeyAddress {
  return addressOf(0, Buffer.from(`user:${String(number).padStart(9, '0')}`));
}

/** Runs `count` operations, `width` of them at a time; each tells when it is done. */
function runWide(count: number, width: number, start: (number: number, done: () => void) => void): Promise<void> {
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
  const micros = ((user + system) / count).toFixed(2);
  console.log(`${title.padEnd(46)} ${perSecond.padStart(12)} /s   ${micros.padStart(7)} µs CPU each`);
}

function failOn(error: Error | null): void {
  if (error !== null) throw error;
}

function putAll(engine: StorageEngine, count: number, value: Buffer): Promise<void> {
  return runWide(count, writerCount, (number, done) => {
    engine.put(keyOf(number), value, facts, 'always', (error) => {
      failOn(error);
      done();
    });
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

/** Half text, half noise: compresses as records of applications do, rather than as a run of one byte. */
function ordinaryValue(): Buffer {
  const value = Buffer.alloc(kibibyte);
  for (let at = 0; at < value.length; at++) value[at] = at % 2 === 0 ? 97 + (at % 26) : (at * 2_654_435_761) >>> 24;
  return value;
}

async function oneKibibyte(root: string): Promise<void> {
  const count = 300_000;
  const value = ordinaryValue();
  let engine = await open(root, 64 * mebibyte);
  await putAll(engine, 20_000, value);
  const syncsBefore = engine.statistics().syncCount;
  await measure('durable puts of 1 KiB, 256 writers', count, () => putAll(engine, count, value));
  const syncCount = engine.statistics().syncCount - syncsBefore;
  console.log(`  ${Math.round(count / syncCount)} puts for each sync`);
  // Read twice first, so that they are in memory.
  await getAll(engine, 20_000, (number) => number % 5_000);
  await measure('gets from memory', 1_000_000, () => getAll(engine, 1_000_000, (number) => number % 5_000));
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
  await measure('durable puts of 16 bytes, 256 writers', count, () => putAll(engine, count, Buffer.alloc(16, 7)));
  const { indexBytes } = engine.statistics();
  console.log(`  index: ${(indexBytes / count).toFixed(1)} bytes a key`);
  await engine.close();
  const startMs = performance.now();
  engine = await open(root, 0);
  console.log(`  start with 1,000,000 keys: ${Math.round(performance.now() - startMs)} ms`);
  await engine.close();
}

export async function run(): Promise<void> {
  for (const part of [oneKibibyte, millionKeys]) {
    const root = mkdtempSync(join(process.env.COTERIE_BENCH_FOLDER ?? tmpdir(), 'coterie-bench-'));
    try {
      await part(root);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
}
