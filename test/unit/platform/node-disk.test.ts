import { describe, expect, it } from 'vitest';
import { diskError } from '../../../core/platform/node-disk.ts';

describe('an error of the file system', () => {
  it('is told as what can be done about it: wait, free space, or have the disk looked at', () => {
    const codeOf = (code: string) => diskError(Object.assign(new Error(code), { code })).code;
    for (const code of ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR']) expect(codeOf(code)).toBe('busy');
    for (const code of ['ENOSPC', 'EDQUOT']) expect(codeOf(code)).toBe('disk-full');
    expect(codeOf('ENOENT')).toBe('not-found');
    for (const code of ['EIO', 'EROFS', 'EACCES']) expect(codeOf(code)).toBe('disk-failed');
  });
});
