import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { diskError, NodeDisk } from '../../../core/platform/node-disk.ts';

describe('an error of the file system', () => {
  it('is told as what can be done about it: wait, free space, or have the disk looked at', () => {
    const codeOf = (code: string) => diskError(Object.assign(new Error(code), { code })).code;
    for (const code of ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR']) expect(codeOf(code)).toBe('busy');
    for (const code of ['ENOSPC', 'EDQUOT']) expect(codeOf(code)).toBe('disk-full');
    expect(codeOf('ENOENT')).toBe('not-found');
    for (const code of ['EIO', 'EROFS', 'EACCES']) expect(codeOf(code)).toBe('disk-failed');
  });
});

describe('a disk of the operating system', () => {
  let root: string;
  let disk: NodeDisk;
  const path = (name: string) => join(root, name);
  const rightsOf = (name: string) => statSync(path(name)).mode & 0o777;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'coterie-disk-'));
    disk = new NodeDisk(root);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it.skipIf(process.platform === 'win32')(
    'makes files and folders for this account alone, and keeps others out of folders that were there',
    async () => {
      mkdirSync(path('known'), { mode: 0o755 });
      chmodSync(path('known'), 0o755);
      await disk.makeFolder('known');
      await disk.makeFolder('outer/inner');
      await (await disk.open('outer/inner/log', 'create')).close();
      writeFileSync(path('identity'), 'of an older version', { mode: 0o644 });
      writeFileSync(path('identity.new'), 'left behind by a crash', { mode: 0o644 });
      await disk.replaceFile('identity', Buffer.from('new'));
      const rights = ['known', 'outer', 'outer/inner', 'outer/inner/log', 'identity'].map(rightsOf);
      expect(rights).toEqual([0o700, 0o700, 0o700, 0o600, 0o600]);
    },
  );

  it('leaves no temporary file behind when a replacement fails', async () => {
    mkdirSync(path('taken/by'), { recursive: true });
    await expect(disk.replaceFile('taken', Buffer.from('v'))).rejects.toBeInstanceOf(CoterieError);
    expect(readdirSync(root)).toEqual(['taken']);
    rmSync(path('taken'), { recursive: true });
    await disk.replaceFile('taken', Buffer.from('v'));
    expect((await disk.readFile('taken')).toString()).toBe('v');
  });

  it.skipIf(process.platform !== 'linux')('says that it is full when no byte has room', async () => {
    const file = await new NodeDisk('/dev').open('full', 'write');
    await expect(file.write(Buffer.from('v'), 0)).rejects.toMatchObject({ code: 'disk-full' });
    await file.close();
  });
});
