import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
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
    const path = join(folder, 'owner.lock');
    writeFileSync(path, '{"pid":1');
    utimesSync(path, new Date(0), new Date(0));
    const lock = lockFolder(folder, 'this one');
    expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
    lock.release();
  });

  it('that is cut short is left alone while it may still be written: not every file system has hard links', () => {
    writeFileSync(join(folder, 'owner.lock'), '');
    expect(() => lockFolder(folder, 'this one')).toThrow('is being taken by another process');
  });

  it('passes on from a successor that died before it was done', () => {
    const gone = { pid: 2 ** 22 - 1, startedAt: '1', what: 'gone' };
    writeFileSync(join(folder, 'owner.lock'), JSON.stringify({ ...gone, id: 'a' }));
    writeFileSync(join(folder, 'owner.lock.after-a'), JSON.stringify({ ...gone, id: 'b' }));
    const lock = lockFolder(folder, 'this one');
    expect(readdirSync(folder)).toEqual(['owner.lock']);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('belongs to a successor that runs, though its own file is not in place yet', () => {
    const gone = { pid: 2 ** 22 - 1, startedAt: '1', what: 'gone', id: 'a' };
    const owner = { pid: process.ppid, startedAt: startOf(process.ppid), what: 'another Coterie', id: 'b' };
    writeFileSync(join(folder, 'owner.lock'), JSON.stringify(gone));
    writeFileSync(join(folder, 'owner.lock.after-a'), JSON.stringify(owner));
    expect(() => lockFolder(folder, 'this one')).toThrow('in use by another Coterie');
  });

  it('is had once, by the same process too', () => {
    const lock = lockFolder(folder, 'this one');
    expect(() => lockFolder(folder, 'this one again')).toThrow('in use by this one');
    lock.release();
    lockFolder(folder, 'this one').release();
  });

  it('says which folder cannot be used', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    expect(() => lockFolder(path, 'this one')).toThrow(`The folder ${path} cannot be used`);
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
