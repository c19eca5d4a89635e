/** A whole data folder with a key store: what is in it in plain, and what becomes of it without the key store. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNewcomer } from '../../../core/host/computers/newcomer.ts';
import { openFolder } from '../../../core/host/open-folder.ts';
import { NodeDisk } from '../../../core/platform/node-disk.ts';
import { systemClock, systemTimers } from '../../../core/platform/system-clock.ts';
import type { KeyStore } from '../../../core/ports/secret-box.ts';
import { SecretFiles } from '../../../core/security/secret-files.ts';
import { LogCapture } from '../../support/log-capture.ts';
import { noKeyStore, testKeyStore } from '../../support/test-key-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coterie-locked-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (keyStore: KeyStore, listen: string | null = '127.0.0.1') =>
  openFolder(
    { clock: systemClock, timers: systemTimers, log: new LogCapture(), keyStore },
    {
      ...{ folder, nodes: { office: 1 }, host: '127.0.0.1', listen },
      ...{ clientsOpen: false, clientInterfaces: null, computerPort: 0, clientPort: 0, peerPort: 0 },
      ...{ clusterName: 'one', computerName: 'here', readOnly: false, hotBytesMax: 1024 },
    },
  );
const closed = async <T extends { close(): Promise<void> }>(opened: T): Promise<T> => {
  await opened.close();
  return opened;
};
const contents = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));

describe('a data folder', () => {
  it('with a key store holds no private key and no secret in plain, and opens again', async () => {
    const first = await open(testKeyStore());
    const { privateKey } = first.trust!.computer;
    const secret = first.secrets.set;
    await first.close();
    for (const text of contents()) {
      expect(text).not.toContain('PRIVATE KEY');
      expect(text).not.toContain(secret.use);
    }
    for (const name of ['cluster-secret', 'trust.json']) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
    const again = await open(testKeyStore());
    expect(again.trust!.computer.privateKey).toBe(privateKey);
    expect(again.secrets.set.use).toBe(secret.use);
    await again.close();
  });

  it('is refused without it with the way out, is not changed by that, and can be tried again', async () => {
    await (await open(testKeyStore())).close();
    const before = contents();
    await expect(open(noKeyStore)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(open(noKeyStore)).rejects.toThrow(/turn off "Lock this computer's keys"/);
    expect(contents()).toEqual(before);
    const opened = await open(testKeyStore());
    await opened.files.setLock(false);
    await opened.close();
    const plain = await open(noKeyStore);
    expect(plain.trust!.computer.privateKey).toBe(opened.trust!.computer.privateKey);
    await plain.close();
  });
});

describe('a computer that is its whole cluster', () => {
  it('keeps its data when its key store is gone for good, without other computers', async () => {
    const { layout } = await closed(await open(testKeyStore()));
    const refused = await open(testKeyStore('anew')).catch(({ message }: Error) => message);
    expect(refused).toMatch(/cannot open .*trust\.json .*move trust\.json and network\.json away/);
    rmSync(join(folder, 'trust.json'));
    await expect(open(testKeyStore('anew'), null)).rejects.toThrow(/cluster-secret .*move it away instead/);
    rmSync(join(folder, 'cluster-secret'));
    const opened = await closed(await open(testKeyStore('anew'), null));
    expect(opened.layout).toEqual(layout);
  });
});

describe('the key of a computer without a cluster', () => {
  it('is locked, kept from start to start, and not replaced where it cannot be opened', async () => {
    const disk = new NodeDisk(folder);
    const { files } = await SecretFiles.open({ disk, folder, keyStore: testKeyStore() });
    const kept = await readNewcomer(files);
    expect(readFileSync(join(folder, 'newcomer.json'), 'latin1')).not.toContain('PRIVATE KEY');
    expect(await readNewcomer(files)).toEqual(kept);
    await disk.replaceFile('newcomer.json', Buffer.from('coterie locked 1\nAAAA\n'));
    await expect(readNewcomer(files)).rejects.toMatchObject({ code: 'corrupt' });
    expect(readFileSync(join(folder, 'newcomer.json'), 'latin1')).toBe('coterie locked 1\nAAAA\n');
  });
});
