/** What a folder's disk does when something is written there and made durable, tried with one small file that is removed again. */
import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const writeCount = 5;
const writeBytes = 4_096;

/** Milliseconds that a small durable write takes, the middle one of a few. Rejects with what the system says. */
export async function syncedWriteMs(folder: string): Promise<number> {
  const path = join(folder, `doctor-${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  const file = await open(path, 'wx', 0o600);
  try {
    const durations: number[] = [];
    const bytes = randomBytes(writeBytes);
    for (let turn = 0; turn < writeCount; turn++) {
      const startedMs = performance.now();
      await file.write(bytes, 0, bytes.length, turn * writeBytes);
      await file.datasync();
      durations.push(performance.now() - startedMs);
    }
    return durations.sort((a, b) => a - b)[writeCount >> 1];
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
