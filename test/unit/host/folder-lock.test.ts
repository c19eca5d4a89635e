import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../../core/platform/folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the lock of a data folder', () => {
  it('names the process that has it to whoever comes second', () => {
    // Our parent runs, and is not us.
    const owner = { pid: process.ppid, startedAt: startOf(process.ppid), what: 'another Coterie' };
    writeFileSync(join(folder, 'owner.lock'), JSON.stringify(owner));
    expect(() => lockFolder(folder, 'this one')).toThrow(
      new RegExp(`in use by another Coterie \\(process ${process.ppid}\\)`),
    );
  });

  it('is taken over from an owner that no longer runs, and from one whose number another program got', () => {
    for (const stale of [
      { pid: 2 ** 22 - 1, startedAt: '1', what: 'gone' },
      { pid: process.ppid, startedAt: 'long ago', what: 'gone' },
    ]) {
      writeFileSync(join(folder, 'owner.lock'), JSON.stringify(stale));
      lockFolder(folder, 'this one').release();
    }
  });

  it('is taken over when its file was cut short by a crash', () => {
    writeFileSync(join(folder, 'owner.lock'), '{"pid":1');
    const lock = lockFolder(folder, 'this one');
    expect(JSON.parse(readFileSync(join(folder, 'owner.lock'), 'utf8')).pid).toBe(process.pid);
    lock.release();
  });
});

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}
