/**
 * One of the processes of test/integration/folder-lock.test.ts. Each line of its input names a moment and a folder: it tries
 * to lock the folder then, says `won` or the reason, and keeps what it has won until it ends.
 */
import { createInterface } from 'node:readline';
import { lockFolder } from '../../core/platform/folder-lock.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const { atMs, folder } = JSON.parse(line) as { atMs: number; folder: string };
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now() - 2)));
  while (Date.now() < atMs);
  let answer = 'won';
  try {
    lockFolder(folder, 'a contender');
  } catch (error) {
    answer = (error as Error).message;
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
