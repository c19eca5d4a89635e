/** The files of secrets: locked where there is a key store, plain where there is none, and never lost on the way. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CoterieError } from '../../../core/base/errors.ts';
import { systemTimers } from '../../../core/platform/system-clock.ts';
import type { KeyStore } from '../../../core/ports/secret-box.ts';
import { clusterSecret } from '../../../core/security/cluster-secret.ts';
import { SecretFiles } from '../../../core/security/secret-files.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { failingKeyStore, noKeyStore, testKeyStore } from '../../support/test-key-store.ts';

const plain = Buffer.from(`${'ab'.repeat(32)}\n`);
const random = { bytes: (count: number) => new Uint8Array(count).fill(7) } as never;
const here = testKeyStore();

let disk: SimulatedDisk;
beforeEach(() => {
  disk = new SimulatedDisk({ timers: systemTimers, random: new SeededRandom(1) });
});

const open = (keyStore: KeyStore) => SecretFiles.open({ disk, folder: '/folder', keyStore });
const files = async (keyStore: KeyStore) => (await open(keyStore)).files;
const raw = async (name = 'cluster-secret') => (await disk.readFile(name)).toString('latin1');
const isLocked = async (name?: string) => (await raw(name)).startsWith('coterie locked 1\n');

describe('a file of secrets', () => {
  it('is plain where there is no key store, and nothing can be chosen', async () => {
    const { files: store, findings } = await open(noKeyStore);
    await store.replaceFile('trust.json', plain);
    expect(await raw('trust.json')).toBe(plain.toString());
    expect(await store.readFile('trust.json')).toEqual(plain);
    expect(store.lock).toEqual({ isOn: false, whyNot: 'There is none here.' });
    expect(findings).toEqual([]);
    await expect(store.setLock(true)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is locked where there is one, from its first writing on', async () => {
    const { files: store, findings } = await open(here);
    await store.replaceFile('trust.json', plain);
    expect(await isLocked('trust.json')).toBe(true);
    expect(await raw('trust.json')).not.toContain('abab');
    expect(await store.readFile('trust.json')).toEqual(plain);
    expect(store.lock).toEqual({ isOn: true, whyNot: null });
    expect(findings).toEqual([]);
    expect(await (await files(here)).readFile('trust.json')).toEqual(plain);
  });

  it('that is not there is told as such', async () => {
    await expect((await files(here)).readFile('trust.json')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that nobody named as one is not written: it would stay plain beside the others', async () => {
    await expect((await files(here)).replaceFile('layout.json', plain)).rejects.toThrow('Assertion failed');
  });
});

describe('a folder of plain files that is opened with a key store', () => {
  const all = ['cluster-secret', 'trust.json', 'cluster-keys.json', 'newcomer.json', 'join-requests.json'];

  it('has them all locked, once, and tells it', async () => {
    for (const name of all) await disk.replaceFile(name, plain);
    const { files: store, findings } = await open(here);
    for (const name of all) {
      expect(await isLocked(name)).toBe(true);
      expect(await store.readFile(name)).toEqual(plain);
    }
    expect(findings).toEqual([expect.stringContaining('locked by the key store of the system from now on')]);
    const before = await raw();
    expect((await open(here)).findings).toEqual([]);
    expect(await raw()).toBe(before);
  });

  it('has nothing left of a replacement that a crash ended', async () => {
    await disk.replaceFile('trust.json', plain);
    await disk.replaceFile('trust.json.new', plain);
    await open(here);
    expect(await disk.list('.')).toEqual(['trust.json']);
  });

  it('opens after a crash between any two steps, with every file as it was', async () => {
    for (const name of all) await disk.replaceFile(name, plain);
    await disk.syncFolder('.');
    const forms: number[] = [];
    for (let step = 0; step <= all.length; step++) {
      const crashed = disk.afterCrash();
      let left = step;
      const replace = crashed.replaceFile.bind(crashed);
      crashed.replaceFile = async (path, bytes) => {
        if (left-- <= 0) throw new CoterieError('disk-failed', 'The disk failed.');
        await replace(path, bytes);
      };
      const parts = { disk: crashed, folder: '/folder', keyStore: here };
      const { findings } = await SecretFiles.open(parts);
      if (step < all.length) expect(findings).toEqual([expect.stringContaining('could not lock')]);
      crashed.crash();
      crashed.replaceFile = replace;
      const texts = await Promise.all(all.map(async (name) => (await crashed.readFile(name)).toString()));
      forms.push(texts.filter((text) => text.startsWith('coterie locked')).length);
      const { files: store } = await SecretFiles.open(parts);
      for (const name of all) expect(await store.readFile(name)).toEqual(plain);
    }
    expect(forms).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('a locked file that cannot be opened', () => {
  beforeEach(async () => (await files(here)).replaceFile('cluster-secret', plain));

  it.each([
    [
      'without a key store',
      noKeyStore,
      'unsupported',
      /^\/folder\/cluster-secret is locked .* coterie keys unlock/,
    ],
    ['by that of another account', testKeyStore('another'), 'corrupt', /another account or computer/],
    ['by one that fails', failingKeyStore, 'corrupt', /the keyring was closed/],
  ])('%s ends the start, and stays as it is', async (_, keyStore, code, message) => {
    const before = await raw();
    await expect(open(keyStore)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await raw()).toBe(before);
    expect(await disk.list('.')).toEqual(['cluster-secret']);
  });

  it('because it is damaged behind its first line ends the start, wherever that is', async () => {
    const whole = Buffer.from(await raw(), 'latin1');
    for (let at = 'coterie locked 1\n'.length; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1;
      await disk.replaceFile('cluster-secret', damaged);
      await expect(open(here)).rejects.toMatchObject({ code: 'corrupt' });
      await disk.replaceFile('cluster-secret', whole.subarray(0, at));
      await expect(open(here)).rejects.toMatchObject({ code: 'corrupt' });
    }
  });

  it('because it is that of another name ends the start', async () => {
    await disk.replaceFile('trust.json', Buffer.from(await raw(), 'latin1'));
    await expect(open(here)).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('because its first line is damaged does not lead to a new secret either', async () => {
    const store = await files(here);
    const whole = Buffer.from(await raw(), 'latin1');
    whole[3] ^= 1;
    await disk.replaceFile('cluster-secret', whole);
    await expect(clusterSecret(store, random)).rejects.toMatchObject({ code: 'corrupt' });
    expect(await raw()).toBe(whole.toString('latin1'));
  });

  it('does not lead to a new secret', async () => {
    const store = await files(here);
    const whole = Buffer.from(await raw(), 'latin1');
    await disk.replaceFile('cluster-secret', whole.subarray(0, -3));
    await expect(clusterSecret(store, random)).rejects.toMatchObject({ code: 'corrupt' });
    expect(await raw()).toBe(whole.subarray(0, -3).toString('latin1'));
    await disk.replaceFile('cluster-secret', whole);
    expect(await clusterSecret(store, random)).toEqual(Buffer.alloc(32, 0xab));
  });
});

describe('a secret of the cluster', () => {
  it.each(['', 'abc\n'])('is made where there is none that can be used: %j', async (text) => {
    await disk.replaceFile('cluster-secret', Buffer.from(text));
    expect(await clusterSecret(await files(here), random)).toEqual(Buffer.alloc(32, 7));
    expect(await isLocked()).toBe(true);
    expect(await clusterSecret(await files(here), random)).toEqual(Buffer.alloc(32, 7));
  });
});

describe('a person who chooses', () => {
  it('gets plain files at once, which stay so at each start, also without a key store', async () => {
    const store = await files(here);
    await store.replaceFile('cluster-secret', plain);
    await store.setLock(false);
    expect(await raw()).toBe(plain.toString());
    expect(store.lock).toEqual({ isOn: false, whyNot: null });
    await store.replaceFile('trust.json', plain);
    expect(await isLocked('trust.json')).toBe(false);
    expect((await open(here)).findings).toEqual([]);
    expect(await isLocked()).toBe(false);
    expect(await (await files(noKeyStore)).readFile('cluster-secret')).toEqual(plain);
  });

  it('gets locked ones at once again', async () => {
    const store = await files(here);
    await store.replaceFile('cluster-secret', plain);
    await store.setLock(false);
    await store.setLock(true);
    expect(await isLocked()).toBe(true);
    expect((await files(here)).lock.isOn).toBe(true);
  });

  it('gets plain ones once there is a key store, where that was chosen before', async () => {
    const store = await files(noKeyStore);
    await store.replaceFile('cluster-secret', plain);
    await store.setLock(false);
    expect((await open(here)).findings).toEqual([]);
    expect(await isLocked()).toBe(false);
  });

  /** The disk takes the other files, and is full for the secret. */
  async function unlockInVain(store: SecretFiles): Promise<void> {
    const replace = disk.replaceFile.bind(disk);
    disk.replaceFile = (path, bytes) =>
      path === 'cluster-secret'
        ? Promise.reject(new CoterieError('disk-full', 'The disk is full.'))
        : replace(path, bytes);
    await expect(store.setLock(false)).rejects.toMatchObject({ code: 'disk-full' });
    disk.replaceFile = replace;
  }

  it('can choose again after a failure, and has it carried out', async () => {
    const store = await files(here);
    await store.replaceFile('cluster-secret', plain);
    await unlockInVain(store);
    await store.setLock(false);
    expect(await raw()).toBe(plain.toString());
  });

  it('has a choice that a failure interrupted carried out at the next start', async () => {
    const store = await files(here);
    for (const name of ['cluster-secret', 'trust.json']) await store.replaceFile(name, plain);
    await unlockInVain(store);
    expect([await isLocked(), await isLocked('trust.json')]).toEqual([true, false]);
    expect(await store.readFile('cluster-secret')).toEqual(plain);
    expect((await open(here)).findings).toEqual([expect.stringContaining('kept in plain files')]);
    expect(await isLocked()).toBe(false);
  });

  it('loses nothing that is written at the same moment', async () => {
    const store = await files(here);
    await store.replaceFile('trust.json', plain);
    const later = Buffer.from('a key that came later');
    await Promise.all([store.setLock(false), store.replaceFile('trust.json', later), store.setLock(true)]);
    expect(await store.readFile('trust.json')).toEqual(later);
    expect(await isLocked('trust.json')).toBe(true);
  });
});
