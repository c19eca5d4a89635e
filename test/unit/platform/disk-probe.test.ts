import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { syncedWriteMs } from '../../../core/platform/disk-probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'coterie-probe-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a synced write', () => {
  it('takes some time, and leaves nothing behind', async () => {
    writeFileSync(join(folder, 'kept'), 'as it was');
    expect(await syncedWriteMs(folder)).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  it('fails with what the system says where there is no folder', async () => {
    await expect(syncedWriteMs(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
