/** A data folder whose keys the app has locked, and coterie serve: it says the way out, changes nothing, and opens once they are plain. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeDisk } from '../../core/platform/node-disk.ts';
import { SecretFiles } from '../../core/security/secret-files.ts';
import { RealCluster } from '../support/cluster.ts';
import { testKeyStore } from '../support/test-key-store.ts';

test('coterie serve refuses keys that are locked, names the way out, and goes on with them once they are plain', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-locked-'));
  const cluster = new RealCluster(folder);
  try {
    await cluster.start();
    expect(await cluster.api.call('computer.keyLock', {})).toMatchObject({ isOn: false });
    await expect(cluster.command('keys', 'lock')).rejects.toThrow('Only the Coterie app can use it');
    await cluster.command('put', 'k', 'v');
    await cluster.stop();

    const secret = readFileSync(join(folder, 'cluster-secret'), 'latin1');
    // As the app does it at its start.
    const { files } = await SecretFiles.open({
      disk: new NodeDisk(folder),
      folder,
      keyStore: testKeyStore(),
    });
    const locked = readFileSync(join(folder, 'cluster-secret'), 'latin1');
    expect(locked).not.toBe(secret);
    await expect(cluster.start()).rejects.toThrow(
      /cluster-secret is locked by the key store of the system\. .*coterie keys unlock/,
    );
    expect(readFileSync(join(folder, 'cluster-secret'), 'latin1')).toBe(locked);
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);

    await files.setLock(false);
    await cluster.start();
    expect(readFileSync(join(folder, 'cluster-secret'), 'latin1')).toBe(secret);
    expect(await cluster.command('get', 'k')).toMatchObject({ siblings: [{ text: 'v' }] });
  } finally {
    await cluster.dispose();
  }
});
