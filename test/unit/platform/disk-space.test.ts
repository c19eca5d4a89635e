import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { DiskSpace, type Space, spaceOf } from '../../../core/platform/disk-space.ts';

const room: Space = { totalBytes: 100, usedBytes: 60, freeBytes: 35 };

/** A file system that answers when it is told to. */
function slowFileSystem() {
  const asked: { answer(space: Space): void; fail(): void }[] = [];
  let nowMs = 0;
  const space = new DiskSpace(
    {
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
      ask: () =>
        new Promise((resolve, reject) =>
          asked.push({ answer: resolve, fail: () => reject(new Error('gone')) }),
        ),
    },
    5_000,
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { asked, space, settled, pass: (ms: number) => (nowMs += ms) };
}

describe('the room on a disk', () => {
  it('is asked for once in a while, and what was answered last is told meanwhile', async () => {
    const { asked, space, settled, pass } = slowFileSystem();
    expect(space.now()).toBeNull();
    asked[0].answer(room);
    await settled();
    expect(space.now()).toEqual(room);
    pass(4_999);
    space.now();
    expect(asked).toHaveLength(1);
    pass(1);
    expect(space.now()).toEqual(room);
    expect(asked).toHaveLength(2);
  });

  it('is asked for one at a time of a file system that does not answer', async () => {
    const { asked, space, settled, pass } = slowFileSystem();
    for (let turn = 0; turn < 10; turn++) {
      expect(space.now()).toBeNull();
      pass(60_000);
    }
    expect(asked).toHaveLength(1);
    asked[0].answer(room);
    await settled();
    expect(space.now()).toEqual(room);
  });

  it('is not known any more where the system cannot say it, until it can again', async () => {
    const { asked, space, settled, pass } = slowFileSystem();
    space.now();
    asked[0].answer(room);
    await settled();
    pass(5_000);
    space.now();
    asked[1].fail();
    await settled();
    pass(5_000);
    expect(space.now()).toBeNull();
    asked[2].answer(room);
    await settled();
    expect(space.now()).toEqual(room);
  });

  it('is that of the file system of a folder', async () => {
    const { totalBytes, usedBytes, freeBytes } = await spaceOf(tmpdir());
    expect(totalBytes).toBeGreaterThan(0);
    expect(usedBytes + freeBytes).toBeLessThanOrEqual(totalBytes);
    await expect(spaceOf('/no/such/folder')).rejects.toThrow();
  });
});
